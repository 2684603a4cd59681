/** When the state that a peer answered is known to be held whole here (lease, boot check, handover). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Governance } from '../../src/core/governance.ts'
import { Challenges, type Changed } from '../../src/mesh/challenge.ts'
import type { StateAnswer } from '../../src/mesh/state-frames.ts'
import { failsWith } from './street.ts'

const never = new AbortController().signal

/** Challenges of a node whose pulls end at the peer's `pulled` incarnation, and learn nothing by themselves. */
function challenger() {
  const governance = { digest: 'own' }
  const pulls: string[] = []
  let learned: (change: Changed) => void = () => {}
  const self = { pulled: 'one', pulls, learn }
  function learn(digest: string): void {
    governance.digest = digest
    learned({} as Changed)
  }
  const statements = {
    governance: governance as Governance,
    onChange: (listener: (change: Changed) => void) => (learned = listener),
  }
  const pull = async (peer: string) => {
    pulls.push(peer)
    return self.pulled
  }
  const unused = {} as never
  const challenges = new Challenges({
    ...{ statements, pull, network: unused, clock: unused, random: unused, heard: unused },
  })
  return Object.assign(self, { challenges })
}

function answerOf(incarnation: string, digest: string): StateAnswer {
  const answer: Partial<StateAnswer> = { node: 'did:key:z6MkPeer', incarnation, digest }
  return answer as StateAnswer
}

test('a pull proves what was answered, as long as the peer did not start again in between', async () => {
  const { challenges, pulls } = challenger()
  await challenges.reach(answerOf('one', 'theirs'), never)
  assert.equal(pulls.length, 1)
})

test('a peer whose disk was set back after its answer proves nothing by what it still serves', async () => {
  const node = challenger()
  node.pulled = 'two'
  const reached = node.challenges.reach(answerOf('one', 'theirs'), never)
  await assert.rejects(reached, failsWith('UNREACHABLE'))
})

test('one pull serves answers of one incarnation alone', async () => {
  const { challenges, pulls } = challenger()
  const [one, same, other] = ['one', 'one', 'two'].map((incarnation) =>
    challenges.reach(answerOf(incarnation, 'theirs'), never),
  )
  await Promise.all([one, same])
  await assert.rejects(other as Promise<void>, failsWith('UNREACHABLE'))
  assert.equal(pulls.length, 2)
})

test('a digest that was once our own needs no pull, whoever answered it and however often it started', async () => {
  const { challenges, pulls, learn } = challenger()
  learn('theirs')
  learn('ours')
  await challenges.reach(answerOf('two', 'theirs'), never)
  assert.equal(pulls.length, 0)
})
