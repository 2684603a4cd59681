import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { concat } from '../../src/core/bytes.ts'
import {
  FRAME_BYTES_MAX,
  GOSSIP_UNIT_BYTES,
  GOSSIP_UNITS_MAX,
  GOSSIP_UNITS_PER_S,
  GOSSIP_WAITING_BYTES_MAX,
} from '../../src/core/limits.ts'
import { GossipBudgets, unitsOf } from '../../src/network/gossip-budgets.ts'
import { GossipFrames } from '../../src/network/gossip-frames.ts'
import { paced } from '../../src/network/gossip-intake.ts'
import { field, graft, message, subscription } from '../lab/raw-gossip.ts'

const PEER = '12D3KooWPeer'

function framed(rpc: Uint8Array): Uint8Array {
  const { length } = rpc
  if (length < 128) return concat(Uint8Array.of(length), rpc)
  const high = length >> 14
  const middle = (length >> 7) & 127
  const digits = high > 0 ? [middle | 128, high] : [middle]
  return concat(Uint8Array.of((length & 127) | 128, ...digits), rpc)
}

/** A stream as libp2p has it: what is not read is kept, and told once somebody listens. */
class Pipe {
  readonly protocol = '/meshsub/1.2.0'
  readStatus: 'readable' | 'paused' = 'readable'
  /** Whether the peer is told that it may send more. */
  windowOpen = true
  aborted: Error | null = null
  readonly #listeners = new Map<string, (event: object) => void>()
  readonly #kept: Uint8Array[] = []

  addEventListener(name: string, listener: (event: object) => void): void {
    this.#listeners.set(name, listener)
  }

  removeEventListener(name: string): void {
    this.#listeners.delete(name)
  }

  get heard(): boolean {
    return this.#listeners.size > 0
  }

  send(...chunks: readonly Uint8Array[]): void {
    this.#kept.push(...chunks)
    while (this.readStatus === 'readable') {
      if (this.#kept.length === 0) return
      this.tell('message', { data: concat(...this.#kept.splice(0)) })
    }
  }

  tell(name: string, event: object = {}): void {
    this.#listeners.get(name)?.(event)
  }

  pause(): void {
    this.readStatus = 'paused'
    this.windowOpen = false
  }

  resume(): void {
    this.readStatus = 'readable'
    this.send()
    this.windowOpen = true
  }

  abort(error: Error): void {
    this.aborted = error
    this.tell('close', { error })
  }
}

/** A stream whose reader sleeps until the clock is turned. */
function world() {
  let nowMs = 0
  const sleepers: { readonly untilMs: number; readonly wake: () => void }[] = []
  const clock = {
    monotonicMs: () => nowMs,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((wake) => {
        signal?.addEventListener('abort', () => wake())
        sleepers.push({ untilMs: nowMs + ms, wake })
      }),
  }
  const budgets = new GossipBudgets(clock)
  const turn = async (ms: number) => {
    nowMs += ms
    for (const { untilMs, wake } of sleepers.splice(0)) {
      if (untilMs <= nowMs) wake()
      else sleepers.push({ untilMs, wake })
    }
    await settled()
  }
  const open = () => {
    const pipe = new Pipe()
    const read: Uint8Array[] = []
    const stream = paced(pipe as object as Stream, PEER, budgets, clock)
    const ended = (async () => {
      for await (const frame of stream) read.push(frame.subarray())
    })()
    // A test that does not wait for the end is not about it.
    ended.catch(() => {})
    return { pipe, read, ended, close: () => stream.close() }
  }
  return { open, turn, budgets, sleeping: () => sleepers.length }
}

const settled = () => new Promise((done) => setImmediate(done))

test('frames come whole and in their order, however they were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 })),
      fc.infiniteStream(fc.nat(40)),
      (rpcs, sizes) => {
        const [frames, read] = [new GossipFrames(), [] as Uint8Array[]]
        for (let rest = concat(...rpcs.map(framed)); rest.length > 0; ) {
          const size = sizes.next().value ?? 1
          frames.push(rest.subarray(0, size))
          rest = rest.subarray(size)
          for (let next = frames.next(); next !== null; next = frames.next()) read.push(next.rpc)
        }
        assert.deepEqual(read.map(Buffer.from), rpcs.map(Buffer.from))
        assert.equal(frames.bytes, 0)
      },
    ),
  )
})

test('the longest frame is read, and of one byte more nothing', () => {
  const frames = new GossipFrames()
  frames.push(framed(new Uint8Array(FRAME_BYTES_MAX)))
  assert.equal(frames.next()?.rpc.length, FRAME_BYTES_MAX)
  frames.push(framed(new Uint8Array(FRAME_BYTES_MAX + 1)).subarray(0, 3))
  assert.throws(() => frames.next(), /too long/)
  const endless = new GossipFrames()
  endless.push(Uint8Array.of(255, 255, 255, 255))
  assert.throws(() => endless.next(), /too long/)
})

test('a part counts as a unit, and so do 2 KiB', () => {
  assert.equal(unitsOf(new Uint8Array()), 1)
  assert.equal(unitsOf(message('/t', new Uint8Array(200))), 1)
  assert.equal(unitsOf(message('/t', new Uint8Array(10 * GOSSIP_UNIT_BYTES))), 11)
  const nothings = Array.from({ length: 256 }, () => message('', new Uint8Array()))
  assert.equal(unitsOf(concat(...nothings)), 256)
  assert.equal(unitsOf(concat(subscription('/a'), subscription('/b'))), 2)
  assert.equal(unitsOf(graft('', 64)), 65)
  assert.equal(unitsOf(concat(field(9, new Uint8Array()), field(10, new Uint8Array(3)))), 2)
  assert.equal(unitsOf(field(3, field(9, new Uint8Array()))), 2)
})

test('what cannot be read costs as much as could follow, since gossipsub reads on', () => {
  const nothings = concat(...Array.from({ length: 256 }, () => message('', new Uint8Array())))
  // A group that nobody knows, a number, numbers of more bytes than they need.
  for (const before of [
    [0x7b, 0x7c],
    [0x78, 1],
    [0x7d, 1, 2, 3, 4],
    [0x9a, 0x80, 0x80, 0x80, 0],
  ])
    assert.ok(unitsOf(concat(Uint8Array.from(before), nothings)) > 256)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
      const units = unitsOf(bytes)
      assert.ok(
        units >= 1 && units >= bytes.length / GOSSIP_UNIT_BYTES && units <= bytes.length + 1,
      )
    }),
  )
})

test('an honest burst waits for nothing but its turn', async () => {
  const { open, turn, budgets } = world()
  const { pipe, read } = open()
  for (let i = 0; i < GOSSIP_UNITS_MAX; i += 1) pipe.send(framed(Uint8Array.of(10, 0)))
  for (let i = 0; i < GOSSIP_UNITS_MAX && read.length < GOSSIP_UNITS_MAX; i += 1) await turn(0)
  assert.equal(read.length, GOSSIP_UNITS_MAX)
  assert.equal(budgets.waitMs(PEER), 0)
})

test('a flood is read at the pace of its budget, over all streams of its peer', async () => {
  const { open, turn } = world()
  const streams = [open(), open(), open()]
  for (const { pipe } of streams)
    for (let i = 0; i < 3 * GOSSIP_UNITS_MAX; i += 1) pipe.send(framed(Uint8Array.of(10, 0)))
  const read = () => streams.reduce((sum, each) => sum + each.read.length, 0)
  for (let i = 0; i < 200; i += 1) await turn(0)
  const atOnce = read()
  assert.ok(atOnce >= GOSSIP_UNITS_MAX && atOnce < GOSSIP_UNITS_MAX + 60, `${atOnce} at once`)
  for (let ms = 0; ms < 2_000; ms += 10) await turn(10)
  const later = read() - atOnce
  const fair = 2 * GOSSIP_UNITS_PER_S
  assert.ok(later > 0.8 * fair && later < 1.2 * fair, `${later} in two seconds`)
})

test('another stream brings no other budget: its first frame waits, too', async () => {
  const { open, turn, budgets } = world()
  budgets.take(PEER, graft('', 4 * GOSSIP_UNITS_MAX))
  const streams = Array.from({ length: 50 }, open)
  for (const { pipe } of streams) pipe.send(framed(Uint8Array.of(10, 0)))
  const read = () => streams.reduce((sum, each) => sum + each.read.length, 0)
  for (let ms = 0; ms < 2_900; ms += 100) await turn(100)
  assert.equal(read(), 0)
  for (let ms = 0; ms < 1_000; ms += 100) await turn(100)
  assert.equal(read(), 50)
})

test('a peer that sends more than is read is not read on, and loses nothing', async () => {
  const { open, turn } = world()
  const { pipe, read } = open()
  const rpc = message('/t', new Uint8Array(FRAME_BYTES_MAX / 2))
  const count = (4 * GOSSIP_WAITING_BYTES_MAX) / rpc.length
  await settled()
  let paused = 0
  for (let i = 0; i < 2 * count; i += 1) {
    pipe.send(framed(rpc))
    if (pipe.readStatus === 'paused') paused += 1
  }
  assert.ok(paused > 0)
  const frames = Math.ceil(2 * count)
  for (let ms = 0; ms < 60_000 && read.length < frames; ms += 100) {
    await turn(100)
    assert.equal(pipe.windowOpen, pipe.readStatus === 'readable')
  }
  assert.equal(read.length, frames)
  assert.equal(pipe.readStatus, 'readable')
})

test('what was sent before the end is read, and then it ends', async () => {
  const { open, turn } = world()
  const { pipe, read, ended } = open()
  await settled()
  pipe.send(framed(Uint8Array.of(10, 0)))
  pipe.tell('end')
  await turn(0)
  await ended
  assert.equal(read.length, 1)
  assert.ok(!pipe.heard)
})

test('a stream that is closed while its reader waits is read no more', async () => {
  const { open, turn, sleeping } = world()
  const { pipe, read, ended } = open()
  for (let i = 0; i < 2 * GOSSIP_UNITS_MAX; i += 1) pipe.send(framed(Uint8Array.of(10, 0)))
  for (let i = 0; i < 100; i += 1) await turn(0)
  assert.ok(sleeping() > 0)
  const before = read.length
  pipe.tell('close')
  await ended
  assert.equal(read.length, before)
})

test('of a stream that was reset gossipsub is told so', async () => {
  const { open } = world()
  const { pipe, ended } = open()
  await settled()
  pipe.tell('close', { error: new Error('reset') })
  await assert.rejects(ended, /reset/)
})

test('a stream that gossipsub closes is given up with all that waits of it', async () => {
  const { open, turn, sleeping } = world()
  const { pipe, read, ended, close } = open()
  for (let i = 0; i < 2 * GOSSIP_UNITS_MAX; i += 1) pipe.send(framed(Uint8Array.of(10, 0)))
  for (let i = 0; i < 100; i += 1) await turn(0)
  assert.ok(sleeping() > 0)
  const before = read.length
  await close()
  await ended
  assert.match(pipe.aborted?.message ?? '', /no more/)
  assert.equal(read.length, before)
  assert.ok(!pipe.heard)
})

test('what is no frame ends the stream', async () => {
  const { open } = world()
  const { pipe, ended } = open()
  await settled()
  pipe.send(Uint8Array.of(255, 255, 255, 255))
  await assert.rejects(ended, /too long/)
  assert.match(pipe.aborted?.message ?? '', /too long/)
})
