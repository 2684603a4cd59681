/**
 * The arithmetic of the freshness lease (design 4, FAULTS 1.2): how many
 * witnesses must agree, and for how long what they said may be relied on.
 *
 * read + write > n + faults, so that every lease and every commit share a
 * witness that does not lie. Age counts from the monotonic moment at which a
 * question was sent; wall clocks can only shorten it (Q3, note 3).
 */
import type { Did } from './keys.ts'
import type { LeaseStatus } from './lease.ts'
import type { LeaseTerms } from './statement/root.ts'

/** One witness's answer that counts: its state is held whole here, under the newest root. */
export interface CountedVoice {
  readonly witness: Did
  /** Monotonic time at which the question left. */
  readonly sentMs: number
  /** When it answered, by its own wall clock. */
  readonly timeMs: number
}

export interface LeaseInput {
  readonly terms: LeaseTerms
  readonly witnesses: readonly Did[]
  /** At most one of each witness. */
  readonly voices: readonly CountedVoice[]
  /** This node, if it is a witness that may speak now; null otherwise. */
  readonly self: Did | null
  /** The root's, or less: the node's own or a policy's bound. */
  readonly stalenessMs: number
  readonly monotonicMs: number
  readonly wallMs: number
  readonly clockOffsetMs: number | null
  readonly clockTrusted: boolean
}

type Quorum = Pick<LeaseTerms, 'read' | 'write' | 'faults'>

/** Write a majority, read what meets it: 1 1/1, 2 1/2, 3 2/2, 4 2/3, 5 3/3, none of them lying. */
export function defaultQuorum(witnesses: number): Quorum {
  const write = Math.floor(witnesses / 2) + 1
  return { read: witnesses - write + 1, write, faults: 0 }
}

/** Whether every lease meets every commit in an honest witness (Q6). */
export function quorumsIntersect({ read, write, faults }: Quorum, witnesses: number): boolean {
  const within = (size: number) => size >= 1 && size <= witnesses
  return within(read) && within(write) && faults >= 0 && read + write > witnesses + faults
}

/** Held until the last moment at which `read` voices are still fresh. That the quorums meet was checked when the root was accepted. */
export function leaseOf(input: LeaseInput): LeaseStatus {
  const { terms, witnesses, self, clockOffsetMs, clockTrusted, monotonicMs } = input
  const fresh = input.voices
    .filter(({ witness }) => witness !== self && witnesses.includes(witness))
    .map((voice) => ({ witness: voice.witness, untilMs: freshUntilMs(voice, input) }))
    .filter(({ untilMs }) => untilMs > monotonicMs)
  // A node's own word is always fresh to itself.
  if (self !== null) fresh.push({ witness: self, untilMs: monotonicMs + input.stalenessMs })
  const [need, of] = [terms.read, witnesses.length]
  const last = fresh.sort((a, b) => b.untilMs - a.untilMs)[need - 1]
  const names = fresh.map(({ witness }) => witness)
  const common = { witnesses: names, need, of, clockOffsetMs, clockTrusted }
  if (last !== undefined) return { ...common, held: true, untilMs: last.untilMs, why: null }
  const why = `${fresh.length} of ${need} witnesses confirmed this governance within ${input.stalenessMs / 1000} s`
  return { ...common, held: false, untilMs: 0, why }
}

/** Monotonic time from which a voice counts no more; 0 for one that never does. */
function freshUntilMs({ sentMs, timeMs }: CountedVoice, input: LeaseInput): number {
  const { terms, stalenessMs, monotonicMs, wallMs } = input
  // A date in the future: one of the two clocks is wrong, and nobody knows which (row 116).
  if (timeMs > wallMs + terms.skewMs) return 0
  const wallLeftMs = timeMs + stalenessMs + terms.skewMs - wallMs
  return Math.min(sentMs + stalenessMs, monotonicMs + wallLeftMs)
}
