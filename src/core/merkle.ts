/**
 * The Merkle tree of RFC 6962, kept as its right edge.
 *
 *   size 7 = 111 in binary:      peak       peak  peak
 *                              /      \     /  \   |
 *                             0 1    2 3    4  5   6
 *
 * A log of n leaves needs only its peaks, the roots of its perfect subtrees,
 * one for each set bit of n, to append and to sign. Proofs need the tiles.
 */
import { assert } from './assert.ts'
import { sha256 } from './id.ts'
import { LOG_RECORDS_MAX } from './limits.ts'

/** 32 bytes of SHA-256. */
export type Hash = Uint8Array

export const HASH_BYTES = 32

/** The peaks, left to right; size fixes how many there are and how high each one is. */
export interface Tree {
  readonly size: number
  readonly peaks: readonly Hash[]
}

export const EMPTY: Tree = { size: 0, peaks: [] }

/** SHA-256(00 ‖ record): its own prefix, so that no leaf can pose as a node (RFC 6962, 2.1). */
export function leafHash(record: Uint8Array): Hash {
  const size = 1 + record.length
  const bytes = size <= LEAF.length ? LEAF.subarray(0, size) : new Uint8Array(size)
  bytes.set(record, 1)
  return sha256(bytes)
}

/** The bytes of the leaf that is being hashed: most fit, and the first one stays 00. */
const LEAF = new Uint8Array(8 * 1024)

/** SHA-256(01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  assert(left.length === HASH_BYTES && right.length === HASH_BYTES, 'a node has two hashes')
  NODE.set(left, 1)
  NODE.set(right, 1 + HASH_BYTES)
  return sha256(NODE)
}

/** The bytes of the node that is being hashed, used again for the next one. */
const NODE = new Uint8Array(1 + 2 * HASH_BYTES)
NODE[0] = 0x01

/** Appends one leaf hash: each trailing one-bit of size merges two equal subtrees (RFC 6962, 2.1). */
export function append(tree: Tree, leaf: Hash): Tree {
  assert(tree.size < LOG_RECORDS_MAX, 'a full log is retired, not appended to')
  assert(tree.peaks.length === peakCount(tree.size), 'there is a peak for each set bit of size')
  const peaks = [...tree.peaks]
  let hash = leaf
  for (let bits = tree.size; bits & 1; bits >>>= 1) {
    hash = nodeHash(peaks.pop() as Hash, hash)
  }
  return { size: tree.size + 1, peaks: [...peaks, hash] }
}

/** For an empty log, the hash of nothing (RFC 6962, 2.1). */
export function rootHash(tree: Tree): Hash {
  const last = tree.peaks.at(-1)
  if (last === undefined) return sha256(new Uint8Array())
  return tree.peaks.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last)
}

/** Of a tree of that many leaves: the set bits of size. */
export function peakCount(size: number): number {
  let count = 0
  for (let bits = size; bits !== 0; bits >>>= 1) count += bits & 1
  return count
}

/** Where the peaks of a tree of that size stand, left to right: each is of the 2^level records from index × 2^level on. */
export function peakPlaces(size: number): readonly { level: number; index: number }[] {
  const places: { level: number; index: number }[] = []
  let from = 0
  for (let level = 31; level >= 0; level -= 1) {
    const width = 2 ** level
    if (from + width > size) continue
    places.push({ level, index: from / width })
    from += width
  }
  return places
}
