/**
 * The tests, from the quickest: the steps in order, each timed, the first failure ends it.
 *
 *     node scripts/test.ts quick     types, lint, and all tests that are quick: a minute or so
 *     node scripts/test.ts slow      unused code, coverage, real networks and daemons, build, long tests
 *     node scripts/test.ts lab       faults and attacks on real daemons, with short counts
 *
 * `npm run ci` is all three, then 20,000 simulated worlds and every planted bug. Which test file belongs to which: scripts/test/files.ts.
 */
import { spawnSync } from 'node:child_process'
import { covering, first, lab, later, long, own, processes, shared } from './test/files.ts'
import { dealt, runGroups, TEST_MS_MAX } from './test/pool.ts'

/** A step that does not end is a failure, not a run that never tells. */
const STEP_MS_MAX = 40 * 60_000
const LAB_TEST_MS_MAX = 600_000

type Step = readonly [name: string, run: () => boolean | Promise<boolean>]

const command = (name: string, ...args: string[]) => {
  const { status, error } = spawnSync(name, args, { stdio: 'inherit', timeout: STEP_MS_MAX })
  if (error !== undefined) throw error
  return status === 0
}
const node = (...args: string[]) =>
  command(process.execPath, '--test', '--disable-warning=ExperimentalWarning', ...args)
/** One file at a time: what starts processes and networks of its own. */
const oneByOne = (files: readonly string[], testMs: number) =>
  node('--test-concurrency=1', `--test-timeout=${testMs}`, ...files)
const alone = (files: readonly string[]) => files.map((file) => [file])

const STEPS: Record<string, readonly Step[]> = {
  quick: [
    ['types', () => command('tsc', '-p', 'test')],
    ['lint', () => command('biome', 'check', '--error-on-warnings')],
    ['tests', () => runGroups([...alone(first), ...dealt(shared), ...alone(own)])],
  ],
  slow: [
    ['unused', () => command('knip')],
    ['longer tests', () => runGroups(alone(later))],
    ['coverage', coverage],
    ['ports and processes', () => oneByOne(processes, TEST_MS_MAX)],
    // From here on what was built stands for the sources.
    ['build', () => command('npm', 'run', '--silent', 'build')],
    ['long tests', () => oneByOne(long, TEST_MS_MAX)],
  ],
  lab: [['lab', () => oneByOne(lab, LAB_TEST_MS_MAX)]],
}

function coverage(): boolean {
  return node(
    `--test-timeout=${TEST_MS_MAX}`,
    '--test-isolation=none',
    '--experimental-test-coverage',
    '--test-coverage-include-all',
    '--test-coverage-include=src/core/**',
    '--test-coverage-lines=90',
    '--test-reporter=dot',
    ...covering,
  )
}

const steps = STEPS[process.argv[2] ?? '']
if (steps === undefined) throw new Error(`one of: ${Object.keys(STEPS).join(', ')}`)
for (const [name, run] of steps) {
  const start = performance.now()
  const ok = await run()
  console.log(`${ok ? '✓' : '✗'} ${name}  ${((performance.now() - start) / 1000).toFixed(1)} s`)
  if (!ok) process.exit(1)
}
