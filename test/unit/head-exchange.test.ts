/** What peers heard of other logs, asked of them (L5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Did } from '../../src/core/keys.ts'
import { HEADS_ASKED_MAX, HEADS_LOOK_MS } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { HeadExchange } from '../../src/mesh/head-exchange.ts'
import type { LogAnswer, LogRequest } from '../../src/mesh/log-frames.ts'
import { VirtualClock } from '../sim/clock.ts'
import { offer, opened, world } from './sets.ts'
import { atlas, borealis, corvus, nodeOf, TestLog } from './statements.ts'

async function asker(answer: (peer: Did, request: LogRequest) => LogAnswer, more = 0) {
  const clock = new VirtualClock()
  const statements = await opened()
  const others = Array.from({ length: more }, (_, at) => nodeOf(`node-${at}`))
  for (const node of [atlas, borealis, corvus, ...others])
    await offer(statements, world.member(node, { expiresMs: clock.wallMs() + 1e9 }))
  const offered: [Did, string][] = []
  const asked: (LogRequest & { ask: 'heads' })[] = []
  const stop = new AbortController()
  const exchange = new HeadExchange({
    ...{ clock, random: clock.dice, statements },
    network: { self: atlas.identity.did, peers: () => [{ peer: borealis.identity.did }] as never },
    checkpoints: { offer: async (node, note) => void offered.push([node, note]) },
    ask: async (peer, request) => {
      assert.ok(request.ask === 'heads')
      asked.push(request)
      return answer(peer, request)
    },
  })
  void exchange.run(stop.signal)
  return { clock, offered, asked, statements }
}

const head = new TestLog(world.mesh, corvus).note(3)

test('what a peer heard of a third node is taken like its own word', async () => {
  const { clock, offered, asked } = await asker(() => ({ say: 'heads', notes: [head] }))
  await clock.advance(1)
  assert.deepEqual(asked, [{ ask: 'heads', nodes: [corvus.identity.did] }])
  assert.deepEqual(offered, [[corvus.identity.did, head]])
})

test('more answers than were asked for, none, another one, and silence change nothing', async () => {
  const answers: (() => LogAnswer)[] = [
    () => ({ say: 'heads', notes: [head, head, head] }),
    () => ({ say: 'heads', notes: [] }),
    () => ({ say: 'refused', why: 'often' }),
    () => {
      throw new MeshError('UNREACHABLE', 'it is away')
    },
  ]
  let at = 0
  const { clock, offered, asked } = await asker(() => (answers[at++ % 4] as () => LogAnswer)())
  await clock.advance(4 * HEADS_LOOK_MS - 1)
  assert.equal(asked.length, 4)
  assert.equal(offered.length, 1)
})

test('in a large mesh every node is asked about, some at a time', async () => {
  const { clock, asked } = await asker(() => ({ say: 'heads', notes: [] }), 2 * HEADS_ASKED_MAX)
  await clock.advance(3 * HEADS_LOOK_MS)
  const nodes = asked.slice(0, 3).flatMap((request) => request.nodes)
  assert.equal(new Set(nodes).size, 2 * HEADS_ASKED_MAX + 1)
  assert.ok(!nodes.includes(atlas.identity.did) && !nodes.includes(borealis.identity.did))
  assert.ok(asked.every((request) => request.nodes.length <= HEADS_ASKED_MAX))
})
