/** Worlds of whole nodes with much of one fault: rows of the matrix, with what each measures. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { row } from '../lab/row.ts'
import { LONG } from '../lab/shim.ts'
import type { Event } from '../sim/history.ts'
import { runSeed } from '../sim/mesh-run.ts'
import type { Swarm } from '../sim/swarm.ts'

const SEEDS = [41, 42, 43]
/** Three witnesses of five, and nothing goes wrong but what a row asks for. */
const CALM: Partial<Swarm> = {
  ...{ nodes: 5, witnesses: 3, diskMsMax: 20, crash: 0, pause: 0, step: 0, storageError: 0 },
  ...{ partition: 0, restore: 0, gossipDeath: 0, rotations: 0, liar: 0, drift: 0, fullDisk: 0 },
  ...{ slow: 0, flap: 0, bridge: 0, censor: 0, flood: 0 },
  lease: { read: 2, write: 2, faults: 0, stalenessMs: 2_000, skewMs: 400 },
  weather: { delayMsMin: 1, delayMsMax: 20, loss: 0, gossipLoss: 0, duplicates: 0, reorder: 0 },
}

const KEPT: ReadonlySet<Event['ev']> = new Set([
  ...(['answer', 'lie', 'evidence', 'accept', 'recorded'] as const),
])

interface Seen {
  readonly allows: number
  readonly denied: number
  readonly met: ReadonlyMap<string, number>
  readonly events: readonly Event[]
}

/** @returns what was seen in all of the worlds, in which nothing is found */
async function worlds(shape: Partial<Swarm>, seeds = SEEDS): Promise<Seen> {
  const met = new Map<string, number>()
  const events: Event[] = []
  for (const seed of seeds) {
    const kept = ({ ev }: Event) => KEPT.has(ev)
    const read = (event: Event) => void (kept(event) && events.push(event))
    const outcome = await runSeed(seed, { read, shape: { ...CALM, ...shape } })
    for (const [id, times] of outcome.met) met.set(id, (met.get(id) ?? 0) + times)
    assert.deepEqual(outcome.findings, [], `seed ${seed}`)
  }
  const answers = events.filter((event) => event.ev === 'answer')
  const allows = answers.filter(({ effect }) => effect === 'allow').length
  return { allows, denied: answers.length - allows, met, events }
}

const times = ({ met }: Seen, name: string) => met.get(name) ?? 0
const stale = ({ allows, met }: Seen) =>
  `0 stale allows of ${allows}, ${met.get('Q1')} of them after a commit`

function happened(seen: Seen, ...names: readonly string[]): void {
  for (const name of names) assert.ok(times(seen, name) > 0, `${name} came up`)
  assert.ok(seen.allows > 0, 'something is allowed')
}

const on = (name: string, shape: Partial<Swarm>, says: (t: TestContext, seen: Seen) => void) =>
  test(name, { timeout: 600_000 }, async (t) => says(t, await worlds(shape)))

on("clocks that step by five minutes, witnesses' too", { step: 0.04 }, (t, seen) => {
  happened(seen, 'a step of a clock', 'a clock that is not trusted')
  const untrusted = times(seen, 'a clock that is not trusted')
  row(t, 41, `${((100 * untrusted) / (seen.allows + seen.denied)).toFixed(1)} % denied for it`)
  row(t, 116, `0 late allows of ${seen.allows}`)
})

on('clocks that drift by a tenth', { drift: 0.1 }, (t, seen) => {
  happened(seen, 'a drifting clock')
  row(t, 39, `by a tenth: 0 wrong of ${seen.allows} allows`)
})

on(
  'processes that stand still, and machines that are suspended',
  { pause: 0.1, callMs: 30, lawMs: 500 },
  (t, seen) => {
    happened(seen, 'a pause', 'a suspended machine', 'a lease that is not held')
    row(t, 8, `${times(seen, 'a pause')} pauses: ${stale(seen)}`)
    row(t, 43, `${times(seen, 'a suspended machine')} suspended: ${stale(seen)}`)
  },
)

on('partitions: halves, one alone, a bridge', { partition: 0.2, bridge: 0.1 }, (t, seen) => {
  happened(seen, 'a partition', 'a bridge')
  row(t, 44, stale(seen))
  row(t, 109, stale(seen))
})

on('ways that are open in one direction alone', { partition: 0.4 }, (t, seen) => {
  happened(seen, 'a one-way partition')
  row(t, 45, stale(seen))
})

const doubled = { ...CALM.weather, duplicates: 0.3, reorder: 0.3 } as Swarm['weather']
on('gossip that comes twice and is overtaken', { weather: doubled }, (t, seen) => {
  happened(seen, 'an artifact that was used')
  row(t, 48, `0 double effects, ${times(seen, 'S13')} uses of what was used`)
  row(t, 117, `0 late allows of ${seen.allows}`)
})

on('a node that signs two histories of its log', { liar: 1 }, (t, seen) => {
  happened(seen, 'a second history', 'evidence')
  const lied = seen.events.find(({ ev }) => ev === 'lie')?.t ?? 0
  const seenMs = (seen.events.find(({ ev }) => ev === 'evidence')?.t ?? 0) - lied
  const says = `${(seenMs / 1000).toFixed(2)} s to the first evidence, 0 allows after it`
  row(t, 67, says)
  row(t, 68, says)
})

on('a node that keeps statements from the others', { censor: 1 }, (t, seen) => {
  happened(seen, 'a censor')
  row(t, 71, `0 of ${times(seen, 'L2')} nodes lack a statement in the end`)
  row(t, 120, `${seen.allows} allows beside it`)
})

on('neighbours that keep statements back, all but one', { censor: 6 }, (t, seen) => {
  happened(seen, 'a censor')
  row(
    t,
    72,
    `${stale(seen)}, ${times(seen, 'a lease that is not held')} denied for want of a lease`,
  )
})

on('disks that are set back', { restore: 1, crash: 0.02 }, (t, seen) => {
  happened(seen, 'a disk that was set back')
  row(t, 110, `0 late allows of ${seen.allows}`)
  row(t, 122, '0 framed')
})

/** Why what was durable as an allow was not answered as one: what the second look found, and how often. */
function secondLooks({ events }: Seen): ReadonlyMap<string, number> {
  const written = new Set<string>()
  const found = new Map<string, number>()
  const key = (node: number | null, req: number) => `${node}/${req}`
  for (const event of events) {
    if (event.ev === 'recorded')
      for (const { effect, req } of event.decisions)
        if (effect === 'allow') written.add(key(event.node, req))
    // The same request again has an answer of its own.
    if (event.ev !== 'answer' || event.reason === 'REPLAYED') continue
    if (!written.delete(key(event.node, event.req)) || event.reason === null) continue
    found.set(event.reason, (found.get(event.reason) ?? 0) + 1)
  }
  return found
}

/** Disks so slow that much changes while a record is written. */
const BUSY = { diskMsMax: 300, callMs: 15, lawMs: 200, step: 0.02 }
test('revocations, freezes and clocks that change while an allow is written', {
  timeout: 600_000,
}, async (t) => {
  const seen = await worlds(BUSY, SEEDS.slice(0, 2))
  happened(seen, 'a frozen action', 'a step of a clock')
  const found = secondLooks(seen)
  for (const why of ['REVOKED', 'FROZEN']) assert.ok((found.get(why) ?? 0) > 0, `${why} came late`)
  const says = [...found].map(([why, count]) => `${count} ${why}`).join(', ')
  row(
    t,
    143,
    `0 of ${seen.allows} allows against what had changed; of those written, the second look denied ${says}`,
  )
})

/** From the first node that accepted a statement to each other one, s, ascending: those that were down had to come back. */
function spreads({ events }: Seen): readonly number[] {
  const accepts = events.filter((event) => event.ev === 'accept')
  const firsts = new Map<number, number>()
  for (const { statement, t } of accepts)
    firsts.set(statement, Math.min(t, firsts.get(statement) ?? t))
  return accepts
    .map(({ statement, t }) => (t - (firsts.get(statement) ?? t)) / 1000)
    .filter((s) => s > 0)
    .toSorted((a, b) => a - b)
}

const CHURN_S = LONG ? 300 : 30
/** Looked at twice a second. */
const CHURN = { nodes: 10, crash: 0.05, callMs: 200, lawMs: 1_500, faultsMs: CHURN_S * 1_000 }
test('a tenth of ten nodes crashes each second', { timeout: 900_000 }, async (t) => {
  const seen = await worlds(CHURN, SEEDS.slice(0, 1))
  happened(seen, 'a crash')
  const all = spreads(seen)
  const at = (share: number) => all[Math.floor((all.length - 1) * share)]?.toFixed(1)
  row(
    t,
    55,
    `${CHURN_S} s of it, ${times(seen, 'a crash')} crashes: ${stale(seen)}; a statement reaches a node ${at(0.5)} s (p50), ${at(0.99)} s (p99) after the first; in the end all hold all`,
  )
})
