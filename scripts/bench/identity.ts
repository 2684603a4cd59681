/** What it costs to know who calls: for each connection, for each decision, and for a program that was never seen. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import { join } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import { Executables } from '../../src/daemon/executables.ts'
import { type PeerReader, peerReader } from '../../src/daemon/peer-credentials.ts'
import { PeerProcess } from '../../src/daemon/peer-process.ts'
import { type Lab, openLab } from './lab.ts'
import { load } from './load.ts'
import { atMost, median, middle, ms, type Row, type Section } from './table.ts'

/** Kernel identity may add so much to a warm decision (p50). */
const GOAL_US = 50
const LOOKS = 20_000
const OPENED = 2_000
const LOAD_MS = 1_500
const ROUNDS = 5

export async function identity(): Promise<Section> {
  const reader = await peerReader()
  if (reader === null || reader.pidfd === null)
    throw new Error('this kernel names no process: SO_PEERPIDFD needs Linux 6.5')
  await using lab = openLab()
  return {
    title: 'Who calls',
    how: `In this process, on a socket to itself: p50 of ${LOOKS.toLocaleString('en').replace(',', ' ')} looks at a connection, and of ${OPENED.toLocaleString('en').replace(',', ' ')} new ones; the goal is its share of ${GOAL_US} µs. A program never seen: its file read and hashed in pieces, against the same bytes hashed in one go from memory. On a daemon: the same question on one connection, to a socket whose caller holds an artifact bound to its user, its executable and that one's place, against one whose artifact is bound to nothing; the median of ${ROUNDS} runs of ${LOAD_MS / 1000} s in turns.`,
    rows: [...(await looks(reader)), await added(lab)],
  }
}

async function looks(reader: PeerReader): Promise<readonly Row[]> {
  const name = `\0meshd-bench-${randomBytes(8).toString('hex')}`
  const server = net.createServer()
  await new Promise<void>((done) => server.listen(name, done))
  const accepted = new Promise<Socket>((done) => server.once('connection', done))
  const client = net.connect(name)
  const socket = await accepted
  try {
    const executables = new Executables()
    const openOne = () => {
      const kernel = reader.credentials(socket)
      const pidfd = reader.pidfd?.(socket) ?? null
      const known = kernel && pidfd && PeerProcess.open(kernel, pidfd, executables)
      if (!known) throw new Error('the kernel does not name this process')
      return known
    }
    const process = openOne()
    const cold = await hashed(() => process.measure())
    const warm = p50Us(LOOKS, () => void process.measure())
    process.close()
    const opening = p50Us(OPENED, () => openOne().close())
    return [
      within('each decision: still that process, and what it runs', warm),
      { ...within('each connection: who it is', opening), goal: null },
      cold,
    ]
  } finally {
    client.destroy()
    socket.destroy()
    server.close()
  }
}

function within(what: string, us: number): Row {
  const ratio = us / GOAL_US
  return { what, ours: `${us.toFixed(1)} µs`, floor: '', ratio, goal: atMost(1, ratio) }
}

function p50Us(times: number, run: () => void): number {
  const took = Array.from({ length: times }, () => {
    const beganMs = performance.now()
    run()
    return performance.now() - beganMs
  })
  return median(took) * 1000
}

async function hashed(measure: () => unknown): Promise<Row> {
  const beganMs = performance.now()
  await measure()
  const ours = performance.now() - beganMs
  const bytes = readFileSync(process.execPath)
  const floorMs = performance.now()
  createHash('sha256').update(bytes).digest()
  const floor = performance.now() - floorMs
  const what = `a program never seen, ${Math.round(bytes.length / 1024 ** 2)} MiB`
  return { what, ours: ms(ours), floor: ms(floor), ratio: ours / floor, goal: null }
}

const BODY = '{"action":{"name":"tool:search"},"resource":{"type":"repo","id":"acme/web"}}'
const PATH = '/v1/decisions'

/** Two callers by sockets of their own; the kernel is asked about both, and only one artifact looks at what it said. */
async function added(lab: Lab): Promise<Row> {
  const host = new Host({ name: 'id', dir: lab.folder('id'), keyStore: lab.folder('operator') })
  const config = host.env['MESHD_CONFIG'] ?? ''
  const at = (name: string) => join(host.socketsDir, `${name}.sock`)
  const sockets = ['plain', 'bound'].map((name) => `{ path: ${at(name)}, principal: ${name} }`)
  const api = `api: { dir: ${host.socketsDir}`
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace(api, `${api}, sockets: [${sockets.join(', ')}]`))
  await host.do('init', '--mesh', 'bench')
  host.start()
  await host.answers()
  try {
    await host.do('wait', '--for', 'ready')
    const grant = ['--action', 'tool:search', '--resource', 'repo:acme/*', '--ttl', '1h', '--hold']
    await host.do('artifact', 'issue', '--to', 'plain', ...grant)
    const bind = ['--bind', `uid=${process.getuid?.()}`, '--bind', `exe=${process.execPath}`]
    await host.do('artifact', 'issue', '--to', 'bound', ...grant, ...bind)
    return await compared(at('plain'), at('bound'))
  } finally {
    await host.stop()
  }
}

async function compared(plain: string, bound: string): Promise<Row> {
  const measure = (socketPath: string) =>
    load({ socketPath, path: PATH, connections: 1, ms: LOAD_MS, requests: [{ body: BODY }] })
  const run = async (socketPath: string) => {
    const result = await measure(socketPath)
    if (result.allows !== result.answers)
      throw new Error(
        `${result.answers - result.allows} of ${result.answers} on ${socketPath} were denied`,
      )
    return result
  }
  // What is hashed is hashed before the clock runs, however long that takes on a busy machine.
  await measure(bound)
  const runs = { plain: [await run(plain)], bound: [await run(bound)] }
  for (let round = 1; round < ROUNDS; round += 1) {
    runs.plain.push(await run(plain))
    runs.bound.push(await run(bound))
  }
  const [ours, floor] = [runs.bound, runs.plain].map((all) => middle(all, ({ p50Ms }) => p50Ms))
  if (ours === undefined || floor === undefined) throw new Error('nothing was run')
  const us = Math.round((ours.p50Ms - floor.p50Ms) * 1000)
  return {
    what: `a decision that looks at all of it: ${us} µs more`,
    ours: `p50 ${ms(ours.p50Ms)}`,
    floor: `p50 ${ms(floor.p50Ms)}`,
    ratio: ours.p50Ms / floor.p50Ms,
    goal: null,
  }
}
