/** One seed, from its drawing to what the checkers say. */
import { checkersOf, type Finding } from './checkers/checkers.ts'
import { Marks } from './checkers/marks.ts'
import { chooseKeys } from './fake-keys.ts'
import { type Event, History } from './history.ts'
import { calmed, type Less, NOTHING } from './less.ts'
import { MeshWorld } from './mesh-world.ts'
import { PROBE } from './people.ts'
import { Scenario } from './scenario.ts'
import { draw, formatSwarm, type Size, type Swarm, sized } from './swarm.ts'

type Injected = Extract<Event, { ev: 'fault' }>

export interface Outcome {
  readonly swarm: Swarm
  readonly findings: readonly Finding[]
  /** In order. */
  readonly faults: readonly Injected[]
  /** Those that may be left out. */
  readonly calls: readonly number[]
  /** How often each checker had something to check, and each mark was met. */
  readonly met: ReadonlyMap<string, number>
  readonly digest: string
  readonly events: number
  readonly last: readonly Event[]
}

export interface RunOptions {
  readonly read?: (event: Event) => void
  /** Ends with the first finding. */
  readonly once?: boolean
  /** What the world is left without. */
  readonly less?: Less
  readonly size?: Size
  /** In place of what the seed draws. */
  readonly shape?: Partial<Swarm>
}

export async function runSeed(
  seed: number,
  { read, once = false, less = NOTHING, size = 'whole', shape = {} }: RunOptions = {},
): Promise<Outcome> {
  // Most errors here are denials and lost answers, whose stacks nobody reads.
  if (read === undefined) Error.stackTraceLimit = 0
  const swarm = calmed({ ...sized(draw(seed), size), ...shape }, less)
  chooseKeys(seed)
  const history = new History()
  const checkers = checkersOf()
  const marks = new Marks()
  const faults: Injected[] = []
  const calls = new Set<number>()
  let last: readonly Event[] = []
  history.onEvent((event) => {
    read?.(event)
    marks.see(event)
    if (event.ev === 'fault') faults.push(event)
    // Without its probes a mesh that is mended cannot show that it allows.
    if (event.ev === 'call' && event.asked.action !== PROBE.action) calls.add(event.asked.req)
    for (const checker of checkers) {
      const before = checker.findings.length
      checker.see(event)
      if (checker.findings.length > before && last.length === 0) last = history.last()
    }
  })
  history.write({ t: 0, node: null, inc: 0, ev: 'run', seed, says: formatSwarm(swarm) })
  const world = new MeshWorld(swarm, history, less)
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
    met: new Map([...checkers.map(({ id, met }) => [id, met] as const), ...marks.met]),
    faults,
    calls: [...calls],
    digest: history.digest(),
    events: history.count,
    last,
  }
}
