/** Processes of a benchmark: started with a word on stdout when they serve, ended by pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface Lab extends AsyncDisposable {
  readonly dir: string
  /** A folder of its own in the lab. */
  folder(name: string): string
  /** Starts a script of this folder; resolves when it says that it is ready. */
  start(script: string, args: readonly string[]): Promise<ChildProcess>
}

export function openLab(): Lab {
  const dir = mkdtempSync(join(tmpdir(), 'meshd-bench-'))
  const children: ChildProcess[] = []
  return {
    dir,
    folder: (name) => {
      mkdirSync(join(dir, name), { recursive: true, mode: 0o700 })
      return join(dir, name)
    },
    start: async (script, args) => {
      const child = spawn(process.execPath, [resolve(import.meta.dirname, script), ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(child)
      await new Promise<void>((ready, failed) => {
        child.stdout.once('data', () => ready())
        child.once('exit', (code) => failed(new Error(`${script} ended with ${code}`)))
      })
      return child
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(children.map(end))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  child.kill('SIGTERM')
  const kill = setTimeout(() => child.kill('SIGKILL'), 3000)
  await ended
  clearTimeout(kill)
}
