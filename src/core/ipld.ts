/**
 * Values of DAG-CBOR on their way in and out: maps without prototypes, plain
 * JSON where policies and records hold it, and links, which name tokens and records by hash.
 */
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { fromHex, toHex } from './bytes.ts'
import { type Cid, isSha256Id, type RecordId } from './id.ts'
import type { Json, JsonObject } from './json.ts'
import { TOKENS_REMEMBERED_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { Memo } from './memo.ts'

const DAG_CBOR = 0x71
const RAW = 0x55
const SHA2_256 = 0x12

/** @throws Malformed */
export function mapOf(value: unknown, what: string): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Malformed(`${what} is a map`)
  }
  if (value instanceof Uint8Array || CID.asCID(value) !== null) {
    throw new Malformed(`${what} is a map`)
  }
  return new Map(Object.entries(value))
}

/** A decoded CBOR value without bytes and links, so that policies and records can hold it. Maps get no prototype. @throws Malformed */
export function jsonOf(value: unknown, what: string): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value)) {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new Malformed(`${what} holds an unsafe integer`)
    }
    return value
  }
  if (Array.isArray(value)) return value.map((each) => jsonOf(each, what))
  if (typeof value !== 'object') throw new Malformed(`${what} holds what is no JSON`)
  return objectOf([...mapOf(value, what)].map(([key, each]) => [key, jsonOf(each, what)]))
}

/** An object without a prototype. */
export function objectOf(entries: Iterable<readonly [string, Json]>): JsonObject {
  const object: Record<string, Json> = Object.create(null)
  for (const [key, value] of entries) object[key] = value
  return object
}

/** A CID as DAG-CBOR holds it. */
export function cidLink(cid: Cid): unknown {
  const known = links.get(cid)
  if (known !== undefined) return known
  const link = CID.parse(cid)
  links.set(cid, link)
  return link
}

/** Reading a CID costs more than to hash what it names. */
const links = new Memo<Cid, CID>(TOKENS_REMEMBERED_MAX)

/** The CID of a link to a token. @throws Malformed */
export function cidOfLink(value: unknown): Cid {
  const cid = linkTo(value, DAG_CBOR)
  if (cid === null) throw new Malformed('a proof is named by a CIDv1 of dag-cbor and sha2-256')
  return cid.toString()
}

/** A record, named in a token: CIDv1, raw, sha2-256, the same hash as its id. */
export function recordLink(id: RecordId): unknown {
  return CID.createV1(RAW, createDigest(SHA2_256, fromHex(id.slice('sha256:'.length))))
}

/** @throws Malformed */
export function recordOfLink(value: unknown): RecordId {
  const cid = linkTo(value, RAW)
  const id = `sha256:${cid === null ? '' : toHex(cid.multihash.digest)}`
  if (!isSha256Id(id)) throw new Malformed('a cause is named by a CIDv1 of raw and sha2-256')
  return id
}

function linkTo(value: unknown, codec: number): CID | null {
  const cid = CID.asCID(value)
  if (cid === null || cid.version !== 1 || cid.code !== codec) return null
  return cid.multihash.code === SHA2_256 && cid.multihash.digest.length === 32 ? cid : null
}
