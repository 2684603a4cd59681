/**
 * What a record commits to without saying it, and where it is said: the
 * disclosure, which is kept beside the record and is in no tree. While it is
 * there the value is shown, and checked; once it was given up, the record says
 * what it always said, its id and its proofs are the same, and the value is
 * nowhere.
 *
 *     leaf         {…,"request":{"args":{"sha256":"9c0e…"},…},"texts":{"sha256":"41d7…"}}
 *     disclosure   {"request.args":{"salt":"<base64>","value":{…}},"texts":{"salt":"<base64>","value":{…}}}
 *
 * What would give a value away goes with it: the words of the checks, which
 * quote what was asked (`texts`), the digest of the request, which is salted
 * with nothing, and the invocation, which holds arguments, resource and subject.
 */
import { toBase64, utf8 } from './bytes.ts'
import { type Commitment, commitment, commitTo, isCommitment, SALT_BYTES } from './commitment.ts'
import { formatJson, type Json, type JsonObject, parseCanonical } from './json.ts'
import { RECORD_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import * as shape from './shape.ts'

/** What the configuration may name; a closed set. */
export const REDACTABLE = ['args', 'claims', 'subject', 'resource', 'caller'] as const
export type Redactable = (typeof REDACTABLE)[number]

/** Where each stands in a record. Of a caller that is what it said of itself, and what was measured of it. */
const PLACES_OF: Readonly<Record<Redactable, readonly string[]>> = {
  args: ['request.args'],
  claims: ['request.claims'],
  subject: ['request.subject'],
  resource: ['request.resource'],
  caller: ['caller', 'facts'],
}
const TEXTS = 'texts'
const DIGEST = 'request.digest'
const PLACES: readonly string[] = [...Object.values(PLACES_OF).flat(), DIGEST, TEXTS]
/** What an invocation says, too. */
const IN_INVOCATION: readonly Redactable[] = ['args', 'subject', 'resource']

/** What is disclosed of a record, by place. */
export type Disclosed = ReadonlyMap<string, Json>
export const NOTHING_DISCLOSED: Disclosed = new Map()

interface Opening {
  readonly salt: Uint8Array
  readonly value: Json
}

const openings = shape.map(
  shape.object({ salt: shape.base64, value: shape.any }) satisfies shape.Reader<Opening>,
  PLACES.length,
)

export interface CommittedDraft {
  readonly draft: JsonObject
  /** null where there is nothing to disclose. */
  readonly disclosure: Uint8Array | null
}

/** A draft with commitments in the places of these values. @param salt SALT_BYTES of chance, each time others */
export function commitDraft(
  draft: JsonObject,
  fields: readonly Redactable[],
  salt: () => Uint8Array,
): CommittedDraft {
  const made = new Map<string, Opening>()
  let committed = draft
  for (const place of placesIn(draft, fields)) {
    const opening = { salt: salt(), value: valueAt(draft, place) }
    made.set(place, opening)
    committed = withAt(committed, place, { ...commitTo(place, opening.salt, opening.value) })
  }
  return { draft: committed, disclosure: formatDisclosure(made) }
}

/** Of a decision all that is named, with what would give it away; of other records who asked. */
function placesIn(draft: JsonObject, fields: readonly Redactable[]): readonly string[] {
  const places = fields.flatMap((field) => PLACES_OF[field])
  if (places.length === 0) return []
  if (draft['type'] !== 'decision')
    return places.filter((place) => place === 'caller' && place in draft)
  const asked = isObject(draft['request'])
  const there = places.filter((place) => asked || !place.startsWith('request.'))
  const digest = there.some((place) => place.startsWith('request.')) ? [DIGEST] : []
  return [...there, ...digest, TEXTS]
}

/** null for nothing. */
function formatDisclosure(made: ReadonlyMap<string, Opening>): Uint8Array | null {
  if (made.size === 0) return null
  const fields = [...made].map(([place, { salt, value }]) => [
    place,
    { salt: toBase64(salt), value },
  ])
  return utf8(formatJson(Object.fromEntries(fields) as JsonObject))
}

/** The places in which a record commits to a value without saying it. */
export function committedIn(leaf: JsonObject): readonly string[] {
  return PLACES.filter((place) => commitmentAt(leaf, place) !== null)
}

/** Each value is the one that the record commits to there. @throws Malformed for any other byte */
export function parseDisclosure(leaf: JsonObject, bytes: Uint8Array): Disclosed {
  const values = new Map<string, Json>()
  for (const [place, { value }] of openingsIn(leaf, bytes)) values.set(place, value)
  return values
}

function openingsIn(leaf: JsonObject, bytes: Uint8Array): ReadonlyMap<string, Opening> {
  const made = openings(parseCanonical(bytes, RECORD_BYTES_MAX), 'disclosure')
  for (const [place, { salt, value }] of made) {
    const committed = commitmentAt(leaf, place)
    if (committed === null) throw new Malformed(`the record commits to nothing at \`${place}\``)
    if (salt.length !== SALT_BYTES || commitTo(place, salt, value).sha256 !== committed.sha256)
      throw new Malformed(`\`${place}\` is not what the record commits to`)
  }
  return made
}

/** The record as it was before; what is not disclosed stays a commitment. */
export function discloseLeaf(leaf: JsonObject, disclosed: Disclosed): JsonObject {
  let open = leaf
  for (const [place, value] of disclosed) open = withAt(open, place, value)
  return open
}

export interface Redacted {
  /** What is left to disclose; null for nothing. */
  readonly disclosure: Uint8Array | null
  /** Which were given up now. */
  readonly places: readonly string[]
  /** Whether the invocation says some of it, and goes too. */
  readonly invocation: boolean
}

/** Gives up what is disclosed of these, and what would give it away. @throws Malformed for what is no disclosure of it */
export function redact(
  leaf: JsonObject,
  bytes: Uint8Array,
  fields: readonly Redactable[],
): Redacted {
  const made = openingsIn(leaf, bytes)
  const named = fields.filter((field) => PLACES_OF[field].some((place) => made.has(place)))
  const places = named.flatMap((field) => PLACES_OF[field])
  const asked = places.some((place) => place.startsWith('request.'))
  const gone = [...places, ...(asked ? [DIGEST] : []), ...(places.length > 0 ? [TEXTS] : [])]
  const left = new Map([...made].filter(([place]) => !gone.includes(place)))
  return {
    disclosure: formatDisclosure(left),
    places: [...made.keys()].filter((place) => gone.includes(place)),
    invocation: named.some((field) => IN_INVOCATION.includes(field)),
  }
}

/** Whether the invocation of a record says something that the record itself does not. */
export function invocationTells(leaf: JsonObject): boolean {
  const committed = committedIn(leaf)
  return IN_INVOCATION.some((field) => PLACES_OF[field].some((place) => committed.includes(place)))
}

function commitmentAt(leaf: JsonObject, place: string): Commitment | null {
  const [first = '', second] = place.split('.')
  const outer = leaf[first]
  const value = second === undefined ? outer : isObject(outer) ? outer[second] : undefined
  return PLACES.includes(place) && isCommitment(value) ? commitment(value as Json, place) : null
}

function valueAt(leaf: JsonObject, place: string): Json {
  if (place === TEXTS) return textsOf(leaf)
  const [first = '', second] = place.split('.')
  const outer = leaf[first] ?? null
  return second === undefined ? outer : ((isObject(outer) ? outer[second] : null) ?? null)
}

function withAt(leaf: JsonObject, place: string, value: Json): JsonObject {
  if (place === TEXTS) return withTexts(leaf, value)
  const [first = '', second] = place.split('.')
  if (second === undefined) return { ...leaf, [first]: value }
  return { ...leaf, [first]: { ...(leaf[first] as JsonObject), [second]: value } }
}

/** All words of a decision that may quote what was asked; codes and numbers are not among them. */
function textsOf({ checks, detail, hint }: JsonObject): Json {
  return {
    checks: rowsOf(checks).map((row) => row['detail'] ?? ''),
    detail: detail ?? null,
    hint: hint ?? null,
  }
}

/** Back into their places, or out of them. */
function withTexts(leaf: JsonObject, texts: Json): JsonObject {
  const rows = rowsOf(leaf['checks'])
  if (isCommitment(texts)) {
    const checks = rows.map((row) => ({ ...row, detail: '' }))
    return { ...leaf, checks, detail: null, hint: null, texts: { ...texts } }
  }
  const { checks, detail, hint } = isObject(texts) ? texts : {}
  const words = Array.isArray(checks) ? (checks as readonly Json[]) : []
  const { texts: _, ...others } = leaf
  return {
    ...others,
    checks: rows.map((row, i) => ({ ...row, detail: words[i] ?? '' })),
    detail: detail ?? null,
    hint: hint ?? null,
  }
}

function rowsOf(checks: Json | undefined): readonly JsonObject[] {
  return Array.isArray(checks) ? (checks as readonly JsonObject[]) : []
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
