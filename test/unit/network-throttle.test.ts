/** What one connection brings in a second is bounded, whatever it is made of (L6). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import {
  CONNECTION_BYTES_PER_S,
  CONNECTION_BYTES_UNSPACED,
  FRAME_COST_BYTES,
  STREAM_COST_BYTES,
} from '../../src/core/limits.ts'
import { Throttle, throttled } from '../../src/network/throttle.ts'
import { VirtualClock } from '../sim/clock.ts'

const CHUNK = 64 * 1024

/** A connection, and whoever sends on it as fast as it is read. @param lateMs that each timer is */
function world(lateMs = 0) {
  const clock = new VirtualClock()
  const connection = {
    status: 'open' as MessageStream['status'],
    reads: true,
    breaks: false,
    /** What waits below it, and comes when it is read again. */
    waits: 0,
    pause() {
      connection.reads = false
    },
    abort() {
      if (connection.status === 'open') connection.status = 'aborted'
    },
    resume() {
      assert.equal(connection.status, 'open')
      if (connection.breaks) throw new Error('the lab did it')
      connection.reads = true
      if (connection.waits > 0) bring(connection.waits)
      connection.waits = 0
    },
  }
  const throttle = new Throttle(connection, {
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms + lateMs, signal),
  })
  let [read, handled] = [0, 0]
  const bring = (bytes: number) => {
    read += bytes
    throttle.take(bytes, () => {
      handled += 1
    })
  }
  return { clock, connection, bring, read: () => read, handled: () => handled }
}

test('of a connection that brings more than its share no more than that is read', async () => {
  const { clock, connection, bring, read } = world()
  for (let ms = 0; ms < 3_000; ms += 1) {
    while (connection.reads) bring(CHUNK)
    // One that was read below already when it was paused.
    connection.waits = CHUNK
    await clock.advance(1)
  }
  const [share, most] = [3 * CONNECTION_BYTES_PER_S, CONNECTION_BYTES_UNSPACED]
  assert.ok(read() <= share + most + CHUNK, `${read()}`)
  assert.ok(read() > share * 0.9, `${read()}`)
})

test('one that brings less is never paused, nor for one frame of sync after a while', async () => {
  const { clock, connection, bring } = world()
  for (let ms = 0; ms < 2_000; ms += 1) {
    bring(Math.floor(CONNECTION_BYTES_PER_S / 1_001))
    assert.ok(connection.reads)
    await clock.advance(1)
  }
  await clock.advance(1_000)
  bring(CONNECTION_BYTES_UNSPACED)
  assert.ok(connection.reads)
})

test('what was read with it waits, too, and is handled one by one', async () => {
  const { clock, connection, bring, handled } = world()
  const everyMs = (STREAM_COST_BYTES / CONNECTION_BYTES_PER_S) * 1000
  for (let i = 0; i < 48; i += 1) bring(STREAM_COST_BYTES)
  const atOnce = CONNECTION_BYTES_UNSPACED / STREAM_COST_BYTES + 1
  assert.equal(handled(), atOnce)
  for (let ms = 0; ms < (48 - atOnce + 1) * everyMs; ms += 1) {
    const before = handled()
    await clock.advance(1)
    assert.ok(handled() - before <= 1)
  }
  assert.equal(handled(), 48)
  await clock.advance(everyMs)
  assert.ok(connection.reads)
})

test('a loop that was late lets no more in at once', async () => {
  const { clock, bring, handled } = world(500)
  for (let i = 0; i < 64; i += 1) bring(STREAM_COST_BYTES)
  const before = handled()
  await clock.advance(510)
  assert.equal(handled() - before, 1)
})

test('a connection that closes while it is paused is left alone', async () => {
  const { clock, connection, bring } = world()
  bring(2 * CONNECTION_BYTES_UNSPACED)
  assert.equal(connection.reads, false)
  connection.status = 'closed'
  await clock.advance(10_000)
  assert.equal(connection.reads, false)
})

type Header = { readonly type: number; readonly flag: number; readonly length: number }

/** How many such frames are read at once, each of them handed on. */
function unspaced(header: Header): number {
  const { clock, connection } = world()
  let handled = 0
  const muxer = { handleFrame: (_: { readonly header: Header }) => void handled++ }
  const factory: StreamMuxerFactory = {
    protocol: '/yamux/1.0.0',
    createStreamMuxer: () => muxer as unknown as StreamMuxer,
  }
  const create = throttled(() => factory, clock)
  create().createStreamMuxer(connection as unknown as MessageStream)
  while (connection.reads) muxer.handleFrame({ header })
  return handled - 1
}

test('a connection that cannot be read again is aborted', async () => {
  const { clock, connection, bring } = world()
  connection.breaks = true
  bring(2 * CONNECTION_BYTES_UNSPACED)
  await clock.advance(10_000)
  assert.equal(connection.status, 'aborted')
})

test('a frame counts beside its bytes, and a stream as much as many frames', () => {
  const of = (cost: number) => Math.floor(CONNECTION_BYTES_UNSPACED / cost)
  const data = { type: 0, flag: 0, length: CHUNK }
  assert.equal(unspaced(data), of(CHUNK + FRAME_COST_BYTES))
  const ping = { type: 2, flag: 1, length: 0xffff_ffff }
  assert.equal(unspaced(ping), of(FRAME_COST_BYTES))
  for (const type of [0, 1])
    assert.equal(unspaced({ type, flag: 1, length: 0 }), of(FRAME_COST_BYTES + STREAM_COST_BYTES))
  const reset = { type: 1, flag: 8, length: 0 }
  assert.equal(unspaced(reset), of(FRAME_COST_BYTES))
})
