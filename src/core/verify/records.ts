/**
 * The records of an evidence bundle: all of a log in its entry bundles, or
 * those of a case one by one. Each hashes to its leaf and stands where it says;
 * each value that it shows is the one it committed to.
 */
import { equalBytes, utf8 } from '../bytes.ts'
import { isCommitment } from '../commitment.ts'
import {
  committedIn,
  type Disclosed,
  discloseLeaf,
  NOTHING_DISCLOSED,
  parseDisclosure,
} from '../disclosure.ts'
import {
  DISCLOSURES,
  disclosureName,
  type Files,
  type Manifest,
  recordName,
} from '../evidence-bundle.ts'
import { type Cid, type StatementId, sha256Hex } from '../id.ts'
import { formatJson } from '../json.ts'
import type { Did } from '../keys.ts'
import { Malformed } from '../malformed.ts'
import { leafHash } from '../merkle.ts'
import { type Committed, type LogRecord, parseRecord, readRecord } from '../record.ts'
import { leafOf } from '../terms.ts'
import { parseBundle, placePath, TILE_WIDTH, type TilePlace, tilesOf } from '../tile.ts'
import { tileIn } from './tree.ts'

/** Which log, and how much of it. */
export interface LogPlace {
  readonly node: Did
  readonly epoch: number
  readonly size: number
}

export interface RecordSummary {
  /** How many can be read. */
  readonly count: number
  readonly decisions: number
  /** Time of the first one; null for none. */
  readonly firstMs: number | null
  /** Statements that they name as learned, pending ones left out. */
  readonly learned: ReadonlySet<StatementId>
  /** Tokens that decisions name. */
  readonly tokens: ReadonlySet<Cid>
  /** Values that stand as their digests alone. */
  readonly withheld: number
  /** Values that records commit to without saying them, and which are disclosed here, each checked. */
  readonly disclosed: number
  /** Those that are not. */
  readonly redacted: number
}

export interface Read {
  readonly index: number
  readonly bytes: Uint8Array
  readonly record: LogRecord
}

/** All of them, each looked at. @throws Malformed */
export function checkRecords(files: Files, log: LogPlace, manifest: Manifest): RecordSummary {
  checkNames(files, log.size, manifest)
  const learned = new Set<StatementId>()
  const tokens = new Set<Cid>()
  let [count, decisions, withheld, disclosed, redacted] = [0, 0, 0, 0, 0]
  let firstMs: number | null = null
  const disclosures = new Set(files.names.filter((name) => name.startsWith(DISCLOSURES)))
  for (const { index, bytes, record: committed } of recordsIn(files, log, manifest)) {
    checkPlace(committed, log, index)
    const values = disclosuresIn(files, disclosures, index, bytes)
    const record = values.said.size === 0 ? committed : openRecord(bytes, values.said)
    disclosures.delete(disclosureName(index))
    disclosed += values.said.size
    redacted += values.committed - values.said.size
    count += 1
    firstMs ??= record.time
    if (record.type === 'statement' && record.state !== 'pending') learned.add(record.statement)
    if (record.type !== 'decision') continue
    decisions += 1
    for (const cid of [...record.links, record.invocation]) if (cid !== null) tokens.add(cid)
    const { request, facts } = record
    const shownOnes = request === null ? [facts] : [request.args, request.claims, facts]
    withheld += shownOnes.filter((each) => !isCommitment(each) && !shown(each, index)).length
  }
  for (const name of disclosures) throw new Malformed(`${name} discloses no record that is here`)
  return { count, decisions, firstMs, learned, tokens, withheld, disclosed, redacted }
}

/** What is disclosed of a record, each value checked; and how many it commits to. @throws Malformed */
export function disclosuresIn(
  files: Files,
  present: ReadonlySet<string>,
  index: number,
  bytes: Uint8Array,
): { readonly said: Disclosed; readonly committed: number } {
  const leaf = leafOf(bytes)
  const committed = committedIn(leaf).length
  const name = disclosureName(index)
  if (!present.has(name)) return { said: NOTHING_DISCLOSED, committed }
  try {
    return { said: parseDisclosure(leaf, files.read(name)), committed }
  } catch (error) {
    // The same failure, with its place.
    if (error instanceof Malformed) throw new Malformed(`${name}: ${error.message}`)
    throw error
  }
}

/** A record with what is disclosed of it. @throws Malformed */
export function openRecord(bytes: Uint8Array, disclosed: Disclosed): LogRecord {
  return readRecord(discloseLeaf(leafOf(bytes), disclosed))
}

/** In the order of the log; leaves are compared here, and with the checkpoint in tree.ts. @throws Malformed */
export function* recordsIn(
  files: Files,
  { size }: Pick<LogPlace, 'size'>,
  manifest: Manifest,
): Generator<Read> {
  const present = new Set(files.names)
  for (const place of tilesOf(size)) {
    if (place.level !== 0) continue
    const leaves = tileIn(files, place)
    for (const [i, bytes] of bodiesOf(files, place, manifest, present)) {
      const index = place.n * TILE_WIDTH + i
      const leaf = leaves[i]
      if (leaf === undefined || !equalBytes(leafHash(bytes), leaf))
        throw new Malformed(`record ${index} is not the one that the log holds`)
      yield { index, bytes, record: parseRecord(bytes) }
    }
  }
}

/** A record says where it stands; a log that holds it elsewhere is none that meshd wrote. @throws Malformed */
export function checkPlace(
  record: LogRecord,
  { node, epoch }: Pick<LogPlace, 'node' | 'epoch'>,
  index: number,
): void {
  if (record.node !== node || record.epoch !== epoch || record.index !== index)
    throw new Malformed(`record ${index} says that it stands elsewhere`)
}

/** Of one tile, by their place in it. */
function* bodiesOf(
  files: Files,
  place: TilePlace,
  { of, first: from }: Manifest,
  present: ReadonlySet<string>,
): Generator<readonly [i: number, bytes: Uint8Array]> {
  const first = place.n * TILE_WIDTH
  if (of === null) {
    if (first < from) return
    const path = placePath({ ...place, level: null })
    const records = parseBundle(files.read(path))
    if (records.length !== place.width) throw new Malformed(`${path} has another width`)
    yield* records.entries()
    return
  }
  for (let i = 0; i < place.width; i += 1) {
    const name = recordName(first + i)
    if (present.has(name)) yield [i, files.read(name)]
  }
}

/** Nothing stands among tiles and records that is not looked at. */
function checkNames(files: Files, size: number, { of, first }: Manifest): void {
  if (first % TILE_WIDTH !== 0 || first > size) throw new Malformed('the log begins within a tile')
  const tiles = new Set<string>()
  for (const place of tilesOf(size)) {
    const pruned = place.level === null && (of !== null || place.n * TILE_WIDTH < first)
    if (!pruned) tiles.add(placePath(place))
  }
  for (const name of files.names) {
    const index = Number(name.slice('records/'.length))
    const record = of !== null && recordName(index) === name && index < size
    if (/^(?:tile|records)\//.test(name) && !tiles.has(name) && !record)
      throw new Malformed(`${name} has no place in this log`)
  }
}

/** Whether the value is there. @throws Malformed when it is another one than was committed to */
function shown({ digest, value }: Committed, index: number): boolean {
  if (value === undefined) return false
  if (sha256Hex(utf8(formatJson(value))) !== digest)
    throw new Malformed(`a value in record ${index} is not the one it commits to`)
  return true
}
