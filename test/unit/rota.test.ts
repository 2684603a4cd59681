/** Whom sync and the exchange of heads ask next. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Did } from '../../src/core/keys.ts'
import { SYNC_INTERVAL_MS } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { PeerLink } from '../../src/mesh/ports.ts'
import { Rota } from '../../src/mesh/rota.ts'
import { Sync } from '../../src/mesh/sync.ts'
import { VirtualClock } from '../sim/clock.ts'
import { opened } from './sets.ts'
import { keyOf } from './statements.ts'

const everybody: readonly Did[] = Array.from({ length: 8 }, (_, at) => keyOf(`n${at}`).did)
const linked = (peers: readonly Did[]) => peers.map((peer) => ({ peer }) as PeerLink)
const dice = fc.infiniteStream(fc.nat())
/** Who is a neighbour at each turn. */
const streets = fc.array(fc.subarray([...everybody]), { minLength: 1, maxLength: 60 })

/** Whom it asks, turn by turn. */
function asked(turns: readonly (readonly Did[])[], draws: Iterator<number>): (Did | null)[] {
  const street = { now: [] as readonly Did[] }
  const rota = new Rota(
    { peers: () => linked(street.now) },
    { integer: (below) => Number(draws.next().value) % below },
  )
  return turns.map((now) => {
    street.now = now
    return rota.next()
  })
}

test('each neighbour is asked once before any is asked again', () => {
  fc.assert(
    fc.property(fc.subarray([...everybody], { minLength: 1 }), dice, (peers, draws) => {
      const rounds = asked(Array<readonly Did[]>(3 * peers.length).fill(peers), draws)
      for (let from = 0; from + peers.length <= rounds.length; from++) {
        const round = rounds.slice(from, from + peers.length)
        assert.deepEqual(new Set(round), new Set(peers))
      }
    }),
  )
})

test('who stays is asked within as many turns as there are neighbours, whoever comes and goes', () => {
  const [honest, ...others] = everybody as [Did, ...Did[]]
  fc.assert(
    fc.property(streets, dice, (turns, draws) => {
      const withHonest = turns.map((now) => [...new Set([...now, honest])])
      const peers = asked(withHonest, draws)
      for (let from = 0; from + others.length < peers.length; from++)
        assert.ok(peers.slice(from, from + everybody.length).includes(honest))
    }),
  )
})

test('who is asked is a neighbour now, and nobody where there is none', () => {
  fc.assert(
    fc.property(streets, dice, (turns, draws) => {
      asked(turns, draws).forEach((peer, at) => {
        const now = turns[at] as readonly Did[]
        assert.ok(peer === null ? now.length === 0 : now.includes(peer))
      })
    }),
  )
})

test('the order is drawn: another draw asks another neighbour first', () => {
  const first = (draw: number) => asked([everybody], Array(8).fill(draw).values())[0]
  assert.notEqual(first(0), first(7))
})

test('sync asks in turn: each of seven neighbours within seven turns, though none of them answers', async () => {
  const clock = new VirtualClock()
  const peers = everybody.slice(1)
  const calls: Did[] = []
  const sync = Sync.open({
    ...{ clock, random: clock.dice, incarnation: '', statements: await opened() },
    addresses: { all: () => [], offer: () => {} } as never,
    network: {
      peers: () => linked(peers),
      onPeer: () => {},
      handle: () => {},
      ask: async (peer) => {
        calls.push(peer)
        throw new MeshError('TIMEOUT', 'no answer in time')
      },
    },
  })
  const stop = new AbortController()
  void sync.run(stop.signal)
  await clock.advance(40 * SYNC_INTERVAL_MS)
  stop.abort()
  // At its start it asks everybody; what follows is by turns.
  const turns = calls.slice(peers.length)
  assert.ok(turns.length > 3 * peers.length)
  for (let from = 0; from + peers.length <= turns.length; from++)
    assert.deepEqual(new Set(turns.slice(from, from + peers.length)), new Set(peers))
})
