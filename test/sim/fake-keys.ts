/**
 * Signatures that cost a hash: what the worlds of most seeds sign with, in one
 * of a hundred it is Ed25519 itself. Nobody in a world has another's key, and
 * nothing but this process knows how these are made. The program has no seam
 * for it: node:crypto is replaced under it, in the process of a test alone.
 */
import crypto, { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

type Sign = typeof crypto.sign
type Verify = typeof crypto.verify

/** Seeds whose worlds sign with Ed25519: one in so many. */
const REAL_EVERY = 100

/** Loaded twice, where a bug is planted: what was there before the first is called. */
const before = crypto as typeof crypto & { readonly real?: { sign: Sign; verify: Verify } }
const real = before.real ?? { sign: crypto.sign, verify: crypto.verify }
const owners = new WeakMap<object, Uint32Array>()
let faked = false

/** For the world of this seed. */
export function chooseKeys(seed: number): void {
  faked = seed % REAL_EVERY !== 0
}

/** The public key, of either half of a pair. */
function ownerOf(key: KeyObject): Uint32Array {
  const known = owners.get(key)
  if (known !== undefined) return known
  const half = key.type === 'private' ? createPublicKey(key) : key
  const digest = hash('sha512', half.export({ format: 'der', type: 'spki' }), 'buffer')
  const owner = new Uint32Array(new Uint8Array(digest).buffer)
  owners.set(key, owner)
  return owner
}

/** Two sums that begin with what is the owner's alone, and then its own words mixed with them. */
function signatureOf(message: Uint8Array, key: KeyObject): Buffer {
  const owner = ownerOf(key)
  let [a, b] = [owner[0] as number, owner[1] as number]
  for (const byte of message) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b + byte, 0x85ebca6b) ^ (a >>> 15)
  }
  const words = new Uint32Array(owner.length)
  for (let at = 0; at < words.length; at += 1) {
    const mixed = Math.imul((owner[at] as number) ^ (at % 2 === 0 ? a : b), 0x9e3779b1)
    words[at] = mixed ^ (mixed >>> 13) ^ (at % 2 === 0 ? b : a)
  }
  return Buffer.from(words.buffer)
}

function sign(...args: Parameters<Sign>): Buffer {
  const [algorithm, message, key] = args
  const usual = faked && algorithm == null && (key as KeyObject).asymmetricKeyType === 'ed25519'
  return usual
    ? signatureOf(message as Uint8Array, key as KeyObject)
    : (real.sign(...args) as unknown as Buffer)
}

function verify(...args: Parameters<Verify>): boolean {
  const [algorithm, message, key, signature] = args
  if (algorithm == null && (key as KeyObject).asymmetricKeyType === 'ed25519') {
    const ours = signatureOf(message as Uint8Array, key as KeyObject)
    if (ours.equals(signature as Uint8Array)) return true
  }
  // What was signed before the world began, and what somebody forged.
  return real.verify(...args) as unknown as boolean
}
Object.assign(crypto, { sign, verify, real })
syncBuiltinESMExports()
