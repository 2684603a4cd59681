/**
 * One run of a collector: a command, without a shell, that prints one JSON
 * object with exactly the declared keys.
 *
 *     command: [/usr/libexec/meshd/disk]   outputs: { free_gib: integer, tier: text }
 *
 *     {"free_gib": 12, "tier": "gold"}
 *
 * It runs with the daemon's rights and nothing of its environment. What ends
 * with another status than 0, prints more, less or something else, or takes
 * too long has said nothing; all that it started is ended with it.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { parseJson } from '../core/json.ts'
import { COLLECTED_BYTES_MAX, COLLECTED_TEXT_BYTES_MAX } from '../core/limits.ts'
import * as shape from '../core/shape.ts'

export type Collected = string | number | boolean
type OutputType = 'text' | 'integer' | 'boolean'
export type Outputs = ReadonlyMap<string, OutputType>

const READERS: Readonly<Record<OutputType, shape.Reader<Collected>>> = {
  text: shape.text(COLLECTED_TEXT_BYTES_MAX),
  integer: shape.integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  boolean: shape.flag,
}
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }

/** @throws Malformed unless every declared key is there, with its type, and no other */
export function parseCollected(
  bytes: Uint8Array,
  outputs: Outputs,
): ReadonlyMap<string, Collected> {
  const fields = Object.fromEntries([...outputs].map(([name, type]) => [name, READERS[type]]))
  const read = shape.object(fields)(parseJson(bytes, COLLECTED_BYTES_MAX), 'output')
  return new Map(Object.entries(read))
}

/** @throws what it did instead */
export async function runCollector(
  [file = '', ...args]: readonly string[],
  outputs: Outputs,
  timeoutMs: number,
  stopping: AbortSignal,
): Promise<ReadonlyMap<string, Collected>> {
  // A group of its own, so that what it starts can be ended with it.
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: ENVIRONMENT,
    cwd: '/',
    detached: true,
  })
  const ended = new AbortController()
  const late = AbortSignal.any([AbortSignal.timeout(timeoutMs), stopping, ended.signal])
  try {
    return parseCollected(await saidBy(child, late, timeoutMs), outputs)
  } finally {
    ended.abort()
    endGroup(child.pid)
  }
}

/** All that it printed, once it has ended well. */
function saidBy(
  child: ChildProcessByStdio<null, Readable, null>,
  late: AbortSignal,
  timeoutMs: number,
): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > COLLECTED_BYTES_MAX)
        reject(new Error(`it printed more than ${COLLECTED_BYTES_MAX} bytes`))
    })
    child.once('close', (code, signal) => {
      if (code === 0) resolve(new Uint8Array(Buffer.concat(chunks)))
      else reject(new Error(`it ended with ${code ?? signal}`))
    })
    const end = () => {
      child.stdout.destroy()
      reject(new Error(`it did not end within ${timeoutMs} ms`))
    }
    if (late.aborted) end()
    else late.addEventListener('abort', end)
  })
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}
