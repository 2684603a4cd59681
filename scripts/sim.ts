/**
 * `npm run sim`: whole nodes in simulated worlds, one for each seed.
 *
 *     node scripts/sim.ts --seeds 200            seeds 1 to 200
 *     node scripts/sim.ts --seed 18 --trace      one seed, every event
 */
import { parseArgs } from 'node:util'
import { INVARIANTS } from '../test/sim/checkers/checkers.ts'
import { type Event, formatEvent } from '../test/sim/history.ts'
import { type Outcome, runSeed } from '../test/sim/mesh-run.ts'
import { formatSwarm } from '../test/sim/swarm.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})

function tell({ swarm, findings, last }: Outcome): void {
  console.log(`seed ${swarm.seed} ${formatSwarm(swarm)}`)
  for (const event of last) console.log(`  ${formatEvent(event)}`)
  for (const { id, t, says } of findings) console.log(`✗ ${id} at ${t.toFixed(1)} ms: ${says}`)
}

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
const met = new Map<string, number>()
const began = performance.now()
let failed = 0
for (let seed = from; seed < from + count; seed++) {
  const read = values.trace ? (event: Event) => console.log(formatEvent(event)) : () => {}
  const outcome = await runSeed(seed, { read })
  for (const [id, times] of outcome.met) met.set(id, (met.get(id) ?? 0) + times)
  if (outcome.findings.length > 0) {
    failed += 1
    tell(outcome)
  }
}
const seconds = (performance.now() - began) / 1000
for (const { id, says } of INVARIANTS)
  console.log(`${id.padEnd(4)} ${String(met.get(id) ?? 0).padStart(8)}  ${says}`)
console.log(`${count} seeds, ${failed} with findings, ${seconds.toFixed(1)} s`)
if (failed > 0) process.exitCode = 1
