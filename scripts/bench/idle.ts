/** What a node costs that has nothing to do, and how long a start takes. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import { openLab } from './lab.ts'
import { atMost, median, ms, type Row, type Section } from './table.ts'

const SETTLE_MS = 5_000
const WATCH_MS = 10_000
const STARTS = 5
const CLI_RUNS = 15
const TICKS_PER_SECOND = 100

export async function idle(): Promise<Section> {
  await using lab = openLab()
  const bare = await lab.start('bare-node.ts', [])
  const host = new Host({ name: 'idle', dir: lab.folder('idle'), keyStore: lab.folder('operator') })
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
    commandLine(),
  ]
  return {
    title: 'Idle, and starting',
    how: `One node alone, ${WATCH_MS / 1000} s after it settled; the floor is a bare libp2p node with gossipsub that stores nothing. Start to ready: median of ${STARTS}, with the lease held, told by polling. The command line: median of ${CLI_RUNS}, built by npm run build, against \`node -e 0\`.`,
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

function commandLine(): Row {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  const built = join(resolve(import.meta.dirname, '../..'), 'dist/meshd.js')
  const [nothing, own] = [timed(['-e', '0']), timed([built, 'version'])]
  const ratio = own / nothing
  return {
    what: 'meshd version, bundled',
    ours: ms(own),
    floor: ms(nothing),
    ratio,
    goal: atMost(1.5, ratio),
  }
}

function timed(args: readonly string[]): number {
  const times = Array.from({ length: CLI_RUNS }, () => {
    const startMs = performance.now()
    execFileSync(process.execPath, args, { stdio: 'ignore' })
    return performance.now() - startMs
  })
  return median(times)
}
