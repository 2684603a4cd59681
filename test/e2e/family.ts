/** `meshd exec` and a child that started one of its own, and how to see that none of them lives. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Host, Said } from '../../src/cli/stage.ts'
import { ASK, eventually } from './lab.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')

/** `meshd exec` in a process of its own, and what came of it. */
export function begun(on: Host, command: readonly string[]): [ChildProcess, Promise<Said>] {
  const child = spawn(process.execPath, [MESHD, 'exec', ...ASK, '--', ...command], {
    env: on.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.on('data', (chunk: Buffer) => {
      said[stream] += chunk.toString()
    })
  return [
    child,
    new Promise((done) => child.on('close', (code) => done({ status: code ?? -1, ...said }))),
  ]
}

let files = 0

/** A child, and one of its own that lives in its group: it writes its pid, and ends by a signal alone. */
export async function family(on: Host) {
  files += 1
  const file = join(on.dir, `pids-${files}`)
  const script = `sleep 60 & echo $! > ${file}; echo $$ >> ${file}; wait`
  const [child, ended] = begun(on, ['sh', '-c', script])
  const read = async () => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n').map(Number)
    } catch {
      // Not there yet.
      return []
    }
  }
  const pids = await eventually('the child runs', read, ({ length }) => length === 2)
  return { child, ended, pids }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A child of a killed meshd waits for nobody as a zombie: that is no life.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    // ESRCH, or its /proc is gone.
    return false
  }
}

/** @throws when one of them lives after ms */
export async function allDead(pids: readonly number[], ms: number): Promise<void> {
  await eventually(
    'the family is gone',
    async () => pids.filter(lives),
    ({ length }) => length === 0,
    ms,
  )
}
