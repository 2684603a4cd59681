/** Of one peer's questions so many are answered in a second (L6), and those of nobody else wait for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { lpStream, streamPair } from '@libp2p/utils'
import { utf8 } from '../../src/core/bytes.ts'
import type { Did } from '../../src/core/keys.ts'
import {
  ASK_TIMEOUT_MS,
  ASK_UNIT_BYTES,
  ASKS_PER_PEER_MAX,
  ASKS_PER_PEER_PER_S,
  ASKS_UNSPACED,
  BUSY_MS,
} from '../../src/core/limits.ts'
import type { Protocol } from '../../src/mesh/ports.ts'
import { Exchange } from '../../src/network/exchange.ts'
import { Spacing } from '../../src/network/spacing.ts'
import { Dice, VirtualClock } from '../sim/clock.ts'
import { keyOf } from './statements.ts'

const ANSWERED = 0
const BUSY = 1
const FRAME = {
  maxLengthLength: 4,
  lengthEncoder: (bytes: number) => Uint8Array.of(0, bytes >> 16, bytes >> 8, bytes),
  lengthDecoder: (bytes: { readonly length: number; getUint32(at: number): number }) => {
    if (bytes.length < 4) throw new RangeError('one more')
    return bytes.getUint32(0)
  },
}

function world() {
  const clock = new VirtualClock()
  const banned = new Set<string>()
  let heard = 0
  const exchange = new Exchange({
    clock,
    random: new Dice(1),
    connection: () => null,
    member: (connection) =>
      banned.has(String(connection)) ? null : (connection as unknown as Did),
    fault: assert.fail,
  })
  for (const protocol of ['state', 'sync'] as const)
    exchange.handle(protocol, async (_, request) => {
      heard += 1
      return request
    })
  /** What comes of a question, as it stands: null while nothing does. */
  const ask = async (protocol: Protocol = 'sync', who = 'mallory', text = 'x') => {
    const [theirs, ours] = await streamPair()
    const served = exchange.serve(protocol, ours, keyOf(who).did as unknown as Connection)
    const frames = lpStream(theirs, FRAME)
    await frames.write(utf8(text))
    const asked = { first: null as number | null, beganMs: clock.monotonicMs(), tookMs: 0 }
    const read = async () => {
      asked.first = (await frames.read()).subarray()[0] ?? null
      asked.tookMs = clock.monotonicMs() - asked.beganMs
      await theirs.close()
      await served
    }
    // Where it is closed without an answer there is none.
    read().catch(() => {})
    await settled()
    return asked
  }
  return { clock, ask, banned, heard: () => heard }
}

/** Streams hand on what they have in later turns of the loop. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done))
}

test('the questions of a peer that asks too fast are answered in its place, evenly spaced; those of others at once', async () => {
  const { clock, ask } = world()
  for (let i = 0; i < ASKS_UNSPACED; i += 1) assert.equal((await ask()).first, ANSWERED)
  const late = await Promise.all([ask(), ask()])
  assert.deepEqual(
    late.map(({ first }) => first),
    [null, null],
  )
  // Its lease is another matter.
  assert.equal((await ask('state')).first, ANSWERED)
  assert.equal((await ask('sync', 'atlas')).first, ANSWERED)
  const everyMs = 1_000 / ASKS_PER_PEER_PER_S
  await clock.advance(everyMs)
  await settled()
  assert.deepEqual(
    late.map(({ first }) => first),
    [ANSWERED, null],
  )
  await clock.advance(everyMs)
  await settled()
  assert.deepEqual(
    late.map(({ first }) => first),
    [ANSWERED, ANSWERED],
  )
  await clock.advance(1_000)
  for (let i = 0; i < ASKS_UNSPACED; i += 1) assert.equal((await ask()).first, ANSWERED)
})

test('in a second no more than so many of them are answered, however fast they come', async () => {
  const { clock, ask } = world()
  let answered = 0
  const untilMs = clock.monotonicMs() + 1_000
  const one = async () => {
    while (clock.monotonicMs() < untilMs) {
      const asked = await ask()
      while (asked.first === null) await settled()
      if (asked.first === ANSWERED && clock.monotonicMs() < untilMs) answered += 1
    }
  }
  const all = Promise.all(Array.from({ length: 4 }, one))
  for (let ms = 0; ms < 1_200; ms += 1) {
    await settled()
    await clock.advance(1)
  }
  await all
  assert.ok(answered <= ASKS_PER_PEER_PER_S + ASKS_UNSPACED, `${answered}`)
  assert.ok(answered > ASKS_PER_PEER_PER_S / 2, `${answered}`)
})

test('a question counts more than once where it or its answer is long', async () => {
  const { clock, ask } = world()
  for (let i = 0; i < ASKS_UNSPACED - 1; i += 1) await ask()
  // Its own length counts, and its answer has the same.
  assert.equal((await ask('sync', 'mallory', 'x'.repeat(ASK_UNIT_BYTES))).first, ANSWERED)
  const late = await ask()
  const everyMs = 1_000 / ASKS_PER_PEER_PER_S
  await clock.advance(2 * everyMs)
  await settled()
  assert.equal(late.first, null)
  await clock.advance(everyMs)
  await settled()
  assert.equal(late.first, ANSWERED)
})

test('however much a peer owes, it is heard again as soon as a question may take', () => {
  const clock = new VirtualClock()
  const spacing = new Spacing(clock, ASKS_PER_PEER_PER_S)
  const { did } = keyOf('mallory')
  spacing.charge(did, 100 * ASKS_PER_PEER_PER_S)
  assert.ok(spacing.waitMs(did) <= ASK_TIMEOUT_MS)
})

test('what a peer asked before it was banned, and what waits still, is not looked at', async () => {
  const { clock, ask, banned, heard } = world()
  for (let i = 0; i < ASKS_UNSPACED; i += 1) await ask()
  const late = await ask()
  banned.add(keyOf('mallory').did)
  await clock.advance(1_000)
  await settled()
  assert.deepEqual([late.first, heard()], [null, ASKS_UNSPACED])
})

test('of too many at once one more is told busy, and not at once', async () => {
  const { clock, ask } = world()
  for (let i = 0; i < ASKS_UNSPACED; i += 1) await ask()
  const waiting = await Promise.all(Array.from({ length: ASKS_PER_PEER_MAX }, () => ask()))
  const busy = await ask()
  assert.equal(busy.first, null)
  await clock.advance(BUSY_MS)
  await settled()
  assert.deepEqual([busy.first, busy.tookMs], [BUSY, BUSY_MS])
  await clock.advance(1_000)
  await settled()
  assert.equal(waiting.filter(({ first }) => first === ANSWERED).length, waiting.length)
})
