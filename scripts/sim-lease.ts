/**
 * `npm run sim:lease`: the bound of the freshness lease over many seeds, on all
 * cores. With read + write > n no run may pass commit + staleness + 2 skew;
 * with a rule left out runs past it must be found, or the check sees nothing.
 *
 *     node scripts/sim-lease.ts --seeds 100000
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { BREAKS, HOLDS, type Row } from '../test/sim/lease-rows.ts'
import { boundMs, type Runs } from '../test/sim/lease-runs.ts'
import type { LeaseTask } from '../test/sim/lease-worker.ts'
import { numberOf, optionsOf } from './options.ts'

/** Runs of one message to a thread. */
const RUNS = 100
/** Of the seeds, the share that the situations get that must break. */
const BREAKS_SHARE = 0.1

const { values } = optionsOf(import.meta.filename, {
  options: {
    seeds: { type: 'string', default: '100000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
})
const workers = numberOf('workers', values.workers)
const first = numberOf('from', values.from)

interface Job {
  readonly row: Row
  readonly task: LeaseTask
}

/** A row's seeds, in messages. */
function jobsOf(row: Row, from: number, seeds: number): Job[] {
  const { situation } = row
  return Array.from({ length: Math.ceil(seeds / RUNS) }, (_, at) => ({
    row,
    task: { situation, first: from + at * RUNS, seeds: Math.min(RUNS, seeds - at * RUNS) },
  }))
}

function added(all: Runs | undefined, some: Runs): Runs {
  if (all === undefined) return some
  return {
    seeds: all.seeds + some.seeds,
    late: all.late + some.late,
    allows: all.allows + some.allows,
    commits: all.commits + some.commits,
    worstMs: Math.max(all.worstMs, some.worstMs),
  }
}

async function all(jobs: readonly Job[]): Promise<ReadonlyMap<Row, Runs>> {
  const seen = new Map<Row, Runs>()
  const waiting = [...jobs]
  const work = async () => {
    const worker = new Worker(new URL('../test/sim/lease-worker.ts', import.meta.url))
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      worker.postMessage(job.task)
      const [some] = (await once(worker, 'message')) as [Runs]
      seen.set(job.row, added(seen.get(job.row), some))
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: workers }, work))
  return seen
}

const began = performance.now()
const seeds = numberOf('seeds', values.seeds)
const share = (of: number, rows: readonly Row[]) => Math.ceil((seeds * of) / rows.length)
const seen = await all([
  ...HOLDS.flatMap((row) => jobsOf(row, first, share(1, HOLDS))),
  // From where a late one is known to be: two liars break it in one run of some hundred.
  ...BREAKS.flatMap((row) => jobsOf(row, first - 1 + row.first, share(BREAKS_SHARE, BREAKS))),
])

console.log('   runs    late  worst ms  bound ms    allows  situation')
let wrong = 0
for (const [row, { seeds: runs, late, worstMs, allows }] of seen) {
  const holds = HOLDS.includes(row)
  const good = holds ? late === 0 : late > 0
  if (!good) wrong += 1
  const figures = [
    String(runs).padStart(7),
    String(late).padStart(7),
    worstMs.toFixed(0).padStart(9),
    String(boundMs(row.situation)).padStart(9),
    String(allows).padStart(9),
  ]
  const expected = holds ? 'must hold' : 'must break'
  console.log(`${figures.join(' ')}  ${good ? '✓' : '✗'} ${expected}: ${row.name}`)
}
const runs = [...seen].reduce((sum, [row, { seeds }]) => sum + (HOLDS.includes(row) ? seeds : 0), 0)
console.log(
  `${runs} seeds of what must hold, ${wrong} of ${seen.size} situations not as they must be, ${((performance.now() - began) / 1000).toFixed(1)} s`,
)
if (wrong > 0) process.exitCode = 1
