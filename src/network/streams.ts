/**
 * One question and one answer on one stream: a frame each way, both bounded,
 * under one deadline. Every path ends in close or abort, and a peer that never
 * closes its own side leaks nothing here. A Stream is never iterated: when data
 * and FIN come before the reader, iteration never ends (FACTS 3.4).
 *
 *     dialler: <4 bytes: length> <request>  FIN        listener: <4 bytes: length> <answer>  FIN
 */
import type { Connection, Stream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { FAREWELL_MS } from '../core/limits.ts'
import { asError } from './errors.ts'

const LENGTH_BYTES = 4
/** Bytes that may wait behind the largest frame; more is a flood. */
const SLACK_BYTES = 64 * 1024

/** Asks on an open connection. Rejects with what libp2p throws; errors.ts reads it. */
export async function askOnce(
  connection: Connection,
  protocol: string,
  request: Uint8Array,
  answerBytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stream = await connection.newStream(protocol, { signal, runOnLimitedConnection: false })
  cutAt(stream, signal)
  try {
    const frames = framed(stream, answerBytesMax)
    await frames.write(request, { signal })
    await stream.close({ signal })
    return await read(frames, signal)
  } catch (error) {
    // Its end is here: the asker gets the error, the peer a reset.
    stream.abort(asError(error))
    throw error
  }
}

/** Says it on an open connection that ends soon; nobody waits for what becomes of it. */
export function tellOnce(connection: Connection, protocol: string, request: Uint8Array): void {
  const signal = AbortSignal.timeout(FAREWELL_MS)
  // Lost with the connection, like everything a cut peer is not told.
  askOnce(connection, protocol, request, 0, signal).catch(() => {})
}

/** Reads the request, has it answered, writes the answer; null closes without one. Rejects when that failed, the stream aborted. */
export async function answerOnce(
  stream: Stream,
  requestBytesMax: number,
  signal: AbortSignal,
  answer: (request: Uint8Array) => Promise<Uint8Array | null>,
): Promise<void> {
  cutAt(stream, signal)
  try {
    const frames = framed(stream, requestBytesMax)
    const answered = await within(answer(await read(frames, signal)), signal)
    if (answered !== null) await frames.write(answered, { signal })
    await stream.close({ signal })
  } catch (error) {
    // The peer sees a reset and learns nothing of why.
    stream.abort(asError(error))
    throw error
  }
}

/** The promise, or the signal's reason if that comes first. */
export function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(asError(signal.reason))
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}

function framed(stream: Stream, bytesMax: number): LengthPrefixedStream<Stream> {
  return lpStream(stream, {
    maxDataLength: bytesMax,
    maxBufferSize: bytesMax + SLACK_BYTES,
    maxLengthLength: LENGTH_BYTES,
    lengthEncoder: lengthOf,
    lengthDecoder: readLength,
  })
}

function lengthOf(bytes: number): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, bytes)
  return length
}

/**
 * Called byte for byte; a RangeError asks for one more. The default reads a
 * varint and asks for ever: 256 KiB of ff took seconds of everybody's time.
 */
function readLength(bytes: { readonly length: number; getUint32(at: number): number }): number {
  if (bytes.length < LENGTH_BYTES) throw new RangeError('one more')
  return bytes.getUint32(0)
}

/** A copy, and no Buffer: the list shares its memory with the connection, and a Buffer slices differently. */
async function read(frames: LengthPrefixedStream<Stream>, signal: AbortSignal) {
  return (await frames.read({ signal })).slice()
}

/** Whatever else happens, the stream is gone when its time is over. */
function cutAt(stream: Stream, signal: AbortSignal): void {
  const cut = () => stream.abort(asError(signal.reason))
  signal.addEventListener('abort', cut, { once: true })
  stream.addEventListener('close', () => signal.removeEventListener('abort', cut), { once: true })
}
