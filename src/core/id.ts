/**
 * Ids, all of them hashes: `sha256:` + 64 hex digits of the exact bytes, for
 * statements and records; a CID (CIDv1, dag-cbor, sha2-256) for UCAN tokens.
 *
 * On screens they are short: `rev_0a77e4c1`, `art_bejocdkb` (INTERFACE 1.2).
 */
import { hash } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'
import { concat, fromHex } from './bytes.ts'
import { Malformed } from './malformed.ts'

export type Sha256Id = `sha256:${string}`
/** The hash of a statement's payload. */
export type StatementId = Sha256Id
/** The hash of a record; an allowed decision's is its execution's too. */
export type RecordId = Sha256Id
/** `bafyrei` and 52 characters. */
export type Cid = string

const SHA256_BYTES = 32

/** By way of a text of 32 characters, which costs half of what a buffer does (FACTS 8). */
export function sha256(bytes: Uint8Array): Uint8Array {
  const text = hash('sha256', bytes, 'latin1')
  const digest = new Uint8Array(SHA256_BYTES)
  for (let i = 0; i < SHA256_BYTES; i += 1) digest[i] = text.charCodeAt(i)
  return digest
}

export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

export function idOf(bytes: Uint8Array): Sha256Id {
  return `sha256:${sha256Hex(bytes)}`
}

export function isSha256Id(text: string): text is Sha256Id {
  return /^sha256:[0-9a-f]{64}$/.test(text)
}

/** 01 CIDv1, 71 dag-cbor, 12 sha2-256, 20 its 32 bytes. */
const CID_HEAD = fromHex('01711220')

export function cidOf(bytes: Uint8Array): Cid {
  return base32.encode(concat(CID_HEAD, sha256(bytes)))
}

/** 36 bytes in 58 characters of five bits: the two bits left over are zero, as are the head's last two. */
const CID = /^bafyrei[a-h][a-z2-7]{50}[aeimquy4]$/

export function isCid(text: string): boolean {
  return CID.test(text)
}

/** The 36 bytes of a CID. @throws Malformed */
export function cidBytes(cid: Cid): Uint8Array {
  if (!isCid(cid)) throw new Malformed('a cid is `bafyrei` and 52 characters of base32')
  return base32.decode(cid)
}

const TAGS = ['art', 'root', 'mem', 'pol', 'rev', 'frz', 'evd', 'epo', 'dec', 'rec', 'req'] as const
/** What a short id names. A reading aid, never part of the id. */
export type Tag = (typeof TAGS)[number]

export interface ShortId {
  readonly tag: Tag
  /** 8 or more characters that follow the head which all such ids share. */
  readonly prefix: string
}

const SHA256_HEAD = 'sha256:'
const CID_TEXT_HEAD = 'bafyrei'

/** @param digits more than 8 where 8 would be ambiguous */
export function shortId(tag: Tag, id: Sha256Id | Cid, digits = 8): string {
  const head = tag === 'art' ? CID_TEXT_HEAD : SHA256_HEAD
  return `${tag}_${id.slice(head.length, head.length + digits)}`
}

/** null for what is no short id; whether the tag is right is for the caller to check. */
export function parseShortId(text: string): ShortId | null {
  const match = /^([a-z]+)_([a-z0-9]{8,64})$/.exec(text)
  const tag = TAGS.find((each) => each === match?.[1])
  const prefix = match?.[2]
  if (tag === undefined || prefix === undefined) return null
  const digits = tag === 'art' ? /^[a-z2-7]{8,52}$/ : /^[0-9a-f]{8,64}$/
  return digits.test(prefix) ? { tag, prefix } : null
}

/** Whether the id begins with these characters, after its head. */
export function idMatches(short: ShortId, id: Sha256Id | Cid): boolean {
  const head = short.tag === 'art' ? CID_TEXT_HEAD : SHA256_HEAD
  return id.startsWith(head + short.prefix)
}
