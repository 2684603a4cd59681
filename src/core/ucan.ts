/**
 * The UCAN 1.0 envelope, which delegations and invocations share (FACTS 6):
 *
 *   82                     a list of two
 *     58 40 <64 bytes>     the signature of iss over the second, as it stands
 *     a2                   a map of two
 *       61 68 48 …         "h": varsig header 34 01 ed01 ed01 13 71
 *       6e "ucan/dlg@1.0.0" or "ucan/inv@1.0.0": the payload
 *
 * Bytes that do not come out the same when encoded again are refused: one
 * token, one byte string, one CID.
 */
import { concat, equalBytes, fromHex, toHex } from './bytes.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { type Cid, cidOf } from './id.ts'
import { mapOf } from './ipld.ts'
import { type Did, type Signer, verifySignature } from './keys.ts'
import { SIGNATURES_REMEMBERED_MAX, TOKEN_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { Memo } from './memo.ts'

export type TokenKind = 'dlg' | 'inv'

/** A token whose envelope is right; nothing is said of its payload or signature. */
export interface Token {
  readonly cid: Cid
  readonly bytes: Uint8Array
  readonly payload: ReadonlyMap<string, unknown>
}

/** varsig v1: EdDSA, curve Ed25519, SHA-512, payload in DAG-CBOR. */
const HEADER = fromHex('3401ed01ed011371')
/** A list of two, and in it 64 bytes. */
const PREFIX = fromHex('825840')
const SIGNATURE_BYTES = 64

/** Tokens whose signature was found good, and by which key. */
const verified = new Memo<Cid, Did>(SIGNATURES_REMEMBERED_MAX)

/** @throws Malformed, without a word of what the token says: it is not verified yet */
export function parseToken(bytes: Uint8Array, kind: TokenKind): Token {
  const envelope = decodeCbor(bytes, TOKEN_BYTES_MAX)
  if (!Array.isArray(envelope) || envelope.length !== 2 || !(envelope[0] instanceof Uint8Array)) {
    throw new Malformed('a token is a list of signature and payload')
  }
  const signed = mapOf(envelope[1], 'the signed part of a token')
  const tag = `ucan/${kind}@1.0.0`
  if (signed.size !== 2 || !signed.has('h') || !signed.has(tag)) {
    throw new Malformed(`the signed part of a token is a header and \`${tag}\``)
  }
  const header = signed.get('h')
  if (!(header instanceof Uint8Array) || !equalBytes(header, HEADER)) {
    throw new Malformed('the header of a token is not that of Ed25519 over DAG-CBOR')
  }
  return { cid: cidOf(bytes), bytes, payload: mapOf(signed.get(tag), 'the payload of a token') }
}

/** What kind of token the bytes claim to be; null if neither. */
export function kindOf(bytes: Uint8Array): TokenKind | null {
  // After the signature: a2 61 68 48 and the 8 bytes of "h".
  const tagAt = signedAt(bytes) + 4 + HEADER.length
  const tag = toHex(bytes.subarray(tagAt, tagAt + 15))
  if (tag === TAG_HEX.dlg) return 'dlg'
  return tag === TAG_HEX.inv ? 'inv' : null
}

const TAG_HEX: Record<TokenKind, string> = {
  dlg: toHex(encodeCbor('ucan/dlg@1.0.0')),
  inv: toHex(encodeCbor('ucan/inv@1.0.0')),
}

/** Where the signed part begins: after the head of the list and the signature, whose length is in its head (RFC 8949, 3). */
function signedAt(bytes: Uint8Array): number {
  const [, head = 0, high = 0, low = 0] = bytes
  if (head === 0x58) return 3 + high
  return head === 0x59 ? 4 + high * 256 + low : 2 + (head & 31)
}

/** Signs a payload of CBOR values (CIDs by cidLink); absent fields are left out by the caller. */
export function signToken(kind: TokenKind, payload: object, signer: Signer): Uint8Array {
  const message = messageOf(kind, payload)
  return sealMessage(message, signer.sign(message), signer.did).bytes
}

/** What of a token is signed. */
export function messageOf(kind: TokenKind, payload: object): Uint8Array {
  return encodeCbor({ h: HEADER, [`ucan/${kind}@1.0.0`]: payload })
}

/** How long the token of a message is. */
export function sealedBytes(message: Uint8Array): number {
  return PREFIX.length + SIGNATURE_BYTES + message.length
}

/** The token of a message that this program had signed by that key, here and now. */
export function sealMessage(
  message: Uint8Array,
  signature: Uint8Array,
  iss: Did,
): { readonly cid: Cid; readonly bytes: Uint8Array } {
  const bytes = concat(PREFIX, signature, message)
  const cid = cidOf(bytes)
  // To verify it again would double the cost of a decision (design 9).
  verified.set(cid, iss)
  return { cid, bytes }
}

/** Whether the token is signed by that key. Good signatures are remembered by CID, which covers every byte. */
export function verifyToken(token: { cid: Cid; bytes: Uint8Array }, iss: Did): boolean {
  if (verified.get(token.cid) === iss) return true
  const at = signedAt(token.bytes)
  if (at !== PREFIX.length + SIGNATURE_BYTES) return false
  const signature = token.bytes.subarray(PREFIX.length, at)
  const good = verifySignature(iss, token.bytes.subarray(at), signature)
  if (good) verified.set(token.cid, iss)
  return good
}

/** Every field is known, and all that is required is there. @throws Malformed */
export function checkFields(
  payload: ReadonlyMap<string, unknown>,
  required: readonly string[],
  optional: readonly string[],
): void {
  for (const field of required) {
    if (!payload.has(field)) throw new Malformed(`\`${field}\` is missing`)
  }
  for (const field of payload.keys()) {
    if (!required.includes(field) && !optional.includes(field)) {
      throw new Malformed('there is an unknown field')
    }
  }
}
