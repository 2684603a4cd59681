/**
 * A closed loop of HTTP requests over a unix socket: each connection asks,
 * waits for the whole answer, asks again. Raw sockets, because node's own
 * client would be the slowest part. Runs as a process of its own:
 *
 *     node scripts/bench/load.ts '{"socketPath":…,"connections":16,"ms":3000,"path":…,"bodies":[…]}'
 */
import { spawn } from 'node:child_process'
import net from 'node:net'

export interface LoadPlan {
  readonly socketPath: string
  readonly path: string
  readonly connections: number
  readonly ms: number
  /** What an answer that allows holds, its head included; `"decision":true` when absent. */
  readonly allow?: string
  /** Whole requests in turn; one is repeated for ever, of several each is sent once. */
  readonly requests: readonly LoadRequest[]
}

export interface LoadRequest {
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface LoadResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly answers: number
  /** How many answers hold what one that allows does. */
  readonly allows: number
}

/** Runs the plan in a process of its own, so that its work is not the server's. */
export async function load(plan: LoadPlan): Promise<LoadResult> {
  const child = spawn(process.execPath, [import.meta.filename], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(plan))
  let text = ''
  for await (const chunk of child.stdout) text += String(chunk)
  return JSON.parse(text) as LoadResult
}

function requestBytes(path: string, { body, headers = {} }: LoadRequest): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = Buffer.byteLength(body)
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${lines.join('')}\r\n${body}`,
  )
}

const END = Buffer.from('\r\n\r\n')

/** One connection: resolves when the time is over or the requests are spent. */
async function loop(
  plan: LoadPlan,
  next: () => Buffer | null,
  seen: (ms: number, allow: boolean) => void,
): Promise<void> {
  const { socketPath, allow = '"decision":true' } = plan
  const socket = net.connect(socketPath)
  let rest: Buffer = Buffer.alloc(0)
  let sentMs = 0
  await new Promise<void>((done, failed) => {
    const ask = () => {
      const bytes = next()
      if (bytes === null) return done()
      sentMs = performance.now()
      socket.write(bytes)
    }
    socket.on('connect', ask)
    socket.on('error', failed)
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const head = rest.indexOf(END)
      if (head < 0) return
      const length = Number(
        /content-length: (\d+)/i.exec(rest.subarray(0, head).toString('latin1'))?.[1],
      )
      const end = head + END.length + length
      if (rest.length < end) return
      seen(performance.now() - sentMs, rest.subarray(0, end).includes(allow))
      rest = rest.subarray(end)
      ask()
    })
  })
  socket.destroy()
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const bytes = plan.requests.map((request) => requestBytes(plan.path, request))
  const [only] = bytes
  const untilMs = performance.now() + plan.ms
  let at = 0
  const next = () => {
    if (performance.now() > untilMs) return null
    if (bytes.length === 1) return only ?? null
    return bytes[at++] ?? null
  }
  const times: number[] = []
  let allows = 0
  const startMs = performance.now()
  const seen = (ms: number, allow: boolean) => {
    times.push(ms)
    if (allow) allows += 1
  }
  await Promise.all(Array.from({ length: plan.connections }, () => loop(plan, next, seen)))
  const tookMs = performance.now() - startMs
  times.sort((a, b) => a - b)
  const at100 = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return {
    perSecond: (times.length / tookMs) * 1000,
    p50Ms: at100(0.5),
    p99Ms: at100(0.99),
    answers: times.length,
    allows,
  }
}

if (import.meta.main) {
  let text = ''
  for await (const chunk of process.stdin) text += String(chunk)
  process.stdout.write(JSON.stringify(await run(JSON.parse(text) as LoadPlan)))
}
