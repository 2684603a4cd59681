/**
 * Proves at start that this Node, OpenSSL and noble give the mesh's answers,
 * before anything is served: another answer about one crafted signature would
 * be another governance state (FACTS 7).
 */
import { assert } from './assert.ts'
import { equalBytes, fromHex, toHex, utf8 } from './bytes.ts'
import { sha256Hex } from './id.ts'
import { didOf, signerOf, verifySignature } from './keys.ts'
import { Malformed } from './malformed.ts'
import { append, EMPTY, leafHash, rootHash } from './merkle.ts'
import { CRAFTED, HONEST, ROOTS, SHA256 } from './self-test-vectors.ts'

/** @throws Bug on any deviation */
export function selfTest(): void {
  for (const [text, digest] of SHA256) {
    assert(sha256Hex(utf8(text)) === digest, 'sha-256 gives the digests of FIPS 180-4')
  }
  testRoots()
  for (const [seed, publicKey, message, signature] of HONEST) {
    testHonest(fromHex(seed), fromHex(publicKey), fromHex(message), fromHex(signature))
  }
  for (const [what, publicKey, message, signature] of CRAFTED) {
    const accepts = accepted(fromHex(publicKey), fromHex(message), fromHex(signature))
    assert(!accepts, `a crafted signature is refused: ${what}`)
  }
}

function testRoots(): void {
  let tree = EMPTY
  for (const [record, root] of ROOTS) {
    tree = append(tree, leafHash(fromHex(record)))
    assert(toHex(rootHash(tree)) === root, `the root hash of ${tree.size} records is RFC 6962's`)
  }
}

function testHonest(
  seed: Uint8Array,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): void {
  const signer = signerOf(seed)
  assert(signer.did === didOf(publicKey), 'a seed gives the public key of RFC 8032')
  assert(equalBytes(signer.sign(message), signature), 'a signature is that of RFC 8032')
  assert(accepted(publicKey, message, signature), 'an honest signature is accepted')
  const other = Uint8Array.of(...message, 0)
  assert(!accepted(publicKey, other, signature), 'a signature is good for one message')
}

function accepted(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifySignature(didOf(publicKey), message, signature)
  } catch (error) {
    // The key is not admitted, so it signs nothing.
    if (error instanceof Malformed) return false
    throw error
  }
}
