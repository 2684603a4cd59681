import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Did, signerOf } from '../../src/core/keys.ts'
import { PEERS_MAX, REDIAL_MS_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Peers } from '../../src/network/peers.ts'
import { VirtualClock } from '../sim/clock.ts'

const didOf = (number: number) => signerOf(new Uint8Array(32).fill(number)).did
const PEER = didOf(1)

/** A table whose dials give what answer() says, and the moments of them. */
function table(answer: (peer: Did) => boolean | null) {
  const clock = new VirtualClock(7)
  const dials: number[] = []
  const greeted = new Set<Did>()
  const peers = new Peers({
    clock,
    random: clock.dice,
    greeted: (peer) => greeted.has(peer),
    dial: async (peer) => {
      dials.push(clock.monotonicMs())
      const outcome = answer(peer)
      if (outcome === null) throw new MeshError('UNREACHABLE', 'nobody there')
      if (outcome) {
        greeted.add(peer)
        peers.greeted(peer)
      }
      return outcome
    },
  })
  const lose = (peer: Did) => {
    greeted.delete(peer)
    peers.lost(peer, 'gone')
  }
  return { clock, dials, peers, lose }
}

test('a peer is redialled for ever, at growing intervals up to the bound', async () => {
  const { clock, dials, peers } = table(() => null)
  peers.remember(PEER, ['x'])
  peers.resume()
  await clock.advance(2 * 60 * 60 * 1000)
  const waits = dials.slice(1).map((at, i) => at - (dials[i] as number))
  assert.ok(waits.every((ms) => ms <= REDIAL_MS_MAX))
  assert.ok((waits[0] as number) < 500)
  assert.ok(waits.slice(10).every((ms) => ms >= REDIAL_MS_MAX / 2))
  assert.ok(new Set(waits.slice(10)).size > 100, 'the waits differ')
  assert.ok((dials.at(-1) ?? 0) >= 2 * 60 * 60 * 1000 - REDIAL_MS_MAX)
  assert.equal(peers.lastError(PEER), 'nobody there')
})

test('after a start everything is dialled at once, and nothing before', async () => {
  const { clock, dials, peers } = table(() => true)
  for (let i = 1; i <= 50; i++) peers.remember(didOf(i), ['x'])
  await clock.advance(5_000)
  assert.deepEqual(dials, [])
  peers.resume()
  await clock.advance(0)
  assert.deepEqual(
    dials,
    Array.from({ length: 50 }, () => 5_000),
  )
})

test('a lost peer is dialled soon, and a greeted one is not', async () => {
  const { clock, dials, peers, lose } = table(() => true)
  peers.remember(PEER, ['x'])
  peers.resume()
  await clock.advance(60_000)
  assert.equal(dials.length, 1)
  lose(PEER)
  assert.equal(peers.lastError(PEER), 'gone')
  await clock.advance(500)
  assert.equal(dials.length, 2)
  assert.equal(peers.lastError(PEER), null)
})

test('a peer that greets and goes at once is dialled ever more slowly', async () => {
  const { clock, dials, peers, lose } = table(() => true)
  peers.remember(PEER, ['x'])
  peers.resume()
  for (let i = 0; i < 600; i++) {
    await clock.advance(100)
    lose(PEER)
  }
  assert.ok(dials.length < 30, `${dials.length} dials in a minute`)
})

test('a node at the door asks every two to three seconds, for ever', async () => {
  const { clock, dials, peers } = table(() => false)
  peers.remember(PEER, ['x'])
  peers.resume()
  await clock.advance(60_000)
  assert.ok(dials.length >= 20 && dials.length <= 31, `${dials.length} hellos in a minute`)
})

test('connect dials at once, shares the attempt that is under way, and tells its outcome', async () => {
  const { clock, dials, peers } = table((peer) => peer !== PEER || null)
  peers.resume()
  const failing = [peers.connect(PEER, ['x']), peers.connect(PEER, ['x'])]
  for (const each of failing) await assert.rejects(each, { code: 'UNREACHABLE' })
  assert.equal(await peers.connect(didOf(2), ['x']), true)
  assert.equal(await peers.connect(didOf(2), ['x']), true)
  assert.equal(dials.length, 2)
  await clock.advance(500)
  assert.ok(dials.length > 2, 'the failed one is tried again')
})

test('a forgotten peer and a paused table are not dialled', async () => {
  const { clock, dials, peers } = table(() => null)
  peers.remember(PEER, ['x'])
  peers.remember(didOf(2), ['x'])
  peers.resume()
  await clock.advance(0)
  peers.forget(PEER)
  peers.pause()
  await clock.advance(60_000)
  assert.equal(dials.length, 2)
  await assert.rejects(peers.connect(didOf(2), ['x']), { code: 'UNREACHABLE' })
  peers.resume()
  await clock.advance(0)
  assert.equal(dials.length, 3)
})

test('the table and its errors are bounded', async () => {
  const { peers } = table(() => null)
  const did = (i: number) => `did:key:z6Mk${i}` as Did
  for (let i = 0; i < PEERS_MAX; i++) peers.remember(did(i), ['x'])
  assert.equal(peers.remember(did(0), ['y']), true)
  assert.equal(peers.remember(did(PEERS_MAX), ['x']), false)
  await assert.rejects(peers.connect(did(PEERS_MAX), ['x']), { code: 'TOO_MANY' })
  for (let i = 0; i <= PEERS_MAX; i++) peers.failed(did(i), 'why')
  assert.equal(peers.lastError(did(0)), null)
  assert.equal(peers.lastError(did(PEERS_MAX)), 'why')
})
