/**
 * The frames of `/meshd/hello/1`: what the dialler says of itself, and what it
 * is answered. Canonical JSON; parsing is the exact inverse of formatting.
 * Envelopes and address records are canonical JSON too, and stand in them as they are.
 *
 *     {"address":{"record":…},"invite":null,"log":"did:key:…","member":null,"mesh":"sha256:…",
 *      "name":"cygnus","proofs":["<base64>","<base64>","<base64>"],"root":0,"version":1,
 *      "witness":"did:key:…"}
 *
 *     {"addresses":[],"members":[],"mesh":"sha256:…","more":false,"name":"atlas",
 *      "result":"pending","roots":[{"payload":…}],"version":1}
 *
 *     {"code":"WRONG_MESH","result":"refused","version":1}
 *
 * The three keys of the dialler sign "meshd/hello/1\n" and who says what to
 * whom: nobody is admitted with the keys of another node.
 */
import { concat, toBase64, utf8 } from '../core/bytes.ts'
import type { StatementId } from '../core/id.ts'
import { formatJson, type Json, type JsonObject, parseCanonical } from '../core/json.ts'
import { type Did, type Signer, verifySignature } from '../core/keys.ts'
import {
  ADDRESS_RECORD_BYTES_MAX,
  FRAME_BYTES_MAX,
  HELLO_ANSWER_BYTES_MAX,
  HELLO_MEMBERS_MAX,
  HELLO_ROOTS_MAX,
  STATEMENT_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import {
  base64,
  did,
  flag,
  id,
  integer,
  list,
  literal,
  name,
  nullable,
  object,
  type Reader,
  text,
} from '../core/shape.ts'

/** What the dialler claims of itself. */
export interface Claim {
  readonly name: string
  readonly log: Did
  readonly witness: Did
  /** null: it is pinned to none, and asks which one this is. */
  readonly mesh: StatementId | null
}

export interface Redemption {
  /** The invite's id. */
  readonly invite: string
  /** By the key that is the invite's secret. */
  readonly signature: Uint8Array
}

export interface Hello extends Claim {
  /** The newest version of the trust root that it holds; 0 for none. */
  readonly root: number
  /** By its identity, log and witness keys. */
  readonly proofs: readonly Uint8Array[]
  /** The envelope that admits it, when it has one. */
  readonly member: Uint8Array | null
  /** Its own signed address record. */
  readonly address: Uint8Array | null
  readonly redemption: Redemption | null
}

/** Why a hello is refused. Nothing else is told with it. */
export const REFUSALS = [
  'WRONG_MESH',
  'NOT_READY',
  'INVITE_UNKNOWN',
  'INVITE_EXPIRED',
  'INVITE_USED',
  'INVITE_REVOKED',
] as const
export type Refusal = (typeof REFUSALS)[number]

export type Answer =
  | { readonly result: 'refused'; readonly code: Refusal }
  | {
      /** `shown` to who is pinned to no mesh: it was not put on the list of those that wait. */
      readonly result: 'member' | 'pending' | 'shown'
      readonly mesh: StatementId
      /** What the answerer calls itself. */
      readonly name: string
      /** Envelopes of the roots after the one that was claimed, in order. */
      readonly roots: readonly Uint8Array[]
      /** There are more roots than fit. */
      readonly more: boolean
      /** Envelopes of members; [] for who is none. */
      readonly members: readonly Uint8Array[]
      /** Address records; [] for who is no member. */
      readonly addresses: readonly Uint8Array[]
    }

const HELLO_LINE = utf8('meshd/hello/1\n')
const INVITE_LINE = utf8('meshd/invite/1\n')

/** A value that travels as it is, to its canonical bytes. */
function nested(bytesMax: number): Reader<Uint8Array> {
  return (value, at) => {
    if (typeof value !== 'object' || value === null) throw new Malformed(`${at}: must be an object`)
    const bytes = utf8(formatJson(value))
    if (bytes.length > bytesMax) throw new Malformed(`${at}: has ${bytes.length} bytes`)
    return bytes
  }
}

const ENVELOPE = nested(FRAME_BYTES_MAX)
const ROOT = nested(STATEMENT_BYTES_MAX)
const ADDRESS = nested(ADDRESS_RECORD_BYTES_MAX)
const VERSION = literal(1)
const PROOFS: Reader<readonly Uint8Array[]> = (value, at) => {
  const proofs = list(base64, 3)(value, at)
  if (proofs.length !== 3) throw new Malformed(`${at}: must be three signatures`)
  return proofs
}
const HELLO = object({
  address: nullable(ADDRESS),
  invite: nullable(object({ id: text(8), signature: base64 })),
  log: did,
  member: nullable(ENVELOPE),
  mesh: nullable(id),
  name,
  proofs: PROOFS,
  root: integer(0, Number.MAX_SAFE_INTEGER),
  version: VERSION,
  witness: did,
})
const REFUSED = object({
  code: literal(...REFUSALS),
  result: literal('refused'),
  version: VERSION,
})
const SHOWN = object({
  addresses: list(ADDRESS, HELLO_MEMBERS_MAX),
  members: list(ENVELOPE, HELLO_MEMBERS_MAX),
  mesh: id,
  more: flag,
  name,
  result: literal('member', 'pending', 'shown'),
  roots: list(ROOT, HELLO_ROOTS_MAX),
  version: VERSION,
})

export function formatHello({ redemption, proofs, member, address, ...rest }: Hello): Uint8Array {
  const invite =
    redemption === null
      ? null
      : { id: redemption.invite, signature: toBase64(redemption.signature) }
  return utf8(
    formatJson({
      ...rest,
      version: 1,
      invite,
      proofs: proofs.map(toBase64),
      member: member === null ? null : jsonOf(member),
      address: address === null ? null : jsonOf(address),
    }),
  )
}

/** Says nothing about its proofs. @throws Malformed */
export function parseHello(bytes: Uint8Array): Hello {
  const { invite, version: _, ...rest } = HELLO(knownVersion(bytes, FRAME_BYTES_MAX), 'hello')
  const redemption = invite === null ? null : { invite: invite.id, signature: invite.signature }
  return { ...rest, redemption }
}

export function formatAnswer(answer: Answer): Uint8Array {
  if (answer.result === 'refused') return utf8(formatJson({ ...answer, version: 1 }))
  const { roots, members, addresses, ...rest } = answer
  const lists = {
    roots: roots.map(jsonOf),
    members: members.map(jsonOf),
    addresses: addresses.map(jsonOf),
  }
  return utf8(formatJson({ ...rest, ...lists, version: 1 }))
}

/** Believes nothing of it yet. @throws Malformed */
export function parseAnswer(bytes: Uint8Array): Answer {
  const json = knownVersion(bytes, HELLO_ANSWER_BYTES_MAX)
  if (json['result'] === 'refused') {
    const { result, code } = REFUSED(json, 'answer')
    return { result, code }
  }
  const { version: _, ...rest } = SHOWN(json, 'answer')
  if (rest.result !== 'member' && rest.members.length + rest.addresses.length > 0)
    throw new Malformed('an answer brings more than roots to who is no member')
  return rest
}

/** By the identity, the log and the witness key of who dials. */
export function proveClaim(claim: Claim, to: Did, keys: readonly Signer[]): readonly Uint8Array[] {
  const from = keys[0]?.did
  return from === undefined ? [] : keys.map((key) => key.sign(claimBytes(claim, from, to)))
}

export function verifyClaim(hello: Hello, from: Did, to: Did): boolean {
  const { name, log, witness, mesh } = hello
  const bytes = claimBytes({ name, log, witness, mesh }, from, to)
  const [byIdentity, byLog, byWitness] = hello.proofs
  if (byIdentity === undefined || byLog === undefined || byWitness === undefined) return false
  return (
    new Set([from, log, witness]).size === 3 &&
    verifySignature(from, bytes, byIdentity) &&
    verifySignature(log, bytes, byLog) &&
    verifySignature(witness, bytes, byWitness)
  )
}

/** Who redeems what, where: good for this joiner with these keys at this node alone. */
export interface Redeeming {
  readonly invite: string
  readonly mesh: StatementId
  readonly joiner: Did
  readonly log: Did
  readonly witness: Did
  readonly redeemer: Did
}

export function proveInvite(redeeming: Redeeming, secret: Signer): Uint8Array {
  return secret.sign(redeemingBytes(redeeming))
}

/** @param key the public key of the invite's secret */
export function verifyInvite(redeeming: Redeeming, key: Did, signature: Uint8Array): boolean {
  return verifySignature(key, redeemingBytes(redeeming), signature)
}

function claimBytes({ name, log, witness, mesh }: Claim, from: Did, to: Did): Uint8Array {
  return concat(HELLO_LINE, utf8(formatJson({ from, log, mesh, name, to, witness })))
}

function redeemingBytes(redeeming: Redeeming): Uint8Array {
  return concat(INVITE_LINE, utf8(formatJson({ ...redeeming })))
}

function jsonOf(bytes: Uint8Array): Json {
  return parseCanonical(bytes, STATEMENT_BYTES_MAX)
}

function knownVersion(bytes: Uint8Array, bytesMax: number): JsonObject {
  const json = parseCanonical(bytes, bytesMax)
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new Malformed('a hello is an object')
  const object = json as JsonObject
  // Refused, not guessed: what another version means is not known here.
  if (object['version'] !== 1) throw new Malformed('a hello of a version that is not known here')
  return object
}
