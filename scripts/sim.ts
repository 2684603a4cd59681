/**
 * `npm run sim`: whole nodes in simulated worlds, one for each seed, on all cores.
 *
 *     node scripts/sim.ts --seeds 200 --from 1000     seeds 1000 to 1199
 *     node scripts/sim.ts --seed 18 --trace           one seed, every event
 *     node scripts/sim.ts --size whole --seeds 500    worlds of one size; else most are small, and some whole or long
 *     node scripts/sim.ts --seed 18 --less '{"kinds":["crash"]}'   without some of its faults
 *
 * A seed that finds something is made smaller and printed with how to see it
 * again. Exit 1: something was found, a seed gave two histories, or what there
 * is to check never came up.
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { INVARIANTS } from '../test/sim/checkers/checkers.ts'
import { type Event, formatEvent } from '../test/sim/history.ts'
import { formatLess, NOTHING, parseLess } from '../test/sim/less.ts'
import { type Outcome, runSeed } from '../test/sim/mesh-run.ts'
import { Pool } from '../test/sim/pool.ts'
import { shrink } from '../test/sim/shrink.ts'
import { formatSwarm, type Size, sizeOf } from '../test/sim/swarm.ts'
import { sweep } from '../test/sim/sweep.ts'
import { numberOf, optionsOf } from './options.ts'

const SIZES: readonly Size[] = ['whole', 'small', 'long']
const SHRUNK_MAX = 3
const EVENTS_SHOWN = 30
const TOLD_EVERY = 1_000

const { values } = optionsOf(import.meta.filename, {
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    less: { type: 'string' },
    size: { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
})

const size = SIZES.find((each) => each === values.size)
if (values.size !== undefined && size === undefined)
  throw new Error(`--size is one of: ${SIZES.join(', ')}`)
const of = size === undefined ? sizeOf : () => size
const RERUN = `npm run sim --${size === undefined ? '' : ` --size ${size}`}`

function tell({ swarm, findings, last, faults }: Outcome, rerun: string): void {
  console.log(`seed ${swarm.seed} ${formatSwarm(swarm)}`)
  for (const { number, kind, says } of faults) console.log(`  fault ${number}: ${kind} ${says}`)
  for (const event of last.slice(-EVENTS_SHOWN)) console.log(`  ${formatEvent(event)}`)
  for (const { id, t, says } of findings) console.log(`✗ ${id} at ${t.toFixed(1)} ms: ${says}`)
  const sentence = INVARIANTS.find(({ id }) => id === findings[0]?.id)?.says
  if (sentence !== undefined) console.log(`  ${findings[0]?.id}: ${sentence}`)
  console.log(`  ${rerun}   at ${commit()}`)
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
}

/** @returns whether nothing was found */
async function one(seed: number): Promise<boolean> {
  const less = values.less === undefined ? NOTHING : parseLess(values.less)
  const read = (event: Event) => console.log(formatEvent(event))
  const outcome = await runSeed(seed, { less, size: of(seed), ...(values.trace ? { read } : {}) })
  for (const [id, times] of outcome.met) console.log(`${String(times).padStart(8)}  ${id}`)
  tell(outcome, `${RERUN} --seed ${seed} --trace`)
  console.log(`trace ${outcome.digest}, ${outcome.events} events`)
  return outcome.findings.length === 0
}

/** @returns whether nothing was found */
async function many(from: number, count: number): Promise<boolean> {
  await using pool = new Pool(numberOf('workers', values.workers))
  const beganMs = performance.now()
  const next = (soFar: number) => (soFar < count ? from + soFar : null)
  let done = 0
  const told = ({ swarm, findings }: Outcome) => {
    done += 1
    if (done % TOLD_EVERY === 0 && done < count) console.log(`${done} of ${count} seeds`)
    if (findings.length > 0)
      console.log(`✗ seed ${swarm.seed}: ${findings[0]?.id} ${findings[0]?.says}`)
  }
  const { seeds, twice, failed, unsteady, met, unmet } = await sweep({ pool, next, told, size: of })
  const minutes = (performance.now() - beganMs) / 60_000
  for (const found of failed.slice(0, SHRUNK_MAX)) {
    const { seed } = found.swarm
    const small = await shrink(found, (less) =>
      pool.run({ seed, less, once: true, size: of(seed) }),
    )
    const less = formatLess(small.less)
    tell(small.outcome, `${RERUN} --seed ${seed} --trace --less '${less}'`)
  }
  for (const { id, says } of INVARIANTS)
    console.log(`${String(met.get(id) ?? 0).padStart(9)}  ${id.padEnd(4)} ${says}`)
  const marks = [...met].filter(([id]) => INVARIANTS.every((each) => each.id !== id))
  for (const [name, times] of marks) console.log(`${String(times).padStart(9)}  ${name}`)
  for (const seed of unsteady) console.log(`✗ seed ${seed} gave two histories`)
  for (const id of unmet) console.log(`✗ ${id}: nothing of it came up`)
  const rate = `${(seeds / minutes).toFixed(0)} a minute on ${pool.size} workers`
  console.log(
    `${seeds} seeds, ${twice} of them twice, ${failed.length} with findings, ${(minutes * 60).toFixed(1)} s, ${rate}`,
  )
  return failed.length + unsteady.length + unmet.length === 0
}

const good =
  values.seed === undefined
    ? await many(numberOf('from', values.from), numberOf('seeds', values.seeds))
    : await one(numberOf('seed', values.seed))
if (!good) process.exitCode = 1
