/**
 * Replay: decisions judged again, from what an evidence bundle holds and
 * nothing else. The order in which the log tells of statements gives the
 * governance of each moment; its digest, which every decision names, says
 * whether it is the right one. The same code judges, with the same policies.
 *
 *     statement records ── fold ── digest ─┐
 *     request, facts, lease, caller ───────┼── judge ── the same checks, codes and policies?
 *     tokens ──────────────────────────────┘
 *
 * What was measured is taken from the record, and from what is disclosed of it:
 * facts, the lease, whether a nonce had been seen. What cannot be judged again is counted and named, and
 * is never taken for the same.
 */
import type { Files } from '../evidence-bundle.ts'
import { Fold, type KnownStatement } from '../fold.ts'
import type { Governance } from '../governance.ts'
import { idOf, type RecordId, type StatementId } from '../id.ts'
import { judge } from '../judge.ts'
import { RECORD_ARRIVING_MAX, REPLAY_DIFFERENCES_MAX, REPLAY_GOVERNANCES_MAX } from '../limits.ts'
import type { PolicyEngine } from '../policy.ts'
import type { LogRecord } from '../record.ts'
import { isStop, type Stop, under } from '../stops.ts'
import type { EvidenceBundle } from './evidence-bundle.ts'
import { disclosuresIn, openRecord, recordsIn } from './records.ts'
import { differenceOf, inputOf, type Unjudgeable } from './rejudge.ts'

interface Difference {
  readonly index: number
  readonly id: RecordId
  /** What was recorded, and what is found now. */
  readonly detail: string
}

export interface Replay {
  /** Decisions that were judged again. */
  readonly judged: number
  readonly same: number
  /** The first of them. */
  readonly differing: readonly Difference[]
  /** Why others were not, and how many. */
  readonly notJudged: ReadonlyMap<Unjudgeable, number>
}

interface Held {
  readonly id: RecordId
  readonly record: LogRecord<'decision'>
}

/** @throws Malformed when a record or token is not what it was */
export function replay(files: Files, bundle: EvidenceBundle, engine: PolicyEngine): Replay {
  const run = new Run(files, bundle, engine)
  const present = new Set(files.names)
  for (const read of recordsIn(files, bundle.head.checkpoint, bundle.manifest)) {
    const { bytes, index } = read
    const { said } = disclosuresIn(files, present, index, bytes)
    const record = said.size === 0 ? read.record : openRecord(bytes, said)
    if (record.type === 'decision') run.decision({ id: idOf(bytes), record })
    else if (record.type === 'statement' && record.state !== 'pending')
      run.learned([record.statement, ...record.changed])
  }
  return run.end()
}

class Run {
  readonly #files: Files
  readonly #present: ReadonlySet<string>
  readonly #bundle: EvidenceBundle
  readonly #engine: PolicyEngine
  readonly #fold: Fold
  /** The newest ones by their digest: a record may come a little before or after the statement that it rests on. */
  readonly #governances = new Map<string, Governance>()
  /** Decisions under a governance that was not reached yet, by its digest. */
  readonly #waiting = new Map<string, Held[]>()
  readonly #differing: Difference[] = []
  readonly #notJudged = new Map<Unjudgeable, number>()
  #judged = 0
  #same = 0
  #loaded: Governance['bundles'] | null = null

  constructor(files: Files, bundle: EvidenceBundle, engine: PolicyEngine) {
    this.#files = files
    this.#present = new Set(files.names)
    this.#bundle = bundle
    this.#engine = engine
    const { authority, records } = bundle
    const pins = authority.governance.roots.map(({ id }) => id)
    this.#fold = new Fold(authority.mesh, pins)
    if (bundle.head.epoch === 1 && bundle.manifest.first === 0) return
    // The log is not told from the beginning. What no record names was known before it began, or
    // learned after it ended; the digests will tell.
    const begin = records.firstMs ?? 0
    const before = [...authority.statements.values()].filter(
      ({ statement }) =>
        !records.learned.has(statement.id) &&
        'issuedMs' in statement &&
        statement.issuedMs <= begin,
    )
    this.learned(before.map(({ statement }) => statement.id))
  }

  learned(ids: readonly StatementId[]): void {
    for (const id of ids) {
      const known = this.#bundle.authority.statements.get(id)
      if (known !== undefined && this.#fold.get(id) === null) this.#put(known)
    }
  }

  #put(known: KnownStatement): void {
    this.#fold.put(known)
    const { governance } = this.#fold
    const { digest } = governance
    this.#governances.set(digest, governance)
    const [oldest] = this.#governances.keys()
    if (this.#governances.size > REPLAY_GOVERNANCES_MAX && oldest !== undefined)
      this.#governances.delete(oldest)
    const waiting = this.#waiting.get(digest) ?? []
    this.#waiting.delete(digest)
    for (const held of waiting) this.#judge(held, governance)
  }

  decision(held: Held): void {
    const { digest } = held.record.governance
    const governance = this.#governances.get(digest)
    if (governance !== undefined) this.#judge(held, governance)
    else this.#waiting.set(digest, [...(this.#waiting.get(digest) ?? []), held])
  }

  #judge({ id, record }: Held, governance: Governance): void {
    if (governance.bundles !== this.#loaded) this.#load(governance)
    const enforced = this.#enforced(governance, record.governance.arriving ?? [])
    if (enforced === null) {
      this.#leave('governance', 1)
      return
    }
    const { authority } = this.#bundle
    const world = {
      ...{ files: this.#files, present: this.#present },
      ...{ governance: enforced, authority, engine: this.#engine },
    }
    const input = inputOf(record, record.judged ?? record.time, world)
    if (typeof input === 'string') {
      this.#leave(input, 1)
      return
    }
    this.#judged += 1
    const detail = differenceOf(record, input, judge(input))
    if (detail === null) this.#same += 1
    else if (this.#differing.length < REPLAY_DIFFERENCES_MAX)
      this.#differing.push({ index: record.index, id, detail })
  }

  /** What stopped on its way to the disk stops here; null when not all of it is here. */
  #enforced(governance: Governance, arriving: readonly StatementId[]): Governance | null {
    if (arriving.length === 0) return governance
    const stops = arriving
      .map((id) => this.#bundle.authority.statements.get(id)?.statement)
      .filter((one): one is Stop => one !== undefined && isStop(one))
    const whole = stops.length === arriving.length && arriving.length < RECORD_ARRIVING_MAX
    return whole ? under(governance, stops) : null
  }

  #load({ bundles }: Governance): void {
    const all = [...bundles.values()]
    this.#engine.load(
      all.flatMap(({ inForce }) => inForce ?? []),
      all.flatMap(({ observed }) => observed ?? []),
    )
    this.#loaded = bundles
  }

  #leave(why: Unjudgeable, count: number): void {
    this.#notJudged.set(why, (this.#notJudged.get(why) ?? 0) + count)
  }

  end(): Replay {
    for (const held of this.#waiting.values()) this.#leave('governance', held.length)
    return {
      judged: this.#judged,
      same: this.#same,
      differing: this.#differing,
      notJudged: this.#notJudged,
    }
  }
}
