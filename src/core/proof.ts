/**
 * Proofs over the Merkle tree of RFC 6962: that a record is in a log, and that
 * one log continues another. They are made from the hashes of perfect
 * subtrees, which tiles hold, and checked with nothing but the hashes given.
 *
 * Whatever a peer sends, the answer is true or false: a size of 2^63, a proof
 * too short or too long, a hash of 31 bytes.
 */
import { assert } from './assert.ts'
import { equalBytes } from './bytes.ts'
import { LOG_RECORDS_MAX } from './limits.ts'
import { EMPTY, HASH_BYTES, type Hash, nodeHash, rootHash } from './merkle.ts'

/** The hash of the perfect subtree of 2^level leaves that begins at leaf index × 2^level. */
export type ReadNode = (level: number, index: number) => Hash

/** Whether the leaf hash is record `index` of the log of that size and root hash (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  leaf: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
  root: Hash,
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false
  if (![leaf, ...proof].every(isHash)) return false
  let edge: Edge = { node: index, last: size - 1 }
  let hash = leaf
  for (const sibling of proof) {
    if (edge.last === 0) return false
    hash = siblingLeft(edge) ? nodeHash(sibling, hash) : nodeHash(hash, sibling)
    edge = climb(edge)
  }
  return edge.last === 0 && equalBytes(hash, root)
}

/** Whether the log of n records begins with the m records of the other (RFC 9162, 2.1.4.2). */
export function verifyConsistency(
  m: number,
  rootM: Hash,
  n: number,
  rootN: Hash,
  proof: readonly Hash[],
): boolean {
  if (!isSize(m) || !isSize(n) || m > n || ![rootM, rootN, ...proof].every(isHash)) return false
  if (m === n) return proof.length === 0 && equalBytes(rootM, rootN)
  // Every log continues the empty one; the RFC leaves it out.
  if (m === 0) return proof.length === 0 && equalBytes(rootM, rootHash(EMPTY))
  // A perfect old tree is a subtree of the new one, so its root is not sent.
  const roots = rootsOfProof(m, n, isPowerOfTwo(m) ? [rootM, ...proof] : proof)
  return roots !== null && equalBytes(roots.old, rootM) && equalBytes(roots.new, rootN)
}

/**
 * The root hashes of the first m and of all n records, as a whole proof leads
 * to them; null for what has not the shape of one. Whoever trusts the new one
 * has the old one of the same log, whatever else its key signed.
 * @param proof of proveWhole: it begins with a hash of the log also where m is a power of two
 */
export function rootsOfProof(
  m: number,
  n: number,
  proof: readonly Hash[],
): { readonly old: Hash; readonly new: Hash } | null {
  const [start, ...siblings] = proof
  if (!isSize(m) || !isSize(n) || m === 0 || m >= n || !proof.every(isHash)) return null
  if (start === undefined) return null
  let edge = skipRights({ node: m - 1, last: n - 1 })
  let [oldHash, newHash] = [start, start]
  for (const sibling of siblings) {
    if (edge.last === 0) return null
    const left = siblingLeft(edge)
    if (left) oldHash = nodeHash(sibling, oldHash)
    newHash = left ? nodeHash(sibling, newHash) : nodeHash(newHash, sibling)
    edge = climb(edge)
  }
  return edge.last === 0 ? { old: oldHash, new: newHash } : null
}

/**
 * The siblings from the leaf upwards: PATH of RFC 6962, 2.1.1.
 * @param index below size; of what a peer asks, the caller checks it
 */
export function proveInclusion(index: number, size: number, read: ReadNode): Hash[] {
  assert(isSize(index) && isSize(size) && index < size, 'only what is in a log is proven')
  const proof: Hash[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    const left = index < middle
    proof.push(left ? hashOf(middle, to, read) : hashOf(from, middle, read))
    if (left) to = middle
    else from = middle
  }
  return proof.reverse()
}

/**
 * PROOF of RFC 6962, 2.1.2; empty from size 0, and from n to n.
 * @param m at most n; of what a peer asks, the caller checks it
 */
export function proveConsistency(m: number, n: number, read: ReadNode): Hash[] {
  assert(isSize(m) && isSize(n) && m <= n, 'a log only grows')
  if (m === 0) return []
  const proof: Hash[] = []
  let [from, to] = [0, n]
  while (to !== m) {
    const middle = from + splitOf(to - from)
    const left = m <= middle
    proof.push(left ? hashOf(middle, to, read) : hashOf(from, middle, read))
    if (left) to = middle
    else from = middle
  }
  // From 0 on, what is left is the old tree itself, whose root the verifier has.
  if (from > 0) proof.push(hashOf(from, to, read))
  return proof.reverse()
}

/**
 * PROOF with the hash that the verifier is otherwise supposed to have: of the old
 * tree itself, where m is a power of two. Of two logs it then tells which one is meant.
 * @param m above 0 and below n; of what a peer asks, the caller checks it
 */
export function proveWhole(m: number, n: number, read: ReadNode): Hash[] {
  assert(m > 0 && m < n, 'a whole proof has an old tree and a new one')
  const proof = proveConsistency(m, n, read)
  return isPowerOfTwo(m) ? [read(Math.log2(m), 0), ...proof] : proof
}

/**
 * The whole proof out of what a log that knows RFC 6962 alone gives: where m is a
 * power of two its old tree stands beside the path of record m, first from the left.
 * @param inclusion of record m in n records; [] where m is no power of two
 */
export function wholeProof(
  m: number,
  consistency: readonly Hash[],
  inclusion: readonly Hash[],
): readonly Hash[] {
  if (!isPowerOfTwo(m)) return consistency
  // Above it both climb by the same siblings.
  const old = inclusion.at(-consistency.length)
  return old === undefined ? [] : [old, ...consistency]
}

/** Where one node stands on its level, and the last node of that level. */
interface Edge {
  readonly node: number
  readonly last: number
}

/** True if the sibling is to the left; a last node without a sibling rises until it has one, to the left. */
function siblingLeft({ node, last }: Edge): boolean {
  return isRight(node) || node === last
}

/** To the node that the sibling and the own hash make. */
function climb(edge: Edge): Edge {
  let { node, last } = edge
  if (siblingLeft(edge))
    while (!isRight(node) && node !== 0) [node, last] = [node >>> 1, last >>> 1]
  return { node: node >>> 1, last: last >>> 1 }
}

/** To the first node that is a left child. */
function skipRights({ node, last }: Edge): Edge {
  // INVARIANT: both are below 2^32, the bound of `>>>`.
  while (isRight(node)) [node, last] = [node >>> 1, last >>> 1]
  return { node, last }
}

function isRight(node: number): boolean {
  return (node & 1) === 1
}

/** The root hash of leaves [from, to); from is a multiple of every subtree's size that occurs here. */
function hashOf(from: number, to: number, read: ReadNode): Hash {
  const size = to - from
  if (isPowerOfTwo(size)) return read(Math.log2(size), from / size)
  const middle = from + splitOf(size)
  return nodeHash(hashOf(from, middle, read), hashOf(middle, to, read))
}

/** The largest power of two below size (RFC 6962, 2.1). */
function splitOf(size: number): number {
  return 2 ** (31 - Math.clz32(size - 1))
}

export function isPowerOfTwo(size: number): boolean {
  return size > 0 && (size & (size - 1)) === 0
}

function isSize(size: number): boolean {
  return Number.isInteger(size) && size >= 0 && size <= LOG_RECORDS_MAX
}

function isHash(hash: Hash): boolean {
  return hash.length === HASH_BYTES
}
