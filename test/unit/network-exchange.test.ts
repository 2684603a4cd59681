/** Of one peer's questions so many are answered in a second (L6): the next is told busy, and nobody else is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { lpStream, streamPair } from '@libp2p/utils'
import { utf8 } from '../../src/core/bytes.ts'
import type { Did } from '../../src/core/keys.ts'
import { SYNC_ASKS_PER_PEER_PER_S } from '../../src/core/limits.ts'
import type { Protocol } from '../../src/mesh/ports.ts'
import { Exchange } from '../../src/network/exchange.ts'
import { Dice, VirtualClock } from '../sim/clock.ts'
import { keyOf } from './statements.ts'

const ANSWERED = 0
const BUSY = 1
const FRAME = {
  maxLengthLength: 4,
  lengthEncoder: (bytes: number) => Uint8Array.of(0, 0, bytes >> 8, bytes),
  lengthDecoder: (bytes: { readonly length: number; getUint32(at: number): number }) => {
    if (bytes.length < 4) throw new RangeError('one more')
    return bytes.getUint32(0)
  },
}

test('a peer that asks too often is told busy until the second is over; the others are answered', async () => {
  const clock = new VirtualClock()
  let asker: Did = keyOf('mallory').did
  const exchange = new Exchange({
    clock,
    random: new Dice(1),
    connection: () => null,
    member: () => asker,
    fault: assert.fail,
  })
  for (const protocol of ['state', 'sync'] as const)
    exchange.handle(protocol, async (_, request) => request)
  const ask = async (protocol: Protocol = 'sync') => {
    const [theirs, ours] = await streamPair()
    const served = exchange.serve(protocol, ours, {} as Connection)
    const frames = lpStream(theirs, FRAME)
    await frames.write(utf8('x'))
    const [first] = (await frames.read()).subarray()
    await theirs.close()
    await served
    return first
  }
  for (let i = 0; i < SYNC_ASKS_PER_PEER_PER_S; i += 1) assert.equal(await ask(), ANSWERED)
  assert.equal(await ask(), BUSY)
  // Its lease is another matter.
  assert.equal(await ask('state'), ANSWERED)
  asker = keyOf('atlas').did
  assert.equal(await ask(), ANSWERED)
  asker = keyOf('mallory').did
  assert.equal(await ask(), BUSY)
  await clock.advance(1_000)
  assert.equal(await ask(), ANSWERED)
})
