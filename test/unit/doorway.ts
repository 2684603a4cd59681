/** A door in virtual time, with a disk, a judge and a world that a test turns as it likes. */
import type { RecordId } from '../../src/core/id.ts'
import { judge } from '../../src/core/judge.ts'
import type { Judgement } from '../../src/core/judgement.ts'
import type { Denial } from '../../src/core/reasons.ts'
import {
  type Appended,
  Authorizer,
  type AuthorizerPorts,
  type Call,
  type Decision,
} from '../../src/mesh/authorizer.ts'
import { Nonces } from '../../src/mesh/nonces.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Shelf } from './deciding.ts'
import { input } from './judgements.ts'

export const ALLOWED = judge(input())
export const REVOKED: Denial = { code: 'REVOKED', detail: 'meanwhile' }
export const MISSING = judge(input({ presented: { kind: 'missing', detail: 'none' } }))

/** One leaf, as far as order is concerned. */
export interface Leaf {
  readonly effect: string
  readonly supersedes: RecordId | null
  readonly unrecorded: number
}

export interface Door {
  readonly authorizer: Authorizer
  readonly clock: VirtualClock
  readonly shelf: Shelf
  readonly leaves: Leaf[]
  /** What happened, in order. */
  readonly trace: string[]
  judged: Judgement
  late: Denial | null
  leaseUntilMs: number | null
  /** Called with the number of the append; what it gives decides. */
  disk: (n: number) => Promise<void>
  /** Called when a record has to be witnessed. */
  witnesses: (ms: number) => Promise<boolean>
  call(opens?: boolean): Call
  decide(opens?: boolean): Promise<Decision>
}

export const works = () => Promise.resolve()
export const fails = () => Promise.reject(new Error('EIO'))

export async function door(over: Partial<AuthorizerPorts> = {}): Promise<Door> {
  const clock = new VirtualClock()
  const shelf = new Shelf()
  const nonces = await Nonces.open(shelf)
  const [leaves, trace]: [Leaf[], string[]] = [[], []]
  let appends = 0
  const ports: AuthorizerPorts = {
    clock,
    nonces,
    judge: (given) => {
      const { invocation } = made.judged
      if (invocation === null || !given.seen(invocation)) return made.judged
      return { ...made.judged, denial: { code: 'REPLAYED', detail: 'used' } }
    },
    append: async (draft, puts): Promise<Appended> => {
      await made.disk(++appends)
      const id: RecordId = `sha256:${leaves.length}`
      leaves.push(draft as typeof draft & Leaf)
      shelf.put(puts(id))
      trace.push(`durable ${draft['effect']}`)
      return { id, index: leaves.length - 1 }
    },
    next: () => ({ epoch: 1, index: 0 }),
    unwritable: () => null,
    witnessed: async ({ id }, ms) => {
      trace.push(`witnesses ${id}`)
      return made.witnesses(ms)
    },
    opening: (id) => [{ space: 'execution', key: id, value: new Uint8Array() }],
    closing: (id) => [{ space: 'execution', key: id, value: null }],
    opened: (id) => trace.push(`opened ${id}`),
    executionsFull: () => false,
    answered: (decision) => trace.push(`answer ${shown(decision)}`),
    missed: () => trace.push('missed'),
    ...over,
  }
  const made: Door = {
    authorizer: new Authorizer(ports),
    ...{ clock, shelf, leaves, trace },
    judged: ALLOWED,
    late: null,
    leaseUntilMs: 42_000,
    disk: works,
    witnesses: async () => true,
    call: (opens = false) => ({
      input: input(),
      receivedMs: clock.monotonicMs(),
      opens,
      owner: 'bob',
      recheck: () => {
        trace.push('recheck')
        return made.late
      },
      leaseUntilMs: () => made.leaseUntilMs,
      draft: (_, denial, supersedes, unrecorded) => ({
        effect: denial?.code ?? 'allow',
        supersedes,
        unrecorded,
      }),
    }),
    decide: (opens) => made.authorizer.decide(clock.monotonicMs(), () => made.call(opens)),
  }
  return made
}

export const shown = (decision: Decision) =>
  decision.effect === 'allow' ? 'allow' : decision.denial.code
