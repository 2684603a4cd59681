/**
 * Reading decisions back from the log: by id, or the latest of one caller,
 * which is a bounded look, newest first: a caller asks about what was just answered.
 */
import { isCommitment, openValue } from '../core/commitment.ts'
import { type Disclosed, discloseLeaf } from '../core/disclosure.ts'
import { idOf, type RecordId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import { parseCanonical } from '../core/json.ts'
import { DECISIONS_READ_MAX, DECISIONS_SEARCHED_MAX, RECORD_BYTES_MAX } from '../core/limits.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import { type LogRecord, parseRecord, type RecordedCaller, readRecord } from '../core/record.ts'
import { unlessPruned } from '../mesh/record-search.ts'

/** The log, as far as reading goes. */
export interface RecordSource {
  size(): number
  /** Records below it were pruned. */
  least(): number
  /** Re-hashed on the way. */
  records(first: number, count: number): Promise<readonly Uint8Array[]>
  /** The record of that id, however old; null for none. */
  find(id: RecordId): Promise<Uint8Array | null>
  /** What is disclosed of a record that commits to values. */
  disclosed(leaf: JsonObject): Promise<Disclosed>
}

export interface PastDecision {
  readonly id: RecordId
  readonly record: LogRecord<'decision'>
  /** The leaf, exactly. */
  readonly leaf: JsonObject
}

export class Decisions {
  readonly #log: RecordSource

  constructor(log: RecordSource) {
    this.#log = log
  }

  /** @param owner whose it must be; null for an administrator, who sees all. @throws MeshError NOT_FOUND */
  async find(id: RecordId, owner: Caller | null): Promise<PastDecision> {
    const bytes = await this.#log.find(id)
    const found = bytes === null ? null : read(bytes)
    // Somebody else's is not there, rather than forbidden: its existence is not this caller's to know.
    if (found === null || (owner !== null && !(await this.#owns(owner, found)))) {
      throw new MeshError('NOT_FOUND', `no decision of this caller has the id \`${id}\``, {
        hint: 'meshd audit list --type decision, for those of all callers',
      })
    }
    return found
  }

  /** The caller's latest. @throws MeshError NOT_FOUND */
  async last(owner: Caller, signal: AbortSignal): Promise<PastDecision> {
    const own = async (bytes: Uint8Array) => {
      const past = read(bytes)
      return past !== null && (await this.#owns(owner, past)) ? past : null
    }
    const found = owner.identified ? await this.#search(own, signal) : null
    if (found === null)
      throw new MeshError('NOT_FOUND', 'no decision of this caller is recorded', {
        hint: 'meshd audit list --type decision, for those of all callers',
      })
    return found
  }

  /** Whether a record is a decision of this caller. */
  async owned(bytes: Uint8Array, owner: Caller): Promise<boolean> {
    const found = read(bytes)
    return found !== null && (await this.#owns(owner, found))
  }

  /** Whether a decision of that id is there, and this caller's. */
  async has(id: RecordId, owner: Caller): Promise<boolean> {
    const bytes = await this.#log.find(id).catch(unlessPruned)
    return bytes !== null && (await this.owned(bytes, owner))
  }

  /** By who asked, as it is recorded or disclosed; of whom nothing is left nobody owns it. */
  async #owns(owner: Caller, { record, leaf }: PastDecision): Promise<boolean> {
    if (!isCommitment(record.caller)) return owns(owner, record.caller)
    const open = readRecord(discloseLeaf(leaf, await this.#log.disclosed(leaf)))
    const caller = open.type === 'decision' ? openValue(open.caller) : null
    return caller !== null && owns(owner, caller)
  }

  /** What is disclosed of one that was found. */
  disclosed({ leaf }: PastDecision): Promise<Disclosed> {
    return this.#log.disclosed(leaf)
  }

  async #search(
    match: (bytes: Uint8Array) => Promise<PastDecision | null>,
    signal: AbortSignal,
  ): Promise<PastDecision | null> {
    const size = this.#log.size()
    const least = Math.max(this.#log.least(), size - DECISIONS_SEARCHED_MAX)
    for (let end = size; end > least && !signal.aborted; end -= DECISIONS_READ_MAX) {
      const first = Math.max(least, end - DECISIONS_READ_MAX)
      const records = await this.#log.records(first, end - first)
      for (const bytes of records.toReversed()) {
        const found = await match(bytes)
        if (found !== null) return found
      }
    }
    return null
  }
}

function read(bytes: Uint8Array): PastDecision | null {
  const leaf = parseCanonical(bytes, RECORD_BYTES_MAX) as JsonObject
  if (leaf['type'] !== 'decision') return null
  const record = parseRecord(bytes)
  return record.type === 'decision' ? { id: idOf(bytes), record, leaf } : null
}

/** Who asked then is who asks now; one that the kernel does not know owns nothing. */
function owns({ identified, principal, uid, socket }: Caller, caller: RecordedCaller): boolean {
  if (!identified || !caller.identified) return false
  if (principal !== null || caller.principal !== null) return caller.principal === principal
  return uid === null ? caller.uid === null && caller.socket === socket : caller.uid === uid
}
