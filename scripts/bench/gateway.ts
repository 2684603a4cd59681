/**
 * An application behind nginx that asks meshd, beside the same nginx that asks
 * a server which says 200 to everything. What nginx and that server could do
 * beyond the decisions that meshd makes in a second is no floor for meshd: the
 * floor is the smaller of the two.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import { freePort, Nginx, nginxBinary } from '../../test/long/nginx.ts'
import { type Lab, openLab } from './lab.ts'
import { callerOf } from './links.ts'
import { type LoadRequest, type LoadResult, load } from './load.ts'
import { atLeast, middle, ms, perSecond, type Row, type Section } from './table.ts'

const CONNECTIONS = [1, 16] as const
const LOAD_MS = 1_500
const ROUNDS = 5
const HOST = 'app.example'
const TITLE = 'Behind nginx'

export async function gateway(): Promise<Section> {
  const binary = nginxBinary()
  if (binary === null)
    return { title: TITLE, how: 'Not measured: there is no nginx here.', rows: [] }
  await using lab = openLab()
  const bench = await startDaemon(lab)
  try {
    await using nginx = await startNginx(lab, binary, bench)
    const rows: Row[] = []
    for (const connections of CONNECTIONS) rows.push(...(await compare(bench, nginx, connections)))
    return {
      title: TITLE,
      how: `Closed loop of requests to nginx of the distribution with one worker, configured as \`meshd gateway show nginx\` prints it, with an artifact in a header; the median of ${ROUNDS} runs of ${LOAD_MS / 1000} s, in turns. Floor: the same nginx, in front of node:http that answers 200 at once, but no more than the decisions that meshd answers directly on its socket in the same turns.`,
      rows,
    }
  } finally {
    await bench.host.stop()
  }
}

interface Bench {
  readonly host: Host
  /** Of a server that says 200 to everything. */
  readonly bare: string
  readonly socket: string
  readonly artifact: string
}

async function startDaemon(lab: Lab): Promise<Bench> {
  const bare = join(lab.folder('bare'), 's')
  await lab.start('floor-server.ts', ['echo', bare, join(lab.folder('bare'), 'db')])
  const keyStore = lab.folder('operator')
  const host = new Host({ name: 'bench', dir: lab.folder('bench'), keyStore })
  await host.do('init', '--mesh', 'bench')
  host.start()
  await host.do('wait', '--for', 'ready')
  const { name } = await callerOf(host)
  const file = join(lab.dir, 'post.ucan')
  const grant = ['--action', 'http:post', '--resource', `url:${HOST}/*`, '--ttl', '1h']
  await host.do('artifact', 'issue', '--to', name, ...grant, '-f', file)
  const artifact = readFileSync(file, 'utf8').trim()
  return { host, bare, socket: join(host.socketsDir, 'meshd.sock'), artifact }
}

/** Where each of the two fronts listens. */
interface Fronts extends AsyncDisposable {
  readonly meshd: string
  readonly bare: string
}

/** Both fronts and the application in one nginx: what differs is whom it asks. */
async function startNginx(lab: Lab, binary: string, { host, bare }: Bench): Promise<Fronts> {
  const port = await freePort()
  const folder = lab.folder('nginx')
  const show = (listen: string, ...more: readonly string[]) =>
    host.do(
      ...['gateway', 'show', 'nginx', '--host', HOST, '--app', `http://127.0.0.1:${port}`],
      ...['--listen', `unix:${listen}`, ...more],
    )
  const fronts = { meshd: join(folder, 'm'), bare: join(folder, 'b') }
  const asksBare = (await show(fronts.bare, '--socket', bare))
    .replace('upstream meshd', 'upstream bare')
    .replace('http://meshd/', 'http://bare/')
  const app = `server { listen 127.0.0.1:${port}; default_type application/json; return 200 '{"decision":true}'; }`
  const servers = [await show(fronts.meshd), asksBare, app].join('\n')
  const nginx = await Nginx.open(binary, folder, servers, [port])
  return { ...fronts, [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose]() }
}

async function compare(
  { socket, artifact }: Bench,
  fronts: Fronts,
  connections: number,
): Promise<readonly Row[]> {
  const own = { 'meshd-artifact': artifact }
  const asked = {
    ...{ 'x-original-method': 'POST', 'x-original-host': HOST, 'x-original-uri': '/deploy' },
    ...own,
  }
  const at = (socketPath: string, path: string, headers: LoadRequest['headers'] = own) =>
    load({
      ...{ socketPath, path, connections, ms: LOAD_MS, allow: 'HTTP/1.1 200' },
      requests: [{ body: '{}', headers }],
    })
  const runs: Record<'through' | 'bare' | 'direct', LoadResult[]> = {
    ...{ through: [], bare: [], direct: [] },
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    runs.bare.push(await at(fronts.bare, '/deploy'))
    runs.direct.push(await at(socket, '/v1/gateway/nginx', asked))
    runs.through.push(await at(fronts.meshd, '/deploy'))
  }
  for (const { answers, allows } of Object.values(runs).flat())
    if (allows !== answers || answers === 0)
      throw new Error(`${answers - allows} of ${answers} did not pass`)
  const of = (kind: keyof typeof runs) => middle(runs[kind], ({ perSecond: rate }) => rate)
  return rowsOf(connections, of('through'), of('bare'), of('direct'))
}

function rowsOf(
  connections: number,
  through: LoadResult,
  bare: LoadResult,
  direct: LoadResult,
): readonly Row[] {
  const floor = bare.perSecond < direct.perSecond ? bare : direct
  const ratio = through.perSecond / floor.perSecond
  const what = `${connections} ${connections === 1 ? 'connection' : 'connections'}`
  const told = (kind: string, of: LoadResult): Row => ({
    ...{ what: `${what}, ${kind}`, ours: '', floor: text(of), ratio: null, goal: null },
  })
  return [
    { what, ours: text(through), floor: text(floor), ratio, goal: atLeast(0.8, ratio) },
    told('nginx before a bare 200', bare),
    told('decisions on the socket', direct),
  ]
}

function text({ perSecond: rate, p50Ms, p99Ms }: LoadResult): string {
  return `${perSecond(rate)}, p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`
}
