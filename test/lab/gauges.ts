/** What an attack costs the attacked daemon: memory and handles by /proc, its loop by the time of a trivial answer, honest callers by a load. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type LoadResult, load } from '../../scripts/bench/load.ts'
import type { Host } from '../../src/cli/stage.ts'
import { grant } from '../e2e/lab.ts'

const KIB = 1024
const WARM_MS = 4_000

/** MiB. */
export function rssOf(host: Host): number {
  const status = readFileSync(`/proc/${host.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / KIB)
}

export function handlesOf(host: Host): number {
  return readdirSync(`/proc/${host.pid}/fd`).length
}

/** Seconds of processor time since it began. */
export function cpuOf(host: Host): number {
  const fields = readFileSync(`/proc/${host.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export interface Pulse {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

const round = (ms: number) => Math.round(ms * 10) / 10

/** A process of its own asks for nothing, every few ms, while something else runs: what it waits for is the loop. */
export async function pulseDuring(host: Host, run: () => Promise<unknown>): Promise<Pulse> {
  const socketPath = join(host.socketsDir, 'read.sock')
  const child = spawn(process.execPath, [import.meta.filename, socketPath], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await run()
  } finally {
    child.stdin.end()
  }
  let text = ''
  for await (const chunk of child.stdout) text += String(chunk)
  return JSON.parse(text) as Pulse
}

/** Until its input ends. */
async function pulse(socketPath: string): Promise<Pulse> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const tookMs: number[] = []
  const over = once(process.stdin.resume(), 'end').then(() => true)
  do {
    const beganMs = performance.now()
    // Where no connection is to be had, that is a wait like any other.
    await ping(socketPath, agent).catch(() => {})
    tookMs.push(performance.now() - beganMs)
  } while (!(await Promise.race([over, pause(5, false)])))
  agent.destroy()
  const sorted = tookMs.toSorted((a, b) => a - b)
  const [p50Ms, p99Ms, maxMs] = [at(sorted, 0.5), at(sorted, 0.99), at(sorted, 1)].map(round)
  return { count: sorted.length, p50Ms, p99Ms, maxMs } as Pulse
}

function ping(socketPath: string, agent: http.Agent): Promise<void> {
  return new Promise((done, failed) => {
    const request = http.get({ socketPath, path: '/livez', agent }, (response) => {
      response.resume()
      response.on('end', done)
    })
    request.on('error', failed)
  })
}

export const pulseText = ({ p50Ms, p99Ms, maxMs }: Pulse) =>
  `loop p50 ${p50Ms}, p99 ${p99Ms}, most ${maxMs} ms`

/** What may be done, and how it is asked: for somebody by name, or by who does it. */
const DEED = '"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'
const FOR_ME = {
  path: '/access/v1/evaluation',
  body: `{"subject":{"type":"principal","id":"me"},${DEED}`,
}
/** On a host that knows nobody as `me`: the mesh was founded elsewhere. */
export const FOR_ITSELF = { path: '/v1/decisions', body: `{${DEED}` }

/** Whoever may deploy, asked for without an end by an honest program in a process of its own. */
export async function honestCaller(
  host: Host,
  { path, body } = FOR_ME,
): Promise<(ms: number) => Promise<LoadResult>> {
  await grant(host)
  const honest = (ms: number) =>
    load({
      socketPath: join(host.socketsDir, 'meshd.sock'),
      path,
      connections: 1,
      ms,
      requests: [{ body }],
    })
  // A host that has not compiled yet is slow when it is quiet, and an attack looks small beside it.
  await honest(WARM_MS)
  return honest
}

export interface Watched {
  readonly load: LoadResult
  readonly pulse: Pulse
}

/**
 * An honest caller and the loop, for so long. The quiet run has both, too: the
 * pulse alone makes a decision's p99 a quarter longer, and is no work of an attack.
 */
export async function watched(
  host: Host,
  honest: Awaited<ReturnType<typeof honestCaller>>,
  ms: number,
  during: () => Promise<unknown> = () => pause(ms),
): Promise<Watched> {
  const [pulse, load] = await Promise.all([pulseDuring(host, during), honest(ms)])
  return { load, pulse }
}

/** `honest p99 0.9 ms quiet, 1.4 ms under attack: 1.6 times; 8,000 of 8,000 allowed; loop p50 …` */
export function comparison({ load: quiet }: Watched, { load: attacked, pulse }: Watched): string {
  const ratio = (attacked.p99Ms / quiet.p99Ms).toFixed(1)
  return `honest p99 ${quiet.p99Ms.toFixed(1)} ms quiet, ${attacked.p99Ms.toFixed(1)} ms under attack: ${ratio} times; ${attacked.allows} of ${attacked.answers} allowed; ${pulseText(pulse)}`
}

if (import.meta.main) console.log(JSON.stringify(await pulse(process.argv[2] ?? '')))
