/** RFC 6962 transcribed, slow and obviously right: what the peaks and the proofs are compared with. */
import { sha256 } from '../../src/core/id.ts'
import { type Hash, leafHash, nodeHash } from '../../src/core/merkle.ts'

function split(size: number): number {
  let k = 1
  while (k * 2 < size) k *= 2
  return k
}

/** MTH of 2.1, of leaf hashes. */
export function mth(leaves: readonly Hash[]): Hash {
  const [first] = leaves
  if (first === undefined) return sha256(new Uint8Array())
  if (leaves.length === 1) return first
  const k = split(leaves.length)
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)))
}

/** PATH(m, D[n]) of 2.1.1. */
export function path(m: number, leaves: readonly Hash[]): readonly Hash[] {
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return m < k ? [...path(m, left), mth(right)] : [...path(m - k, right), mth(left)]
}

/** PROOF(m, D[n]) of 2.1.2, for 0 < m < n. */
export function proof(m: number, leaves: readonly Hash[]): readonly Hash[] {
  return subproof(m, leaves, true)
}

function subproof(m: number, leaves: readonly Hash[], whole: boolean): readonly Hash[] {
  if (m === leaves.length) return whole ? [] : [mth(leaves)]
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  if (m <= k) return [...subproof(m, left, whole), mth(right)]
  return [...subproof(m - k, right, false), mth(left)]
}

/** Leaves that differ from each other. */
export function leavesOf(size: number): readonly Hash[] {
  return Array.from({ length: size }, (_, i) => leafHash(Uint8Array.of(i >> 8, i)))
}

/** The node hashes that tiles hold. */
export function nodesOf(leaves: readonly Hash[]): (level: number, index: number) => Hash {
  return (level, index) => mth(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))
}
