/**
 * Ed25519 keys and the one rule for their signatures (FACTS 7).
 *
 * Verifiers disagree about crafted signatures, and so would two nodes about
 * governance. Here a key is admitted once: 32 canonical bytes on the curve,
 * not of small order, torsion-free. A signature has 64 bytes, its R is not the
 * identity, and node:crypto's cofactorless check decides the rest.
 *
 *   did:key:z6Mk…   = `did:key:z` + base58btc(ed 01 ‖ 32 bytes)
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { base58btc } from 'multiformats/bases/base58'
import { assert } from './assert.ts'
import { concat, equalBytes, fromHex } from './bytes.ts'
import { KEYS_REMEMBERED_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { Memo } from './memo.ts'

/** A key in its canonical text; admitted, if it comes from parseDid. */
export type Did = `did:key:z6Mk${string}`

/** A private key that signs at once. Keys of agents and hardware are not signed with here. */
export interface Signer {
  readonly did: Did
  sign(message: Uint8Array): Uint8Array
}

interface Admitted {
  readonly publicKey: Uint8Array
  readonly key: KeyObject
}

const DID = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/
const HEAD = 'did:key:'
/** Multicodec ed25519-pub, as a varint. */
const MULTICODEC = fromHex('ed01')
/** Of 32 bytes of Ed25519 in a SubjectPublicKeyInfo and in PKCS #8 (RFC 8410). */
const SPKI = fromHex('302a300506032b6570032100')
const PKCS8 = fromHex('302e020100300506032b657004220420')
/** y = 1: the one R of small order that the equation leaves to an admitted key. */
const IDENTITY = fromHex(`01${'00'.repeat(31)}`)
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

const admitted = new Memo<string, Admitted>(KEYS_REMEMBERED_MAX)

/** Whether this is the canonical text of 32 bytes; that they are a usable key takes fifty times as long to see. */
export function isDid(text: string): text is Did {
  return admitted.get(text) !== undefined || decode(text) !== null
}

/** Reads the canonical text of a key, and admits the key. @throws Malformed */
export function parseDid(text: string): Did {
  if (!isDid(text)) throw new Malformed('a key is written `did:key:z6Mk…`, with Ed25519 alone')
  admit(text)
  return text
}

/** @throws Malformed for a key that is not admitted */
export function didOf(publicKey: Uint8Array): Did {
  // Seen before it is printed: base58 takes the square of its length.
  if (publicKey.length !== KEY_BYTES) throw new Malformed('a public key has 32 bytes')
  return parseDid(HEAD + base58btc.encode(concat(MULTICODEC, publicKey)))
}

/** The 32 bytes. @throws Malformed for a key that is not admitted */
export function publicKeyOf(did: Did): Uint8Array {
  return admit(did).publicKey.slice()
}

/** Whether the signature is good by the one rule; every node gives the same answer. */
export function verifySignature(did: Did, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false
  if (equalBytes(signature.subarray(0, KEY_BYTES), IDENTITY)) return false
  let key: KeyObject
  try {
    key = admit(did).key
  } catch {
    // Not admitted: such a key signs nothing.
    return false
  }
  return verify(null, message, key, signature)
}

/** @param seed 32 bytes, the private key of RFC 8032 */
export function signerOf(seed: Uint8Array): Signer {
  const key = privateKeyOf(seed)
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    did: didOf(spki.subarray(SPKI.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

/** The key alone, for who signs with it on another thread. @param seed 32 bytes, the private key of RFC 8032 */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  assert(seed.length === KEY_BYTES, 'a private key has 32 bytes')
  const pkcs8 = Buffer.from(concat(PKCS8, seed))
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

function admit(did: Did): Admitted {
  const known = admitted.get(did)
  if (known !== undefined) return known
  const publicKey = decode(did)
  if (publicKey === null) throw new Malformed('a key is not canonical')
  checkPoint(publicKey)
  const spki = Buffer.from(concat(SPKI, publicKey))
  const entry = { publicKey, key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) }
  admitted.set(did, entry)
  return entry
}

/** The 32 bytes; null for other texts. No two texts of this length give the same bytes. */
function decode(text: string): Uint8Array | null {
  if (!DID.test(text)) return null
  const bytes = base58btc.decode(text.slice(HEAD.length))
  if (!equalBytes(bytes.subarray(0, MULTICODEC.length), MULTICODEC)) return null
  const publicKey = bytes.slice(MULTICODEC.length)
  return publicKey.length === KEY_BYTES ? publicKey : null
}

/** A key with a part of small order signs what other verifiers refuse, or one signature for many messages. */
function checkPoint(publicKey: Uint8Array): void {
  let usable = false
  try {
    // false: not ZIP 215, which takes coordinates that are not canonical.
    const point = ed25519.Point.fromBytes(publicKey, false)
    usable = !point.isSmallOrder() && point.isTorsionFree()
  } catch {
    // Not a point: refused below, like the points that are not usable.
  }
  if (!usable) throw new Malformed('a key is not a point of prime order on Ed25519')
}
