/** Who waits at the door: bounded, and whoever keeps asking keeps coming back (FAULTS 73, 126). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Did } from '../../src/core/keys.ts'
import { PENDING_PEERS_MAX } from '../../src/core/limits.ts'
import { PendingPeers } from '../../src/mesh/pending-peers.ts'
import { row } from '../lab/row.ts'
import { atlas } from './statements.ts'

function peer(n: number) {
  const did: Did = `did:key:z6Mk${n}`
  return { peer: did, name: 'atlas', log: atlas.log.did, witness: atlas.witness.did, seenMs: n }
}

test('ten thousand look-alikes take the room of a few, and who asks again stays', (t) => {
  const waiting = new PendingPeers()
  const honest = peer(-1)
  for (let n = 0; n < 10_000; n++) {
    waiting.put(peer(n))
    if (n % (PENDING_PEERS_MAX - 1) === 0) waiting.put(honest)
    assert.ok(waiting.all().length <= PENDING_PEERS_MAX)
  }
  assert.equal(waiting.all().length, PENDING_PEERS_MAX)
  assert.deepEqual(waiting.get(honest.peer), honest)
  assert.equal(waiting.get(peer(0).peer), null)
  row(t, 126, `10,000 look-alikes: ${PENDING_PEERS_MAX} kept, who asks again among them`)
})

test('whoever asks twice waits once, with its newest words', () => {
  const waiting = new PendingPeers()
  waiting.put(peer(1))
  waiting.put({ ...peer(1), name: 'borealis' })
  assert.deepEqual(
    waiting.all().map(({ name }) => name),
    ['borealis'],
  )
  waiting.delete(peer(1).peer)
  assert.deepEqual(waiting.all(), [])
})
