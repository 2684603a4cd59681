/**
 * The envelope of a statement: DSSE with Ed25519, in canonical JSON.
 *
 *   {"payload":"<base64>","payloadType":"application/vnd.meshd.policy.v1+json",
 *    "signatures":[{"keyid":"did:key:z6Mk…","sig":"<base64 of 64 bytes>"}]}
 *
 * A statement's id is the hash of its payload; signatures accumulate beside it
 * and never change what it says. Nothing here says that a signature is good.
 * Evidence proves itself and has none: a signature would be somebody's word
 * for what needs nobody's.
 */
import { assert } from './assert.ts'
import { compareBytes, concat, equalBytes, toBase64, utf8 } from './bytes.ts'
import { idOf, type StatementId } from './id.ts'
import { formatJson, parseCanonical } from './json.ts'
import { type Did, isDid, type Signer } from './keys.ts'
import { SIGNATURES_MAX, STATEMENT_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { base64, list, object, type Read, type Reader, text } from './shape.ts'

const TYPES = ['root', 'member', 'policy', 'revocation', 'freeze', 'epoch', 'evidence'] as const
export type StatementType = (typeof TYPES)[number]

/** Types of later versions: refused by name, so that nobody gives them another meaning. */
export const RESERVED_TYPES = ['breakglass', 'compact'] as const

export interface Signature {
  readonly key: Did
  /** 64 bytes. */
  readonly bytes: Uint8Array
}

export interface Envelope {
  readonly type: StatementType
  readonly payload: Uint8Array
  /** At least one, sorted by key, one per key; of evidence none. */
  readonly signatures: readonly Signature[]
}

/** What is signed: DSSE's pre-authentication encoding, so that no signature serves another type. */
export function signedBytes(type: StatementType, payload: Uint8Array): Uint8Array {
  return preAuthentication(payloadType(type), payload)
}

/** DSSE's PAE. @param name of the payload's type, ASCII */
export function preAuthentication(name: string, payload: Uint8Array): Uint8Array {
  return concat(utf8(`DSSEv1 ${name.length} ${name} ${payload.length} `), payload)
}

export function statementIdOf(envelope: Envelope): StatementId {
  return idOf(envelope.payload)
}

export function signEnvelope(
  type: StatementType,
  payload: Uint8Array,
  signers: readonly Signer[],
): Envelope {
  assert(signers.length > 0, 'an envelope has a signature')
  return signers.reduce(addSignature, { type, payload, signatures: [] })
}

/** The one envelope of a statement that proves itself. */
export function unsignedEnvelope(type: 'evidence', payload: Uint8Array): Envelope {
  return { type, payload, signatures: [] }
}

export function addSignature(envelope: Envelope, signer: Signer): Envelope {
  const bytes = signer.sign(signedBytes(envelope.type, envelope.payload))
  return { ...envelope, signatures: merge(envelope.signatures, [{ key: signer.did, bytes }]) }
}

/**
 * All signatures of both. Of two by one key the smaller stays, whatever the
 * order of merging; so the caller verifies first, or a bad one may win.
 * @throws Malformed for more than SIGNATURES_MAX
 */
export function mergeSignatures(a: Envelope, b: Envelope): Envelope {
  assert(a.type === b.type && equalBytes(a.payload, b.payload), 'both sign the same statement')
  const signatures = merge(a.signatures, b.signatures)
  if (signatures.length > SIGNATURES_MAX) throw new Malformed('there are too many signatures')
  return { ...a, signatures }
}

function merge(a: readonly Signature[], b: readonly Signature[]): readonly Signature[] {
  const byKey = new Map(a.map((each) => [each.key, each]))
  for (const each of b) {
    const other = byKey.get(each.key)
    if (other === undefined || compareBytes(each.bytes, other.bytes) < 0) byKey.set(each.key, each)
  }
  return [...byKey.values()].sort((x, y) => (x.key < y.key ? -1 : 1))
}

export function formatEnvelope(envelope: Envelope): Uint8Array {
  const signatures = envelope.signatures.map(({ key, bytes }) => ({
    keyid: key,
    sig: toBase64(bytes),
  }))
  const payload = toBase64(envelope.payload)
  return utf8(formatJson({ payload, payloadType: payloadType(envelope.type), signatures }))
}

const SIGNATURE_BYTES = 64

/** Not admitted here: a stranger's envelope would cost 0.6 ms a key, and keys in roles are known. */
const key: Reader<Did> = (value, at) => {
  if (typeof value !== 'string' || !isDid(value)) throw new Malformed(`${at}: must be a did:key`)
  return value
}

const readFields = object({
  payload: base64,
  payloadType: text(64),
  signatures: list(object({ keyid: key, sig: base64 }), SIGNATURES_MAX),
})

/** The exact inverse of formatEnvelope. @throws Malformed */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  const fields = readFields(parseCanonical(bytes, STATEMENT_BYTES_MAX), 'envelope')
  const type = parsePayloadType(fields.payloadType)
  return { type, payload: fields.payload, signatures: checkSignatures(type, fields.signatures) }
}

function checkSignatures(
  type: StatementType,
  fields: Read<typeof readFields>['signatures'],
): readonly Signature[] {
  if (type === 'evidence' && fields.length > 0)
    throw new Malformed('evidence proves itself, and bears no signature')
  if (type !== 'evidence' && fields.length === 0)
    throw new Malformed('an envelope has at least one signature')
  let last = ''
  for (const { keyid, sig } of fields) {
    if (sig.length !== SIGNATURE_BYTES) throw new Malformed('a signature has 64 bytes')
    if (keyid <= last) throw new Malformed('signatures are sorted by key, one for each')
    last = keyid
  }
  return fields.map(({ keyid, sig }) => ({ key: keyid, bytes: sig }))
}

function payloadType(type: StatementType): string {
  return `application/vnd.meshd.${type}.v1+json`
}

function parsePayloadType(name: string): StatementType {
  const type = TYPES.find((each) => payloadType(each) === name)
  if (type !== undefined) return type
  const reserved = RESERVED_TYPES.find((each) => name === `application/vnd.meshd.${each}.v1+json`)
  if (reserved !== undefined) {
    throw new Malformed(`statements of type \`${reserved}\` are reserved for a later version`)
  }
  throw new Malformed('the payload type is unknown')
}
