/**
 * The tests, from the quickest: the steps in order, each timed, the first failure ends it.
 *
 *     node scripts/test.ts quick     types, lint, tidy, unit, vectors, fuzz, ports, script, short e2e
 *     node scripts/test.ts slow      coverage, unused code, build, long simulations, long e2e
 *     node scripts/test.ts lab       faults and attacks on real daemons, with short counts
 *
 * `npm run ci` is all three.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** A step that does not end is a failure, not a run that never tells. */
const STEP_MS_MAX = 20 * 60_000

type Step = readonly [name: string, command: string, args: readonly string[]]

const NODE_TEST = ['--test', '--test-timeout=180000', '--disable-warning=ExperimentalWarning']
/** @param jobs files at once: 1 for what starts processes and networks of its own */
const node = (name: string, jobs: number, ...patterns: string[]): Step => [
  name,
  process.execPath,
  [...NODE_TEST, `--test-concurrency=${jobs}`, ...files(patterns)],
]

/** Its files take minutes each; `npm run lab` runs them with longer counts, and prints the matrix. */
const lab: Step = [
  'lab',
  process.execPath,
  ['--test', '--test-timeout=600000', '--test-concurrency=1', ...files(['test/lab/*.test.ts'])],
]

const STEPS: Record<string, () => readonly Step[]> = {
  quick: () => [
    ['types', 'tsc', ['-p', 'test']],
    ['lint', 'biome', ['check', '--error-on-warnings']],
    node('tests', availableParallelism(), 'test/{tidy,unit,vectors,fuzz,sim,script}/**/*.test.ts'),
    node('ports and processes', 1, 'test/{ports,e2e}/*.test.ts'),
  ],
  slow: () => [
    ['unused', 'knip', []],
    ['build', 'npm', ['run', '--silent', 'build']],
    [
      'coverage',
      process.execPath,
      [
        ...NODE_TEST,
        '--experimental-test-coverage',
        '--test-coverage-include-all',
        '--test-coverage-include=src/core/**',
        '--test-coverage-lines=90',
        '--test-reporter=dot',
        ...files(['test/{unit,vectors}/**/*.test.ts']),
      ],
    ],
    node('long tests', 1, 'test/long/**/*.test.ts'),
  ],
  lab: () => [lab],
}

function files(patterns: readonly string[]): string[] {
  const found = patterns.flatMap((pattern) => globSync(pattern)).sort()
  if (found.length === 0) throw new Error(`no test file matches ${patterns.join(' ')}`)
  return found
}

function run([name, command, args]: Step): void {
  const start = performance.now()
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', timeout: STEP_MS_MAX })
  if (error !== undefined) throw error
  console.log(
    `${status === 0 ? '✓' : '✗'} ${name}  ${((performance.now() - start) / 1000).toFixed(1)} s`,
  )
  if (status !== 0) process.exit(status ?? 1)
}

const steps = STEPS[process.argv[2] ?? '']
if (steps === undefined) throw new Error(`one of: ${Object.keys(STEPS).join(', ')}`)
for (const step of steps()) run(step)
