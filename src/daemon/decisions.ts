/**
 * Reading decisions back from the log: by id, or the latest of one caller,
 * which is a bounded look, newest first: a caller asks about what was just answered.
 */
import { idOf, type RecordId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import { parseCanonical } from '../core/json.ts'
import { DECISIONS_READ_MAX, DECISIONS_SEARCHED_MAX, RECORD_BYTES_MAX } from '../core/limits.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import { type LogRecord, parseRecord } from '../core/record.ts'

/** The log, as far as reading goes. */
export interface RecordSource {
  size(): number
  /** Records below it were pruned. */
  least(): number
  /** Re-hashed on the way. */
  records(first: number, count: number): Promise<readonly Uint8Array[]>
  /** The record of that id, however old; null for none. */
  find(id: RecordId): Promise<Uint8Array | null>
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
    if (found === null || (owner !== null && !owns(owner, found.record))) {
      throw new MeshError('NOT_FOUND', `no decision of this caller has the id \`${id}\``)
    }
    return found
  }

  /** The caller's latest. @throws MeshError NOT_FOUND */
  async last(owner: Caller, signal: AbortSignal): Promise<PastDecision> {
    const own = (bytes: Uint8Array) => {
      const past = read(bytes)
      return past !== null && owns(owner, past.record) ? past : null
    }
    const found = owner.identified ? await this.#search(own, signal) : null
    if (found === null) throw new MeshError('NOT_FOUND', 'no decision of this caller is recorded')
    return found
  }

  async #search(
    match: (bytes: Uint8Array) => PastDecision | null,
    signal: AbortSignal,
  ): Promise<PastDecision | null> {
    const size = this.#log.size()
    const least = Math.max(this.#log.least(), size - DECISIONS_SEARCHED_MAX)
    for (let end = size; end > least && !signal.aborted; end -= DECISIONS_READ_MAX) {
      const first = Math.max(least, end - DECISIONS_READ_MAX)
      const records = await this.#log.records(first, end - first)
      for (const bytes of records.toReversed()) {
        const found = match(bytes)
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
function owns(
  { identified, principal, uid, socket }: Caller,
  record: LogRecord<'decision'>,
): boolean {
  const { caller } = record
  if (!identified || !caller.identified) return false
  if (principal !== null || caller.principal !== null) return caller.principal === principal
  return uid === null ? caller.uid === null && caller.socket === socket : caller.uid === uid
}
