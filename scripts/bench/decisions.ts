/** Decisions per second against servers that do the least there is to do. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import { parseArtifact } from '../../src/core/artifact.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { type Lab, openLab } from './lab.ts'
import { callerOf, headerOf, linkOf } from './links.ts'
import { type LoadRequest, type LoadResult, load } from './load.ts'
import { atLeast, middle, ms, perSecond, type Row, type Section } from './table.ts'

const CONNECTIONS = [1, 16, 64] as const
const LOAD_MS = 1_500
const ROUNDS = 3
/** Each is spent once: so many for each round of each number of connections. */
const COLD_ARTIFACTS = 1_000
const RESOURCE = 'repo:acme/*'
const FLOORS = ['echo', 'cedar', 'audit'] as const
type Floor = (typeof FLOORS)[number]

export async function decisions(): Promise<Section> {
  await using lab = openLab()
  const sockets = await startFloors(lab)
  const bench = await startDaemon(lab)
  const rows: Row[] = []
  try {
    for (const connections of CONNECTIONS)
      rows.push(...(await compare(bench, sockets, connections)))
  } finally {
    await bench.host.stop()
  }
  return {
    title: 'Decisions',
    how: `Closed loop of HTTP requests over a unix socket, client in a process of its own; the median of ${ROUNDS} runs of ${LOAD_MS / 1000} s, in turns with the floors. Floors: node:http that answers at once; the same that asks Cedar; the same that syncs a record of 573 bytes to LevelDB in groups before it answers. Warm: a held two-link artifact, the same question again. Cold: each request brings a two-link artifact never seen before.`,
    rows,
  }
}

function bodyOf(subject: string): string {
  return JSON.stringify({
    subject: { type: 'principal', id: subject },
    action: { name: 'tool:search' },
    resource: { type: 'repo', id: 'acme/web' },
  })
}

async function startFloors(lab: Lab): Promise<Readonly<Record<Floor, string>>> {
  const sockets = { echo: '', cedar: '', audit: '' }
  for (const kind of FLOORS) {
    const folder = lab.folder(kind)
    sockets[kind] = join(folder, 's')
    await lab.start('floor-server.ts', [kind, sockets[kind], join(folder, 'db')])
  }
  return sockets
}

interface Bench {
  readonly host: Host
  /** Of the caller that holds a two-link artifact. */
  readonly warm: LoadRequest
  readonly cold: readonly LoadRequest[]
}

/** One node with a mesh of its own, and a caller that holds a two-link artifact. */
async function startDaemon(lab: Lab): Promise<Bench> {
  const keyStore = lab.folder('operator')
  const host = new Host({ name: 'bench', dir: lab.folder('bench'), keyStore })
  await host.do('init', '--mesh', 'bench')
  host.start()
  await host.do('wait', '--for', 'ready')
  const caller = await callerOf(host)
  await host.do('key', 'create', 'middle')
  const file = join(lab.dir, 'first.ucan')
  const grant = ['--action', 'tool:search', '--resource', RESOURCE, '--ttl', '1h']
  await host.do('artifact', 'issue', '--to', 'middle', ...grant, '--depth', '2', '-f', file)
  await host.do('artifact', 'delegate', file, '--to', caller.name, ...grant, '--hold')
  const [first] = parseArtifact(readFileSync(file, 'utf8')).links
  if (first === undefined) throw new Error('the artifact has no link')
  const signer = new KeyStore(host.env).signer('middle', null)
  const body = bodyOf(caller.name)
  const cold = Array.from({ length: COLD_ARTIFACTS * ROUNDS * CONNECTIONS.length }, () => {
    const plan = { above: [first], to: caller.principal, resource: RESOURCE, signer }
    return { body, headers: headerOf([first, linkOf(plan)]) }
  })
  return { host, warm: { body }, cold }
}

async function compare(
  { host, warm: question, cold }: Bench,
  sockets: Readonly<Record<Floor, string>>,
  connections: (typeof CONNECTIONS)[number],
): Promise<readonly Row[]> {
  const path = '/access/v1/evaluation'
  const at = (socketPath: string, requests: readonly LoadRequest[]) =>
    load({ socketPath, path, connections, ms: LOAD_MS, requests })
  const own = join(host.socketsDir, 'meshd.sock')
  const runs: Record<Floor | 'warm' | 'fresh', LoadResult[]> = {
    ...{ echo: [], cedar: [], audit: [] },
    ...{ warm: [], fresh: [] },
  }
  const firstRound = CONNECTIONS.indexOf(connections) * ROUNDS
  for (let round = firstRound; round < firstRound + ROUNDS; round += 1) {
    for (const kind of FLOORS) runs[kind].push(await at(sockets[kind], [question]))
    runs.warm.push(await at(own, [question]))
    const spent = cold.slice(round * COLD_ARTIFACTS, (round + 1) * COLD_ARTIFACTS)
    runs.fresh.push(await at(own, spent))
  }
  for (const { answers, allows } of [...runs.warm, ...runs.fresh])
    if (allows !== answers) throw new Error(`${answers - allows} of ${answers} were denied`)
  const of = (kind: keyof typeof runs) => middle(runs[kind], ({ perSecond: rate }) => rate)
  const [warm, fresh, audit] = [of('warm'), of('fresh'), of('audit')]
  return [
    told(`${connections} connections, warm`, warm, audit, true),
    told(`${connections} connections, cold`, fresh, audit, false),
    plain(`${connections} connections, floor: node:http`, of('echo')),
    plain(`${connections} connections, floor: and Cedar`, of('cedar')),
  ]
}

function told(what: string, ours: LoadResult, floor: LoadResult, promised: boolean): Row {
  const ratio = ours.perSecond / floor.perSecond
  return {
    what,
    ours: text(ours),
    floor: text(floor),
    ratio,
    goal: promised ? atLeast(0.9, ratio) : null,
  }
}

function plain(what: string, floor: LoadResult): Row {
  return { what, ours: '', floor: text(floor), ratio: null, goal: null }
}

function text({ perSecond: rate, p50Ms, p99Ms }: LoadResult): string {
  return `${perSecond(rate)}, p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`
}
