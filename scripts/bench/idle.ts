/** What a node costs that has nothing to do, and how long a start takes. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildSync } from 'esbuild'
import { Host } from '../../src/cli/stage.ts'
import { type Lab, openLab } from './lab.ts'
import { atMost, median, ms, type Row, type Section } from './table.ts'

const SETTLE_MS = 5_000
const WATCH_MS = 10_000
const STARTS = 5
const CLI_RUNS = 25
const TICKS_PER_SECOND = 100

export async function idle(): Promise<Section> {
  await using lab = openLab()
  const built = install(lab)
  const bare = await lab.start(built.bareNode, [])
  const host = new Host({
    name: 'idle',
    dir: lab.folder('idle'),
    keyStore: lab.folder('operator'),
    launcher: built.launcher,
  })
  await host.do('init', '--mesh', 'idle')
  const starts: number[] = []
  for (let i = 0; i < STARTS; i += 1) {
    if (i > 0) await host.stop()
    const startMs = performance.now()
    host.start()
    await host.do('wait', '--for', 'ready')
    starts.push(performance.now() - startMs)
  }
  await rest(SETTLE_MS)
  const [ours, floor] = await Promise.all([watch(host.pid), watch(bare.pid ?? 0)])
  await host.stop()
  const ratio = ours.rssMiB / floor.rssMiB
  const rows: Row[] = [
    {
      what: 'resident memory, idle',
      ours: `${Math.round(ours.rssMiB)} MiB`,
      floor: `${Math.round(floor.rssMiB)} MiB`,
      ratio,
      goal: atMost(1.25, ratio),
    },
    {
      what: 'CPU, idle',
      ours: `${ours.cpuPercent.toFixed(1)} %`,
      floor: `${floor.cpuPercent.toFixed(1)} %`,
      ratio: null,
      goal: null,
    },
    { what: 'start to ready', ours: ms(median(starts)), floor: '', ratio: null, goal: null },
    commandLine(built.entry),
  ]
  return {
    title: 'Idle, and starting',
    how: `Built by npm run build, as npm installs it. One node alone, for ${WATCH_MS / 1000} s after it settled; the floor is a bare libp2p node with gossipsub that stores nothing. Start to ready: median of ${STARTS}, with the lease held, told by polling. The command line: median of ${CLI_RUNS}, built by npm run build, against \`node -e 0\`.`,
    rows,
  }
}

function rest(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}

async function watch(pid: number): Promise<{ rssMiB: number; cpuPercent: number }> {
  const before = ticks(pid)
  await rest(WATCH_MS)
  const cpuPercent = ((ticks(pid) - before) / TICKS_PER_SECOND / (WATCH_MS / 1000)) * 100
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { rssMiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, cpuPercent }
}

/** utime + stime of proc(5), in clock ticks. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

interface Built {
  readonly launcher: string
  readonly entry: string
  readonly bareNode: string
}

/** The package as npm would lay it out: no sources, so nothing is stripped of types at each start. */
export function install(lab: Lab): Built {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  const dir = lab.folder('package')
  const own = resolve(import.meta.dirname, '../..')
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(own, name), join(dir, name), { recursive: true })
  symlinkSync(join(own, 'node_modules'), join(dir, 'node_modules'))
  const bareNode = join(dir, 'bare-node.js')
  buildSync({
    entryPoints: [join(import.meta.dirname, 'bare-node.ts')],
    outfile: bareNode,
    format: 'esm',
  })
  return { launcher: join(dir, 'bin/meshd.js'), entry: join(dir, 'dist/meshd.js'), bareNode }
}

function commandLine(entry: string): Row {
  const [nothing = [], own = []] = inTurns([
    ['-e', '0'],
    [entry, 'version'],
  ])
  const ratio = median(own) / median(nothing)
  return {
    what: 'meshd version, bundled',
    ours: ms(median(own)),
    floor: ms(median(nothing)),
    ratio,
    goal: atMost(1.5, ratio),
  }
}

/** The times of each command line, one after the other, so that a busy moment meets them all. */
function inTurns(commands: readonly (readonly string[])[]): readonly (readonly number[])[] {
  const times = commands.map((): number[] => [])
  for (let i = 0; i < CLI_RUNS; i += 1)
    for (const [which, args] of commands.entries()) {
      const startMs = performance.now()
      execFileSync(process.execPath, args, { stdio: 'ignore' })
      times[which]?.push(performance.now() - startMs)
    }
  return times
}
