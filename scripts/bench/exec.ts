/** What `meshd exec` adds to a command, with a daemon that runs. */
import { spawn } from 'node:child_process'
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import { install } from './idle.ts'
import { openLab } from './lab.ts'
import { median, ms, type Row, type Section } from './table.ts'

const RUNS = 25
const GOAL_MS = 60
const ASK = ['--action', 'job:bench', '--resource', 'env:bench'] as const

export async function exec(): Promise<Section> {
  await using lab = openLab()
  const { launcher } = install(lab)
  const host = new Host({
    ...{ name: 'exec', dir: lab.folder('exec'), keyStore: lab.folder('operator'), launcher },
  })
  await host.do('init', '--mesh', 'bench')
  host.start()
  try {
    await host.do('wait', '--for', 'ready')
    const issue = ['artifact', 'issue', '--to', 'me', ...ASK, '--ttl', '1h', '--hold', '--yes']
    await host.do(...issue)
    const { MESHD_CONFIG: _, ...rest } = host.env
    const env = { ...rest, MESHD_API_DIR: host.socketsDir }
    const guarded = [process.execPath, launcher, 'exec', ...ASK, '--quiet', '--']
    const own = join(lab.dir, 'true')
    copyFileSync('/bin/true', own)
    chmodSync(own, 0o755)
    const script = join(lab.dir, 'script')
    writeFileSync(script, '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    const row = async (what: string, command: string, goal: boolean): Promise<Row> => {
      const [plain, with_] = [[command], [...guarded, command]]
      const took: [number[], number[]] = [[], []]
      // In turns: what else the machine does meets both.
      for (let i = 0; i <= RUNS; i += 1) {
        const [bare, ours] = [await timed(env, plain), await timed(env, with_)]
        if (i === 0) continue // The first of each fills caches.
        took[0].push(bare)
        took[1].push(ours)
      }
      const [floor, ours] = [median(took[0]), median(took[1])]
      const added = ours - floor
      return {
        ...{ what, ours: ms(ours), floor: ms(floor), ratio: null },
        goal: goal ? { says: `≤ ${GOAL_MS} ms more`, met: added <= GOAL_MS } : null,
      }
    }
    const rows = [
      await row('exec of /bin/true', '/bin/true', true),
      await row('exec of a copy of it that others may change', own, false),
      await row('exec of a script', script, false),
    ]
    return {
      title: 'A guarded command',
      how: `\`meshd exec\`, built by npm run build, with a running daemon that is alone: finds and hashes the file, asks, waits for the durable record, runs, records the outcome; no configuration file is named, so that none is read. The floor is the same command without it. Node's own start is in it: ${ms(await start(env))} for \`node -e 0\`. Medians of ${RUNS}, in turns.`,
      rows,
    }
  } finally {
    await host.stop()
  }
}

async function start(env: NodeJS.ProcessEnv): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < RUNS; i += 1) took.push(await timed(env, [process.execPath, '-e', '0']))
  return median(took)
}

function timed(env: NodeJS.ProcessEnv, [file = '', ...args]: readonly string[]): Promise<number> {
  const startMs = performance.now()
  return new Promise((done, failed) => {
    const child = spawn(file, args, { env, stdio: 'ignore' })
    child.once('error', failed)
    child.once('exit', (code) => {
      if (code === 0) done(performance.now() - startMs)
      else failed(new Error(`${file} ${args.join(' ')}: ${code}`))
    })
  })
}
