/**
 * What sync says about one node of a prefix tree, packed into bytes.
 *
 *     node   0a 7f83…(32) 00 00 18 6a   a child: its digit, its hash, how many are under it
 *     list   0a77…(32)    5c1e…(32)     a statement: the digest in its id, the hash of its envelope
 *
 * Digits and ids ascend, so one node has one spelling.
 */
import { fromHex, toHex } from '../core/bytes.ts'
import { SYNC_LIST_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Branch, Leaf } from '../core/prefix-tree.ts'
import { fourBytes, numberOf } from './frames.ts'

/** Effective statements with their signatures; and what is kept outside, pending or disarmed. */
export type TreeName = 'envelopes' | 'waiting'

export type Part =
  | { readonly as: 'node'; readonly prefix: string; readonly branches: readonly Branch[] }
  | { readonly as: 'list'; readonly prefix: string; readonly leaves: readonly Leaf[] }

const BRANCH_BYTES = 37
const LEAF_BYTES = 64

export function packPart(part: Part): Uint8Array {
  // One decoding for all of it: one for each hash takes three times as long.
  if (part.as === 'list') return fromHex(part.leaves.map(({ key, hash }) => key + hash).join(''))
  return fromHex(
    part.branches
      .map(({ prefix, hash, count }) => `0${prefix.slice(-1)}${hash}${toHex(fourBytes(count))}`)
      .join(''),
  )
}

/** The exact inverse of packPart. @throws Malformed */
export function unpackPart(as: Part['as'], prefix: string, blob: Uint8Array): Part {
  if (as === 'list') {
    const leaves = unpackLeaves(prefix, blob)
    checkAscending(leaves.map(({ key }) => key))
    return { as, prefix, leaves }
  }
  const branches = unpackBranches(prefix, blob)
  checkAscending(branches.map((branch) => branch.prefix))
  return { as, prefix, branches }
}

function unpackBranches(prefix: string, blob: Uint8Array): Branch[] {
  return slices(blob, BRANCH_BYTES, 16).map((slice) => {
    const digit = slice[0] ?? 16
    if (digit > 15) throw new Malformed(`a branch has the digit ${digit}`)
    const count = numberOf(slice.subarray(33))
    if (count === 0) throw new Malformed('a branch is empty')
    return { prefix: prefix + digit.toString(16), hash: toHex(slice.subarray(1, 33)), count }
  })
}

function unpackLeaves(prefix: string, blob: Uint8Array): Leaf[] {
  return slices(blob, LEAF_BYTES, SYNC_LIST_MAX).map((slice) => {
    const key = toHex(slice.subarray(0, 32))
    if (!key.startsWith(prefix)) throw new Malformed(`a leaf of \`${prefix}\` is elsewhere`)
    return { key, hash: toHex(slice.subarray(32)) }
  })
}

function slices(blob: Uint8Array, length: number, max: number): Uint8Array[] {
  if (blob.length % length !== 0 || blob.length > length * max)
    throw new Malformed(`a part has ${blob.length} bytes`)
  return Array.from({ length: blob.length / length }, (_, at) =>
    blob.subarray(at * length, (at + 1) * length),
  )
}

function checkAscending(keys: readonly string[]): void {
  let last = ''
  for (const key of keys) {
    if (key <= last) throw new Malformed('the items of a part do not ascend')
    last = key
  }
}
