import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BURDEN_MS_MAX, BURDEN_SHARE, PEERS_MAX } from '../../src/core/limits.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import { Burden, isUseful } from '../../src/mesh/burden.ts'
import { keyOf } from './statements.ts'

const [flooder, other] = [keyOf('flooder').did, keyOf('other').did]
const accept: Verdict = { verdict: 'accept' }
const seen: Verdict = { verdict: 'ignore', why: 'seen' }
const unknown: Verdict = { verdict: 'ignore', why: 'unknown' }
const bad: Verdict = { verdict: 'reject', why: 'signature' }

function open() {
  let nowMs = 0
  const burden = new Burden({ monotonicMs: () => nowMs })
  return {
    burden,
    wait: (ms: number) => {
      nowMs += ms
    },
    /** Something that takes a while to look at. */
    bring: (peer: typeof flooder, verdict: Verdict, ms: number) =>
      burden.weigh(
        peer,
        () => {
          nowMs += ms
          return verdict
        },
        isUseful,
      ),
  }
}

test('a peer that brings what is of no use is heard for a while, and then for its share of time', () => {
  const { burden, bring, wait } = open()
  let heardMs = 0
  for (let passedMs = 0; passedMs < 60_000; passedMs += 2) {
    if (burden.tooMuch(flooder)) wait(2)
    else {
      bring(flooder, bad, 2)
      heardMs += 2
    }
  }
  assert.ok(heardMs >= BURDEN_MS_MAX, `${heardMs} ms`)
  assert.ok(heardMs <= BURDEN_MS_MAX + 60_000 * BURDEN_SHARE + 2, `${heardMs} ms`)
})

test('what is accepted, or was seen, costs its bringer nothing; and one peer does not pay for another', () => {
  const { burden, bring } = open()
  for (const verdict of [accept, seen]) bring(other, verdict, 10 * BURDEN_MS_MAX)
  assert.equal(burden.tooMuch(other), false)
  assert.equal(bring(flooder, unknown, BURDEN_MS_MAX), unknown)
  assert.deepEqual([burden.tooMuch(flooder), burden.tooMuch(other)], [true, false])
})

test('who was silent is heard again', () => {
  const { burden, bring, wait } = open()
  bring(flooder, bad, 2 * BURDEN_MS_MAX)
  wait(BURDEN_MS_MAX / BURDEN_SHARE - 1)
  assert.equal(burden.tooMuch(flooder), true)
  wait(2)
  assert.equal(burden.tooMuch(flooder), false)
})

test('of more peers than there may be, the one that was blamed longest ago is forgotten', () => {
  const { burden, bring } = open()
  bring(flooder, bad, BURDEN_MS_MAX)
  for (let n = 0; n < PEERS_MAX; n++) bring(`did:key:${n}` as typeof flooder, bad, 0)
  assert.equal(burden.tooMuch(flooder), false)
})
