/**
 * The frames of `/meshd/sync/1`: a header and blobs (frames.ts). Parsing is the
 * exact inverse of formatting, and everything else is malformed.
 *
 *     {"ask":"fetch","ids":["sha256:0a77…"]}⏎
 *     {"missing":[],"say":"statements"}⏎ 00 00 02 9f {"payload":"…
 *
 * Blobs are envelopes, address records, or parts of a tree (sync-parts.ts).
 */
import type { ConclusionKey } from '../core/conclusion.ts'
import type { StatementId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import {
  ISSUER_REVOCATIONS_MAX,
  PEERS_MAX,
  SYNC_FRAME_BYTES_MAX,
  SYNC_IDS_MAX,
  SYNC_PREFIXES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import {
  flag,
  hash,
  id,
  integer,
  list,
  literal,
  nonce,
  object,
  type Reader,
} from '../core/shape.ts'
import { alone, atMost, formatFrame, parseFrame } from './frames.ts'
import { type Part, packPart, type TreeName, unpackPart } from './sync-parts.ts'

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
  /** What proves a conclusion, but for the first so many. */
  | { readonly ask: 'proof'; readonly of: ConclusionKey; readonly from: number }
  | { readonly ask: 'push'; readonly blobs: readonly Uint8Array[] }
  /** Hashes of the address records held here, and records that the other side wanted. */
  | {
      readonly ask: 'addresses'
      readonly have: readonly string[]
      readonly blobs: readonly Uint8Array[]
    }

export type SyncAnswer =
  /** With the top of each tree whose hash differs from the asker's. */
  | {
      readonly say: 'summary'
      /** The one that its state answers name (state-frames.ts): what is walked from here is the set that this one held. */
      readonly incarnation: string
      readonly summary: Summary
      readonly tops: readonly Top[]
    }
  /** In the order asked, as many as fit: at least one. */
  | { readonly say: 'walk'; readonly parts: readonly Part[] }
  | { readonly say: 'roots'; readonly more: boolean; readonly blobs: readonly Uint8Array[] }
  /** In the order asked, as many as fit; missing are those of them that are not held here. */
  | {
      readonly say: 'statements'
      readonly missing: readonly StatementId[]
      readonly blobs: readonly Uint8Array[]
    }
  /** In the order in which they are kept here, as many as fit; nothing of a conclusion that does not stand here. */
  | { readonly say: 'proof'; readonly more: boolean; readonly blobs: readonly Uint8Array[] }
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
const PROOF = object({ ask: literal('proof'), of: hash, from: integer(0, ISSUER_REVOCATIONS_MAX) })
const PUSH = object({ ask: literal('push') })
const ADDRESSES = object({ ask: literal('addresses'), have: HASHES })

const TOPS = list(object({ as: AS, tree: TREE }), 2)
const SUMMARY_SAID = object({
  say: literal('summary'),
  incarnation: nonce,
  summary: SUMMARY,
  tops: TOPS,
})
const WALKED = object({ say: literal('walk'), parts: list(PLACE, 2 * SYNC_PREFIXES_MAX) })
const ROOTS_SAID = object({ say: literal('roots'), more: flag })
const STATEMENTS = object({ say: literal('statements'), missing: IDS })
const PROOF_SAID = object({ say: literal('proof'), more: flag })
const HELD = object({ say: literal('held'), held: integer(0, SYNC_IDS_MAX) })
const ADDRESSES_SAID = object({ say: literal('addresses'), want: HASHES })

export function formatSyncRequest(request: SyncRequest): Uint8Array {
  if (!('blobs' in request)) return formatFrame(request, [])
  const { blobs, ...header } = request
  return formatFrame(header, blobs)
}

/** @throws Malformed */
export function parseSyncRequest(bytes: Uint8Array): SyncRequest {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  switch (header['ask']) {
    case 'compare':
      return alone(COMPARE(header, 'compare'), blobs)
    case 'walk':
      return alone(WALK(header, 'walk'), blobs)
    case 'roots':
      return alone(ROOTS(header, 'roots'), blobs)
    case 'fetch':
      return alone(FETCH(header, 'fetch'), blobs)
    case 'proof':
      return alone(PROOF(header, 'proof'), blobs)
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
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
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
    case 'proof':
      return { ...PROOF_SAID(header, 'proof'), blobs: atMost(SYNC_IDS_MAX, blobs) }
    case 'held':
      return alone(HELD(header, 'held'), blobs)
    case 'addresses':
      return { ...ADDRESSES_SAID(header, 'addresses'), blobs: atMost(PEERS_MAX, blobs) }
    default:
      throw new Malformed('the frame says nothing that is known')
  }
}

function readSummary(header: JsonObject, blobs: readonly Uint8Array[]): SyncAnswer {
  const { tops, ...said } = SUMMARY_SAID(header, 'summary')
  return {
    ...said,
    tops: pairs(tops, blobs, ({ as, tree }, blob) => ({ tree, part: unpackPart(as, '', blob) })),
  }
}

function pairs<A, B, C>(as: readonly A[], bs: readonly B[], join: (a: A, b: B) => C): C[] {
  if (as.length !== bs.length) throw new Malformed('a sync frame names other blobs than it brings')
  return as.map((a, at) => join(a, bs[at] as B))
}
