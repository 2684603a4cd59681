/** One seed, from its drawing to what the checkers say. */
import { checkersOf, type Finding } from './checkers/checkers.ts'
import { chooseKeys } from './fake-keys.ts'
import { type Event, History } from './history.ts'
import { MeshWorld } from './mesh-world.ts'
import { Scenario } from './scenario.ts'
import { draw, formatSwarm, type Swarm } from './swarm.ts'

export interface Outcome {
  readonly swarm: Swarm
  readonly findings: readonly Finding[]
  /** How often each checker had something to check. */
  readonly met: ReadonlyMap<string, number>
  readonly digest: string
  readonly events: number
  readonly last: readonly Event[]
}

export interface RunOptions {
  readonly read?: (event: Event) => void
  /** Ends with the first finding. */
  readonly once?: boolean
}

export async function runSeed(
  seed: number,
  { read, once = false }: RunOptions = {},
): Promise<Outcome> {
  // Most errors here are denials and lost answers, whose stacks nobody reads.
  if (read === undefined) Error.stackTraceLimit = 0
  const swarm = draw(seed)
  chooseKeys(seed)
  const history = new History()
  const checkers = checkersOf()
  let last: readonly Event[] = []
  history.onEvent((event) => {
    read?.(event)
    for (const checker of checkers) {
      const before = checker.findings.length
      checker.see(event)
      if (checker.findings.length > before && last.length === 0) last = history.last()
    }
  })
  history.write({ t: 0, node: null, inc: 0, ev: 'run', seed, says: formatSwarm(swarm) })
  const world = new MeshWorld(swarm, history)
  world.laws.begin()
  const findings: Finding[] = []
  try {
    await world.start()
    await new Scenario(world).run(() => once && last.length > 0)
  } catch (error) {
    // A world that breaks is a finding of its seed; the seeds after it are still run.
    findings.push({ id: 'P', t: world.clock.monotonicMs(), says: String(error) })
  }
  world.stop()
  findings.push(...checkers.flatMap((checker) => checker.findings))
  return {
    swarm,
    findings,
    met: new Map(checkers.map(({ id, met }) => [id, met])),
    digest: history.digest(),
    events: history.count,
    last,
  }
}
