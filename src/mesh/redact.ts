/**
 * Giving up what is disclosed of records, and nothing that proves: the records
 * stay as they are, with their commitments, and so do tree, proofs and receipts.
 *
 *     beside each record   exhibit ── disclosure, and the invocation that says it too
 *     in one batch         the record that tells of it, who and why
 *
 * Every record is looked at: a principal may stand in what is committed to,
 * where no index finds it.
 */
import {
  committedIn,
  discloseLeaf,
  parseDisclosure,
  REDACTABLE,
  type Redactable,
} from '../core/disclosure.ts'
import { type RedactedExhibit, readExhibit, redactExhibit } from '../core/exhibit.ts'
import type { RecordId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { READ_RECORDS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { formatDraft } from '../core/record.ts'
import { formatTerm, leafOf, termsOf } from '../core/terms.ts'
import type { Log } from './log.ts'
import type { LogReader } from './log-reader.ts'
import type { Exhibit } from './ports.ts'

/** Which records; null does not ask. */
export interface Redaction {
  readonly record: RecordId | null
  readonly principal: Did | null
  readonly beforeMs: number | null
  /** Empty for all that is disclosed. */
  readonly fields: readonly Redactable[]
}

export interface RedactionSum {
  readonly records: number
  readonly values: number
}

export interface RedactPorts {
  readonly log: Pick<Log, 'append' | 'epoch'>
  readonly reader: Pick<LogReader, 'least' | 'size' | 'range' | 'exhibits' | 'find'>
}

interface Page {
  readonly exhibits: readonly Exhibit[]
  readonly places: readonly string[]
}

/**
 * @param why said in the log, with who; null to count what would go, and change nothing
 * @throws MeshError NOT_READY when the log takes nothing: what it told of is done, and the rest is not
 */
export async function redactRecords(
  ports: RedactPorts,
  wanted: Redaction,
  why: string | null,
): Promise<RedactionSum> {
  const { log, reader } = ports
  const [first, end] = await extentOf(ports, wanted)
  let [records, values] = [0, 0]
  for (let at = first; at < end; at += READ_RECORDS) {
    const { epoch } = log
    const found = await pageOf(reader, wanted, epoch, at, Math.min(READ_RECORDS, end - at))
    if (found.exhibits.length === 0) continue
    records += found.exhibits.length
    values += found.places.length
    if (why === null) continue
    await log.append(told(found, epoch, why), () => [], null, found.exhibits)
  }
  return { records, values }
}

async function extentOf(
  { reader }: RedactPorts,
  { record }: Redaction,
): Promise<readonly [number, number]> {
  if (record === null) return [reader.least, reader.size]
  const found = await reader.find(record)
  return found === null ? [0, 0] : [found.index, found.index + 1]
}

async function pageOf(
  reader: RedactPorts['reader'],
  wanted: Redaction,
  epoch: number,
  first: number,
  count: number,
): Promise<Page> {
  const records = await reader.range(first, count)
  const kept = await reader.exhibits(first, count)
  const exhibits: Exhibit[] = []
  const places: string[] = []
  for (const { index, bytes } of records) {
    const exhibit = kept[index - first] ?? null
    const leaf = leafOf(bytes)
    if (exhibit === null || committedIn(leaf).length === 0 || !inTime(wanted, leaf)) continue
    const redacted = redactedOf(wanted, leaf, exhibit)
    if (redacted === null) continue
    exhibits.push({ epoch, index, bytes: redacted.exhibit })
    places.push(...redacted.places)
  }
  return { exhibits, places }
}

function inTime({ beforeMs }: Redaction, leaf: JsonObject): boolean {
  return beforeMs === null || Date.parse(String(leaf['time'])) < beforeMs
}

/** null when nothing of this record goes. */
function redactedOf(
  { principal, fields }: Redaction,
  leaf: JsonObject,
  exhibit: Uint8Array,
): RedactedExhibit | null {
  const names = (of: JsonObject) =>
    principal === null || termsOf(of).includes(formatTerm('principal', principal))
  try {
    const disclosure = readExhibit(exhibit).get('disclosure')
    if (disclosure === undefined) return null
    if (!names(discloseLeaf(leaf, parseDisclosure(leaf, disclosure)))) return null
    return redactExhibit(leaf, exhibit, fields.length === 0 ? REDACTABLE : fields)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // The disk changed it: it discloses nothing any more, and may still say something.
    return names(leaf) ? { exhibit: null, places: ['a damaged disclosure'] } : null
  }
}

function told({ exhibits, places }: Page, epoch: number, why: string): JsonObject {
  const indexes = exhibits.map(({ index }) => index)
  const [first, last] = [Math.min(...indexes), Math.max(...indexes)]
  const of = first === last ? `record ${first}` : `${indexes.length} of records ${first} to ${last}`
  const which = [...new Set(places)].sort().join(', ')
  const detail = `${which} in ${of} of epoch ${epoch}; ${why}`
  return formatDraft<'system'>({ type: 'system', event: 'redacted', detail })
}
