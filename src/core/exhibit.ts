/**
 * What a decision was asked with, kept beside its record for whoever judges it
 * again: the invocation, the links, the receipt that proved a cause, and the
 * disclosure of what the record only commits to. In the form of an entry bundle
 * (tile.ts), each with its length before it.
 *
 * The record names all of it by hashes, so none of it is in the tree, and it
 * may go before the record does. A link is left out that stands in an exhibit
 * of the same log a little before (mesh/exhibits.ts). Nothing is kept of an artifact that did not
 * verify: strangers do not fill the disk.
 */
import { type Delegation, parseDelegation } from './delegation.ts'
import { type Redactable, redact } from './disclosure.ts'
import { type Cid, cidOf, type RecordId } from './id.ts'
import { type Invocation, parseInvocation } from './invocation.ts'
import type { JsonObject } from './json.ts'
import type { JudgeInput, Judgement } from './judgement.ts'
import { RECORD_BYTES_MAX } from './limits.ts'
import { isReceipt } from './receipt.ts'
import type { LogRecord } from './record.ts'
import { formatBundle, parseBundle } from './tile.ts'

/** null where there is nothing to keep. @param known links that stand in an exhibit a little before this one */
export function exhibitOf(
  { presented, parent }: Pick<JudgeInput, 'presented' | 'parent'>,
  { coverage }: Pick<Judgement, 'coverage'>,
  known: ReadonlySet<Cid> = new Set(),
): Uint8Array | null {
  if (presented.kind !== 'artifact' || coverage.links.length === 0) return null
  const { invocation, links } = presented
  const receipt = parent?.kind === 'receipt' ? [parent.receipt] : []
  const unknown = links.filter(({ cid }) => !known.has(cid))
  const parts = [invocation.bytes, ...unknown.map(({ bytes }) => bytes), ...receipt]
  // One that is too long for the form is not kept, and its decision not judged again.
  return parts.every(({ length }) => length <= RECORD_BYTES_MAX) ? formatBundle(parts) : null
}

/** With the disclosure of its record, where there is one. */
export function withDisclosure(
  exhibit: Uint8Array | null,
  disclosure: Uint8Array | null,
): Uint8Array | null {
  if (disclosure === null) return exhibit
  return formatBundle([...(exhibit === null ? [] : parseBundle(exhibit)), disclosure])
}

export type ExhibitPart = Cid | 'receipt' | 'disclosure'

/** Its parts by what names them: tokens by their CID. @throws Malformed */
export function readExhibit(bytes: Uint8Array): ReadonlyMap<ExhibitPart, Uint8Array> {
  return new Map(parseBundle(bytes).map((part) => [nameOf(part), part]))
}

/** A disclosure is a JSON object, and no token begins as one does. */
const OPENING_BRACE = 0x7b

function nameOf(part: Uint8Array): ExhibitPart {
  if (part[0] === OPENING_BRACE) return 'disclosure'
  return isReceipt(part) ? 'receipt' : cidOf(part)
}

export interface RedactedExhibit {
  /** What is kept from now on; null for nothing. */
  readonly exhibit: Uint8Array | null
  /** Which values were given up. */
  readonly places: readonly string[]
}

/** Links stay, since others rest on them. null when nothing of this is disclosed. @throws Malformed */
export function redactExhibit(
  leaf: JsonObject,
  exhibit: Uint8Array,
  fields: readonly Redactable[],
): RedactedExhibit | null {
  const parts = new Map(readExhibit(exhibit))
  const disclosure = parts.get('disclosure')
  if (disclosure === undefined) return null
  const redacted = redact(leaf, disclosure, fields)
  if (redacted.places.length === 0) return null
  if (redacted.invocation) parts.delete(leaf['invocation'] as Cid)
  parts.delete('disclosure')
  if (redacted.disclosure !== null) parts.set('disclosure', redacted.disclosure)
  const left = [...parts.values()]
  return { exhibit: left.length === 0 ? null : formatBundle(left), places: redacted.places }
}

export interface Shown {
  readonly invocation: Invocation
  /** Root first. */
  readonly links: readonly Delegation[]
}

/** The execution that it descends from: named in the request, or signed in the invocation that came with it. */
export function causeOf(
  { request }: Pick<LogRecord<'decision'>, 'request'>,
  invocation: Invocation | null,
): RecordId | null {
  return request?.cause ?? invocation?.cause ?? null
}

/** Whether its lineage did not hold: then what it had may be no proof. */
export function isBroken({ checks }: LogRecord<'decision'>): boolean {
  return checks.some(({ code }) => code === 'LINEAGE_BROKEN')
}

/** The artifact of a decision. @param tokenOf what has that CID, or null. Gives null when one of them is missing. @throws Malformed */
export function artifactShown(
  { invocation, links }: LogRecord<'decision'>,
  tokenOf: (cid: Cid) => Uint8Array | null,
): Shown | null {
  if (invocation === null) return null
  const [closing, ...tokens] = [invocation, ...links].map(tokenOf)
  if (closing === undefined || closing === null || tokens.length === 0) return null
  const found = tokens.filter((token) => token !== null)
  if (found.length < tokens.length) return null
  return { invocation: parseInvocation(closing), links: found.map(parseDelegation) }
}
