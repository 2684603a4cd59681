/** Test files in processes that run at the same time: each prints nothing but what failed. */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { PASSED } from './reporter.ts'

export const TEST_MS_MAX = 180_000
/** A process that does not end is ended: while a test blocks it, it can time nothing out itself. */
const PROCESS_MS_MAX = 5 * 60_000
/** Some to a core: so the last one to end has not begun much later than the others. */
const SHARES_PER_CORE = 2
/** Some tests wait for a clock: another process has their core meanwhile. */
const PROCESSES = availableParallelism() + 1

const OPTIONS = [
  '--test',
  `--test-timeout=${TEST_MS_MAX}`,
  '--test-reporter=./scripts/test/reporter.ts',
  '--disable-warning=ExperimentalWarning',
]

/** Dealt like cards: what lies side by side in a folder is often equally long. */
export function dealt(files: readonly string[]): readonly (readonly string[])[] {
  const count = availableParallelism() * SHARES_PER_CORE
  return Array.from({ length: count }, (_, at) => files.filter((_, index) => index % count === at))
}

/** Each group in a process of its own, a few at once; after a failure none begins. */
export async function runGroups(groups: readonly (readonly string[])[]): Promise<boolean> {
  const waiting = groups.filter((files) => files.length > 0)
  let ok = true
  const work = async () => {
    for (let files = waiting.shift(); ok && files !== undefined; files = waiting.shift()) {
      const failure = await failureOf(files)
      if (failure === null) continue
      ok = false
      console.log(failure)
    }
  }
  await Promise.all(Array.from({ length: PROCESSES }, work))
  return ok
}

function failureOf(files: readonly string[]): Promise<string | null> {
  const { promise, resolve, reject } = Promise.withResolvers<string | null>()
  const shared = files.length > 1 ? ['--test-isolation=none'] : []
  const child = spawn(process.execPath, [...OPTIONS, ...shared, ...files], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PROCESS_MS_MAX,
    killSignal: 'SIGKILL',
  })
  let output = ''
  const hear = (chunk: string) => {
    output += chunk
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  child.on('error', reject)
  child.on('close', (status, signal) => {
    const passed = output.includes(`${PASSED}\n`)
    if (passed && status === 0) return resolve(null)
    const why =
      signal === null
        ? `ended with status ${status} before its tests had`
        : 'did not end: a test hangs, or leaves something open'
    // A test that failed is named already.
    const named = signal === null && (passed || output.includes('✖'))
    resolve(
      named ? output : `${output}✖ the process of these files ${why}:\n  ${files.join('\n  ')}`,
    )
  })
  return promise
}
