/** Many runs of one situation of the lease: how late the latest allow was, after a commit that it did not know of (Q1). */
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import type { LeaseTerms } from '../../src/core/statement/root.ts'
import { VirtualClock } from './clock.ts'
import { DIDS, rootOf } from './lease-roots.ts'
import { type Rules, type SimNode, World } from './lease-world.ts'

export const STALENESS_MS = 2_000
export const SKEW_MS = 200
const STEP_MS = 250
const HORIZON_MS = 12_000
const REVOCATIONS = 3

export interface Situation {
  readonly n: number
  readonly read: number
  readonly write: number
  readonly horizonMs?: number
  readonly restores?: boolean
  readonly rotation?: boolean
  /** How many of the witnesses a rotation keeps. */
  readonly kept?: number
  /** Of the second root, in place of STALENESS_MS. */
  readonly stalenessMs?: number
  /** So many witnesses lie together: they tell all others that they know nothing. */
  readonly liars?: number
  /** The node that is no witness has a clock that is so much behind. */
  readonly behindMs?: number
  readonly rules?: Partial<Rules>
}

export const termsOf = ({ read, write }: Situation): LeaseTerms => ({
  read,
  write,
  faults: 0,
  stalenessMs: STALENESS_MS,
  skewMs: SKEW_MS,
})

interface Seen {
  /** The longest time from a commit to an allow that did not know of it. */
  worstMs: number
  allows: number
  commits: number
}

async function runOne(situation: Situation, seed: number): Promise<Seen> {
  const { n, kept = 0, rotation = false, restores = false, rules = {} } = situation
  const { horizonMs = HORIZON_MS, stalenessMs = STALENESS_MS, behindMs = 0 } = situation
  const clock = new VirtualClock(seed)
  const { dice } = clock
  const lease = termsOf(situation)
  const roots = [rootOf(1, DIDS.slice(0, n), lease)]
  const later = { ...lease, stalenessMs }
  if (rotation) roots.push(rootOf(2, DIDS.slice(n - kept, 2 * n - kept), later))
  const nodes = (rotation ? 2 * n - kept : n) + 1
  const liars = Array.from({ length: situation.liars ?? 0 }, (_, at) => at)
  const world = new World({ clock, nodes, roots, rules, liars })
  for (const node of world.nodes) node.offsetMs = dice.integer(2 * SKEW_MS) - SKEW_MS
  const last = world.nodes.at(-1) as SimNode
  last.offsetMs -= behindMs
  const revokeMs = Array.from({ length: REVOCATIONS }, () => 2_000 + dice.integer(horizonMs / 2))
  const rotateMs = 2_000 + dice.integer(horizonMs / 3)
  const images = world.nodes.map(() => [] as ReturnType<SimNode['image']>[])
  const any = () => world.nodes[dice.integer(nodes)] as SimNode
  const seen: Seen = { worstMs: 0, allows: 0, commits: 0 }

  await world.start()
  for (let now = 0; now < horizonMs; now += STEP_MS) {
    await clock.advance(STEP_MS)
    if (dice.unit() < 0.12) {
      const parts = 1 + dice.integer(3)
      world.groups = world.nodes.map(() => dice.integer(parts))
    }
    const due = (atMs: number) => atMs >= now && atMs < now + STEP_MS
    for (const [r, atMs] of revokeMs.entries())
      if (due(atMs)) void any().learn([idOf(utf8(`revocation ${r}`))])
    if (rotation && due(rotateMs)) void any().learn(roots.map(({ id }) => id))
    if (restores) await disturb(world, images)
    look(world, seen)
  }
  seen.commits = world.committed.size
  world.stop()
  return seen
}

/** One node at a time comes back with an older disk; the others keep what they know. */
async function disturb(world: World, images: ReturnType<SimNode['image']>[][]): Promise<void> {
  const { dice } = world.clock
  for (const node of world.nodes) (images[node.at] as (typeof images)[0]).push(node.image())
  const settled = world.nodes.every((node) => node.up && (node.boot.done || !world.rules.bootCheck))
  if (!settled || dice.unit() > 0.1) return
  const node = world.nodes[dice.integer(world.nodes.length)] as SimNode
  const kept = images[node.at] as (typeof images)[0]
  node.crash()
  await node.start(kept[Math.max(0, kept.length - 2 - dice.integer(20))])
}

function look(world: World, seen: Seen): void {
  const nowMs = world.clock.monotonicMs()
  for (const node of world.nodes) {
    // What a liar allows is its own.
    if (world.liars.includes(node.at) || !node.lease.status().held) continue
    seen.allows += 1
    for (const [id, atMs] of world.committed)
      if (!node.disk.ids.has(id)) seen.worstMs = Math.max(seen.worstMs, nowMs - atMs)
  }
}

/** No allow may come later than this after a commit that it did not know of; the longer staleness while two roots may be live. */
export function boundMs({ stalenessMs = STALENESS_MS }: Situation): number {
  return Math.max(STALENESS_MS, stalenessMs) + 2 * SKEW_MS
}

export interface Runs {
  readonly seeds: number
  /** Of those, the ones with an allow past the bound. */
  readonly late: number
  readonly allows: number
  readonly commits: number
  readonly worstMs: number
}

/** @param enough ends with the first run that was too late */
export async function runs(
  situation: Situation,
  seeds: number,
  { first = 1, enough = false } = {},
): Promise<Runs> {
  // Errors here are answers that were lost; nobody reads their stacks.
  Error.stackTraceLimit = 0
  let [run, late, allows, commits, worstMs] = [0, 0, 0, 0, 0]
  for (; run < seeds && !(enough && late > 0); run += 1) {
    const seen = await runOne(situation, (first + run) * 7919)
    late += seen.worstMs > boundMs(situation) ? 1 : 0
    worstMs = Math.max(worstMs, seen.worstMs)
    allows += seen.allows
    commits += seen.commits
  }
  return { seeds: run, late, allows, commits, worstMs }
}
