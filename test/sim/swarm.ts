/**
 * What one seed asks of a mesh: how many nodes, how fast their disks, which
 * faults there are at all and how often. Many worlds are free of most kinds;
 * those that have one have enough of it to hurt.
 */
import { defaultQuorum } from '../../src/core/lease-quorum.ts'
import type { LeaseTerms } from '../../src/core/statement/root.ts'
import { Dice } from './clock.ts'
import type { Weather } from './hub.ts'

export interface Swarm {
  readonly seed: number
  readonly nodes: number
  /** The first ones. */
  readonly witnesses: number
  readonly lease: LeaseTerms
  readonly weather: Weather
  /** Of one batch. */
  readonly diskMsMax: number
  /** Shares of 1, for each node and look at the dice. */
  readonly crash: number
  readonly pause: number
  readonly step: number
  /** Of batches. */
  readonly storageError: number
  /** For each look at the dice. */
  readonly partition: number
  /** Whether one disk is set back: 0 or 1. */
  readonly restore: number
  /** For each look: gossip between two nodes dies, and nothing else shows it. */
  readonly gossipDeath: number
  /** Wall clocks differ from true time by this share of the skew, at most. */
  readonly offset: number
  /** Between two requests, anywhere, on average. */
  readonly callMs: number
  /** Between two statements, on average. */
  readonly lawMs: number
  /** Of statements. */
  readonly rotations: number
  /** Whether one node signs two histories of its log: 0 or 1. */
  readonly liar: number
  /** For each node and look: its wall clock runs fast or slow for a while. */
  readonly drift: number
  /** The same, of a disk that takes nothing until there is room. */
  readonly fullDisk: number
  /** The same, of a node to and from which everything takes long. */
  readonly slow: number
  /** For each look: two nodes hear each other, and do not, again and again. */
  readonly flap: number
  /** For each look: two halves, and one node between them that hears both. */
  readonly bridge: number
  /** How many nodes keep statements from the others; and whether one floods them: 0 or 1. */
  readonly censor: number
  readonly flood: number
  /** Whether what is allowed is carried out by somebody: 0 or 1. */
  readonly programs: number
  /** How many others hold a copy of each log. None, unless a test wants it. */
  readonly mirrors: number
  /** Whether two have to sign what stops and what permits: 0 or 1. */
  readonly halves: number
  /** Who asks though it is no member, or no longer one; null for nobody. */
  readonly outsider: 'stranger' | 'revoked' | 'suspended' | 'expired' | null
  /** Whether one node makes invites, and who wants to join redeems them: 0 or 1. */
  readonly invites: number
  /** Whether somebody brings chains that would gain something: 0 or 1. */
  readonly climbers: number
  /** Whether there are artifacts for one caller, as the kernel knows it: 0 or 1. */
  readonly bindings: number
  /** How many bits of disks are flipped. */
  readonly flips: number
  /** Whether bundles ask for a lease of their own: 0 or 1. */
  readonly fresh: number
  /** How one of the nodes turns on the others once all is mended; null where none does. */
  readonly hostile: 'garbage' | 'hangs' | 'censors' | 'floods' | null
  /** Whether one node crashes when all is mended: 0 or 1. */
  readonly lateCrash: number
  /** Whether somebody asks how revocations spread: 0 or 1. */
  readonly watchers: number
  readonly faultsMs: number
  /** 0: nothing is mended, and only what must never happen is checked. */
  readonly healMs: number
}

/** Between two looks at the dice of faults. */
export const FAULT_LOOK_MS = 500

export function draw(seed: number): Swarm {
  const dice = new Dice(seed * 7919 + 17)
  const chance = (p: number, most: number) => (dice.unit() < p ? dice.unit() * most : 0)
  const nodes = [3, 3, 4, 5, 2, 3, 6, 7, 1, 4][dice.integer(10)] ?? 3
  const witnesses = nodes <= 3 || dice.unit() < 0.4 ? Math.min(nodes, 5) : 3
  const wide = witnesses > 2 && dice.unit() < 0.3
  const quorum = defaultQuorum(witnesses)
  const stalenessMs = dice.unit() < 0.6 ? 2_000 : 4_000
  // Of what came later: what the others draw stays what it is.
  const more = new Dice(seed * 104_729 + 3)
  return {
    seed,
    nodes,
    witnesses,
    lease: {
      ...quorum,
      write: wide ? Math.min(witnesses, quorum.write + 1) : quorum.write,
      stalenessMs,
      skewMs: 400,
    },
    weather: {
      delayMsMin: 1,
      delayMsMax: 3 + chance(0.7, 150),
      loss: chance(0.6, 0.3),
      gossipLoss: chance(0.6, 0.8),
      duplicates: chance(0.5, 0.3),
      reorder: chance(0.5, 0.3),
    },
    diskMsMax: dice.unit() < 0.25 ? 1_500 : 5 + dice.unit() * 40,
    crash: chance(0.6, 0.06),
    pause: chance(0.5, 0.06),
    // With nobody to ask, a clock that went back is not believed until it has caught up.
    step: nodes === 1 ? 0 : chance(0.4, 0.03),
    storageError: chance(0.4, 0.05),
    partition: chance(0.8, 0.25),
    // One node alone has nobody who remembers.
    restore: nodes > 1 && dice.unit() < 0.35 ? 1 : 0,
    gossipDeath: chance(0.4, 0.1),
    offset: 0.9 * dice.unit(),
    callMs: 60 + dice.unit() * 200,
    lawMs: 700 + dice.unit() * 1_500,
    rotations: nodes > 2 ? chance(0.35, 0.3) : 0,
    faultsMs: 20_000,
    liar: nodes > 1 && dice.unit() < 0.2 ? 1 : 0,
    drift: nodes === 1 ? 0 : chance(0.3, 0.02),
    fullDisk: chance(0.3, 0.02),
    slow: chance(0.3, 0.03),
    flap: chance(0.3, 0.08),
    bridge: nodes > 2 ? chance(0.25, 0.06) : 0,
    censor: nodes > 2 && dice.unit() < 0.2 ? 1 : 0,
    flood: nodes > 1 && dice.unit() < 0.15 ? 1 : 0,
    programs: more.unit() < 0.5 ? 1 : 0,
    mirrors: 0,
    ...drawLater(seed, nodes),
  }
}

/** What came later still, each by dice of its own: what the others draw stays what it is. */
function drawLater(seed: number, nodes: number) {
  const outsiders = new Dice(seed * 12_289 + 109)
  const share = (factor: number, more: number, of: number) =>
    new Dice(seed * factor + more).unit() < of ? 1 : 0
  return {
    halves: share(6_151, 29, 0.3),
    // A guest, and who joined, tell nobody what they remember: one node alone would wait for that.
    invites: nodes > 1 ? share(24_593, 117, 0.2) : 0,
    outsider: nodes > 1 ? (OUTSIDERS[outsiders.integer(OUTSIDERS_OF)] ?? null) : null,
    climbers: share(24_593, 61, 0.25),
    bindings: share(49_157, 73, 0.25),
    flips: share(12_289, 7, 0.25),
    fresh: share(24_593, 47, 0.25),
    ...aftermathOf(seed, nodes),
    watchers: share(12_289, 83, 0.3),
  }
}

/** Of worlds in which two at least are honest; and of the others. */
const [HOSTILE, LATE_CRASH] = [0.25, 0.5]
const HOSTILITIES = ['garbage', 'hangs', 'censors', 'floods'] as const

type Aftermath = Pick<Swarm, 'hostile' | 'lateCrash' | 'healMs'>

/** Not both: who crashed may need the hostile one to tell it what it forgot, and waits. */
function aftermathOf(seed: number, nodes: number): Aftermath {
  const dice = new Dice(seed * 49_157 + 131)
  if (nodes < 3 || dice.unit() >= HOSTILE)
    return { hostile: null, lateCrash: dice.unit() < LATE_CRASH ? 1 : 0, healMs: 20_000 }
  const hostile = HOSTILITIES[dice.integer(HOSTILITIES.length)] ?? null
  return { hostile, lateCrash: 0, healMs: 26_000 }
}

/** What they give first is whose disk may be set back. */
export function faultDice(seed: number): Dice {
  return new Dice(seed * 13 + 5)
}

/** The place of the node that makes invites: the one whose disk may be set back. */
export function inviterOf({ seed, nodes }: Swarm): number {
  return faultDice(seed).integer(nodes)
}

const OUTSIDERS = ['stranger', 'revoked', 'suspended', 'expired'] as const
/** In the worlds beyond the first ones there is none. */
const OUTSIDERS_OF = 4 * OUTSIDERS.length

/**
 * How large a world is. A whole one is as it was drawn. Most of what must never happen shows in a
 * small one, for a tenth of the work: five seconds of three nodes at which all comes thicker, and
 * nothing is mended. A long one is the one of the plan: two minutes of five nodes, with a lease of
 * twenty seconds, and as many faults as a whole one has in twenty.
 */
export type Size = 'whole' | 'small' | 'long'

/** Of a run of all sizes. */
const [WHOLE_EVERY, LONG_EVERY] = [50, 200]
/** Longer than a whole one's faults. */
const LONGER = 4.5

export function sizeOf(seed: number): Size {
  // Where neither the determinism is tested, nor the real keys.
  if (seed % LONG_EVERY === 11) return 'long'
  return seed % WHOLE_EVERY === 7 ? 'whole' : 'small'
}

export function sized(drawn: Swarm, size: Size): Swarm {
  if (size === 'whole') return drawn
  return size === 'small' ? { ...drawn, ...SMALL } : { ...drawn, ...LONG, ...sparser(drawn) }
}

const SMALL: Partial<Swarm> = {
  ...{ nodes: 3, witnesses: 3, faultsMs: 5_000, healMs: 0, callMs: 80, lawMs: 400 },
  lease: { read: 2, write: 2, faults: 0, stalenessMs: 2_000, skewMs: 400 },
}

const LONG: Partial<Swarm> = {
  ...{ nodes: 5, witnesses: 5, faultsMs: 90_000, healMs: 30_000 },
  lease: { ...defaultQuorum(5), stalenessMs: 20_000, skewMs: 2_000 },
}

/** The same number of each kind, in a longer time. */
function sparser(drawn: Swarm): Partial<Swarm> {
  const { callMs, lawMs, crash, pause, step, storageError, partition, gossipDeath } = drawn
  const { drift, fullDisk, slow, flap, bridge } = drawn
  return {
    ...{ callMs: callMs * LONGER, lawMs: lawMs * LONGER, crash: crash / LONGER },
    ...{ pause: pause / LONGER, step: step / LONGER, storageError: storageError / LONGER },
    ...{ partition: partition / LONGER, gossipDeath: gossipDeath / LONGER, drift: drift / LONGER },
    ...{ fullDisk: fullDisk / LONGER, slow: slow / LONGER, flap: flap / LONGER },
    bridge: bridge / LONGER,
  }
}

export function formatSwarm({ weather, lease, ...rest }: Swarm): string {
  return JSON.stringify({ ...rest, lease, weather }, (_, value) =>
    typeof value === 'number' ? Math.round(value * 1000) / 1000 : value,
  )
}
