/** A command as it would be typed at a host, run by the real binary in a process of its own. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { Host, Said } from '../../src/cli/stage.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')

/** @param input what it reads; null for nothing */
export function typed(on: Host, line: string, input: string | null = null): Promise<Said> {
  const words =
    line.match(/"[^"]*"|'[^']*'|\S+/g)?.map((word) => word.replaceAll(/["']/g, '')) ?? []
  return run(on, words, input)
}

export function run(
  on: Pick<Host, 'env'>,
  words: readonly string[],
  input: string | null = null,
): Promise<Said> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [MESHD, ...words], {
      env: on.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.end(input ?? '')
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => {
        said[stream] += chunk.toString()
      })
    child.on('error', failed)
    child.on('close', (status) => done({ status: status ?? -1, ...said }))
  })
}
