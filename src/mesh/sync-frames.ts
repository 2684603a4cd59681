/**
 * The frames of `/meshd/sync/1`: one line of RFC 8785 JSON, then blobs, each
 * after its length in four bytes, most significant first. Parsing is the exact
 * inverse of formatting, and everything else is malformed.
 *
 *     {"ask":"fetch","ids":["sha256:0a77…"]}⏎
 *     {"missing":[],"say":"statements"}⏎ 00 00 02 9f {"payload":"…
 *
 * Blobs are envelopes, address records, or parts of a tree (sync-parts.ts).
 */
import { concat, utf8 } from '../core/bytes.ts'
import type { StatementId } from '../core/id.ts'
import { formatJson, type JsonObject, parseCanonical } from '../core/json.ts'
import { PEERS_MAX, SYNC_FRAME_BYTES_MAX, SYNC_IDS_MAX, SYNC_PREFIXES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { flag, hash, id, integer, list, literal, object, type Reader } from '../core/shape.ts'
import {
  fourBytes,
  numberOf,
  type Part,
  packPart,
  type TreeName,
  unpackPart,
} from './sync-parts.ts'

/** What one side holds, in a few hashes. */
export type Summary = {
  readonly mesh: StatementId
  /** The newest root's version; 0 while none is known. */
  readonly root: number
  /** The governance digest, 64 hex digits like the three hashes below. */
  readonly digest: string
  readonly envelopes: string
  readonly waiting: string
  readonly addresses: string
}

export type SyncRequest =
  | { readonly ask: 'compare'; readonly summary: Summary }
  /** Nodes are wanted divided, lists whole. */
  | {
      readonly ask: 'walk'
      readonly tree: TreeName
      readonly nodes: readonly string[]
      readonly lists: readonly string[]
    }
  /** Envelopes of the roots of this version and later ones. */
  | { readonly ask: 'roots'; readonly from: number }
  | { readonly ask: 'fetch'; readonly ids: readonly StatementId[] }
  | { readonly ask: 'push'; readonly blobs: readonly Uint8Array[] }
  /** Hashes of the address records held here, and records that the other side wanted. */
  | {
      readonly ask: 'addresses'
      readonly have: readonly string[]
      readonly blobs: readonly Uint8Array[]
    }

export type SyncAnswer =
  /** With the top of each tree whose hash differs from the asker's. */
  | { readonly say: 'summary'; readonly summary: Summary; readonly tops: readonly Top[] }
  /** In the order asked, as many as fit: at least one. */
  | { readonly say: 'walk'; readonly parts: readonly Part[] }
  | { readonly say: 'roots'; readonly more: boolean; readonly blobs: readonly Uint8Array[] }
  /** In the order asked, as many as fit; missing are those of them that are not held here. */
  | {
      readonly say: 'statements'
      readonly missing: readonly StatementId[]
      readonly blobs: readonly Uint8Array[]
    }
  /** How many of the pushed ones, from the first on, are durable here now. */
  | { readonly say: 'held'; readonly held: number }
  | {
      readonly say: 'addresses'
      readonly want: readonly string[]
      readonly blobs: readonly Uint8Array[]
    }

interface Top {
  readonly tree: TreeName
  readonly part: Part
}

const TREE: Reader<TreeName> = literal('envelopes', 'waiting')
const PREFIX: Reader<string> = (value, at) => {
  if (typeof value !== 'string' || !/^[0-9a-f]{0,63}$/.test(value))
    throw new Malformed(`${at}: expected a prefix`)
  return value
}
const SUMMARY: Reader<Summary> = object({
  mesh: id,
  root: integer(0, Number.MAX_SAFE_INTEGER),
  digest: hash,
  envelopes: hash,
  waiting: hash,
  addresses: hash,
})
const AS = literal('node', 'list')
const HASHES = list(hash, PEERS_MAX)
const IDS = list(id, SYNC_IDS_MAX)
const PREFIXES = list(PREFIX, SYNC_PREFIXES_MAX)
const VERSION = integer(0, Number.MAX_SAFE_INTEGER)
const PLACE = object({ as: AS, prefix: PREFIX })
type Place = ReturnType<typeof PLACE>

const COMPARE = object({ ask: literal('compare'), summary: SUMMARY })
const WALK = object({ ask: literal('walk'), tree: TREE, nodes: PREFIXES, lists: PREFIXES })
const ROOTS = object({ ask: literal('roots'), from: VERSION })
const FETCH = object({ ask: literal('fetch'), ids: IDS })
const PUSH = object({ ask: literal('push') })
const ADDRESSES = object({ ask: literal('addresses'), have: HASHES })

const TOPS = list(object({ as: AS, tree: TREE }), 2)
const SUMMARY_SAID = object({ say: literal('summary'), summary: SUMMARY, tops: TOPS })
const WALKED = object({ say: literal('walk'), parts: list(PLACE, 2 * SYNC_PREFIXES_MAX) })
const ROOTS_SAID = object({ say: literal('roots'), more: flag })
const STATEMENTS = object({ say: literal('statements'), missing: IDS })
const HELD = object({ say: literal('held'), held: integer(0, SYNC_IDS_MAX) })
const ADDRESSES_SAID = object({ say: literal('addresses'), want: HASHES })

export function formatSyncRequest(request: SyncRequest): Uint8Array {
  if (!('blobs' in request)) return formatFrame(request, [])
  const { blobs, ...header } = request
  return formatFrame(header, blobs)
}

/** @throws Malformed */
export function parseSyncRequest(bytes: Uint8Array): SyncRequest {
  const { header, blobs } = parseFrame(bytes)
  switch (header['ask']) {
    case 'compare':
      return alone(COMPARE(header, 'compare'), blobs)
    case 'walk':
      return alone(WALK(header, 'walk'), blobs)
    case 'roots':
      return alone(ROOTS(header, 'roots'), blobs)
    case 'fetch':
      return alone(FETCH(header, 'fetch'), blobs)
    case 'push':
      return { ...PUSH(header, 'push'), blobs: atMost(SYNC_IDS_MAX, blobs) }
    case 'addresses':
      return { ...ADDRESSES(header, 'addresses'), blobs: atMost(PEERS_MAX, blobs) }
    default:
      throw new Malformed('the frame asks nothing that is known')
  }
}

export function formatSyncAnswer(answer: SyncAnswer): Uint8Array {
  switch (answer.say) {
    case 'summary': {
      const tops = answer.tops.map(({ tree, part }) => ({ as: part.as, tree }))
      return formatFrame(
        { ...answer, tops },
        answer.tops.map(({ part }) => packPart(part)),
      )
    }
    case 'walk': {
      const parts = answer.parts.map(({ as, prefix }) => ({ as, prefix }))
      return formatFrame({ ...answer, parts }, answer.parts.map(packPart))
    }
    case 'held':
      return formatFrame(answer, [])
    default: {
      const { blobs, ...header } = answer
      return formatFrame(header, blobs)
    }
  }
}

/** @throws Malformed */
export function parseSyncAnswer(bytes: Uint8Array): SyncAnswer {
  const { header, blobs } = parseFrame(bytes)
  switch (header['say']) {
    case 'summary':
      return readSummary(header, blobs)
    case 'walk': {
      const { say, parts } = WALKED(header, 'walk')
      const unpack = ({ as, prefix }: Place, blob: Uint8Array) => unpackPart(as, prefix, blob)
      return { say, parts: pairs(parts, blobs, unpack) }
    }
    case 'roots':
      return { ...ROOTS_SAID(header, 'roots'), blobs: atMost(SYNC_IDS_MAX, blobs) }
    case 'statements':
      return { ...STATEMENTS(header, 'statements'), blobs: atMost(SYNC_IDS_MAX, blobs) }
    case 'held':
      return alone(HELD(header, 'held'), blobs)
    case 'addresses':
      return { ...ADDRESSES_SAID(header, 'addresses'), blobs: atMost(PEERS_MAX, blobs) }
    default:
      throw new Malformed('the frame says nothing that is known')
  }
}

function readSummary(header: JsonObject, blobs: readonly Uint8Array[]): SyncAnswer {
  const { say, summary, tops } = SUMMARY_SAID(header, 'summary')
  return {
    say,
    summary,
    tops: pairs(tops, blobs, ({ as, tree }, blob) => ({ tree, part: unpackPart(as, '', blob) })),
  }
}

function formatFrame(header: JsonObject, blobs: readonly Uint8Array[]): Uint8Array {
  const framed = blobs.flatMap((blob) => [fourBytes(blob.length), blob])
  return concat(utf8(`${formatJson(header)}\n`), ...framed)
}

const NEWLINE = 0x0a

function parseFrame(bytes: Uint8Array): { header: JsonObject; blobs: Uint8Array[] } {
  if (bytes.length > SYNC_FRAME_BYTES_MAX)
    throw new Malformed(`a sync frame has ${bytes.length} bytes`)
  const end = bytes.indexOf(NEWLINE)
  if (end < 0) throw new Malformed('a sync frame has no header line')
  const header = parseCanonical(bytes.subarray(0, end), SYNC_FRAME_BYTES_MAX)
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new Malformed('the header of a sync frame is no object')
  return { header: header as JsonObject, blobs: readBlobs(bytes.subarray(end + 1)) }
}

function readBlobs(bytes: Uint8Array): Uint8Array[] {
  const blobs: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4
    if (start > bytes.length) throw new Malformed('a blob has no length')
    at = start + numberOf(bytes.subarray(at, start))
    if (at > bytes.length) throw new Malformed('a blob is cut off')
    blobs.push(bytes.subarray(start, at))
  }
  return blobs
}

function alone<T>(value: T, blobs: readonly Uint8Array[]): T {
  if (blobs.length > 0) throw new Malformed('a sync frame brings blobs that it does not name')
  return value
}

function atMost<T>(max: number, items: readonly T[]): readonly T[] {
  if (items.length > max) throw new Malformed(`a sync frame brings more than ${max} blobs`)
  return items
}

function pairs<A, B, C>(as: readonly A[], bs: readonly B[], join: (a: A, b: B) => C): C[] {
  if (as.length !== bs.length) throw new Malformed('a sync frame names other blobs than it brings')
  return as.map((a, at) => join(a, bs[at] as B))
}
