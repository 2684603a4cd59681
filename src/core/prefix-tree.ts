/**
 * A set of statements as a Merkle tree over the hex digits of their ids: two
 * nodes whose sets differ find the difference by comparing a few hashes, and
 * never list what they share (design 2, spread).
 *
 *   ''  ── 0 ── leaf 0a77…          leaf   sha256("leaf 0a77…(64) 5c1e…(64)")
 *       └─ 4 ── 4 ── leaf 447f…     node   sha256("node 0:9b1c…(64) 4:77ab…(64)")
 *            └─ b ── leaf 4b02…     empty  sha256("node")
 *
 * A subtree of one key is its leaf, so equal sets have one tree and one hash,
 * whatever the order of arrival. A tree is a value: `set` and `delete` copy the
 * path to a key and share the rest, and hashes are computed when first asked for.
 */
import { hash as digest } from 'node:crypto'
import { assert } from './assert.ts'

/** A subtree: hex digits that its keys begin with, its hash, its number of keys. */
export interface Branch {
  readonly prefix: string
  /** 64 hex digits, like every hash here. */
  readonly hash: string
  readonly count: number
}

export interface Leaf {
  /** 64 hex digits. */
  readonly key: string
  readonly hash: string
}

interface Tip extends Leaf {
  readonly count: 1
  /** Of key and hash; null until it is asked for. */
  own: string | null
}

interface Fork {
  /** By digit; keys below all begin with the digits that lead here. */
  readonly children: readonly (Tip | Fork | null)[]
  readonly count: number
  own: string | null
}

type Tree = Tip | Fork | null

const KEY = /^[0-9a-f]{64}$/
const DIGITS = '0123456789abcdef'
const NOTHING: readonly null[] = Array.from({ length: DIGITS.length }, () => null)

export class PrefixTree {
  static readonly EMPTY = new PrefixTree(null)

  readonly #top: Tree

  private constructor(top: Tree) {
    this.#top = top
  }

  get count(): number {
    return this.#top?.count ?? 0
  }

  get rootHash(): string {
    return hashOf(this.#top)
  }

  get(key: string): string | null {
    const found = descend(this.#top, key)
    return found !== null && isTip(found) && found.key === key ? found.hash : null
  }

  /** @param hash 64 hex digits */
  set(key: string, hash: string): PrefixTree {
    assert(KEY.test(key) && KEY.test(hash), 'a leaf is two hashes')
    if (this.get(key) === hash) return this
    return new PrefixTree(put(this.#top, { key, hash, count: 1, own: null }, 0))
  }

  delete(key: string): PrefixTree {
    if (this.get(key) === null) return this
    return new PrefixTree(without(this.#top, key, 0))
  }

  /** The subtree of the keys that begin so; null when there are none. */
  branch(prefix: string): Branch | null {
    const found = descend(this.#top, prefix)
    if (found === null) return null
    return { prefix, hash: hashOf(found), count: found.count }
  }

  /** The subtrees one digit below, ascending. */
  branches(prefix: string): readonly Branch[] {
    return [...DIGITS].flatMap((digit) => this.branch(prefix + digit) ?? [])
  }

  /** Ascending by key. */
  leaves(prefix = ''): readonly Leaf[] {
    const leaves: Leaf[] = []
    collect(descend(this.#top, prefix), leaves)
    return leaves
  }
}

/** Of the subtree that has these branches, all of them. Of a subtree of fewer than two keys, see hashOfLeaves. */
export function hashOfBranches(branches: readonly Branch[]): string {
  const texts = branches.map(({ prefix, hash }) => `${prefix.slice(-1)}:${hash}`)
  return sha256(['node', ...texts].join(' '))
}

/** Of the subtree at that prefix that has these leaves, all of them, ascending. */
export function hashOfLeaves(prefix: string, leaves: readonly Leaf[]): string {
  const [first] = leaves
  if (first !== undefined && leaves.length === 1) return hashOfLeaf(first)
  // One pass for all digits: the list of a peer has some hundred leaves.
  const under = Map.groupBy(leaves, ({ key }) =>
    key.startsWith(prefix) ? key.charAt(prefix.length) : '',
  )
  const branches = [...DIGITS].flatMap((digit) => {
    const [at, below] = [prefix + digit, under.get(digit)]
    return below === undefined
      ? []
      : { prefix: at, hash: hashOfLeaves(at, below), count: below.length }
  })
  return hashOfBranches(branches)
}

function hashOfLeaf({ key, hash }: Leaf): string {
  return sha256(`leaf ${key} ${hash}`)
}

function hashOf(tree: Tree): string {
  if (tree === null) return hashOfBranches([])
  tree.own ??= isTip(tree) ? hashOfLeaf(tree) : hashOfFork(tree)
  return tree.own
}

function hashOfFork({ children }: Fork): string {
  let text = 'node'
  for (const [digit, child] of children.entries()) {
    if (child !== null) text += ` ${digit.toString(16)}:${hashOf(child)}`
  }
  return sha256(text)
}

function isTip(tree: Tip | Fork): tree is Tip {
  return 'key' in tree
}

/** To the subtree of all keys that begin so. A tip may stand above the end of the prefix. */
function descend(tree: Tree, prefix: string): Tree {
  let at = tree
  for (let depth = 0; depth < prefix.length && at !== null; depth++) {
    if (isTip(at)) return at.key.startsWith(prefix) ? at : null
    at = at.children[digitAt(prefix, depth)] ?? null
  }
  return at
}

function put(tree: Tree, tip: Tip, depth: number): Tip | Fork {
  if (tree === null) return tip
  if (!isTip(tree))
    return replaced(tree, digitAt(tip.key, depth), (child) => put(child, tip, depth + 1))
  if (tree.key === tip.key) return tip
  // Two tips, one place: both move down until their digits differ.
  const fork: Fork = { children: NOTHING, count: 0, own: null }
  return put(put(fork, tree, depth), tip, depth)
}

/** The key is in the tree. */
function without(tree: Tree, key: string, depth: number): Tree {
  if (tree === null || isTip(tree)) return null
  const fork = replaced(tree, digitAt(key, depth), (child) => without(child, key, depth + 1))
  if (fork.count > 1) return fork
  // What is left alone is a tip again, wherever it stood.
  return onlyTip(fork)
}

function onlyTip(fork: Fork): Tip | null {
  for (const child of fork.children) {
    if (child !== null) return isTip(child) ? child : onlyTip(child)
  }
  return null
}

function replaced(fork: Fork, digit: number, change: (child: Tree) => Tree): Fork {
  const before = fork.children[digit] ?? null
  const after = change(before)
  const count = fork.count - (before?.count ?? 0) + (after?.count ?? 0)
  return { children: fork.children.with(digit, after), count, own: null }
}

function collect(tree: Tree, leaves: Leaf[]): void {
  if (tree === null) return
  if (isTip(tree)) leaves.push(tree)
  else for (const child of tree.children) collect(child, leaves)
}

function digitAt(key: string, depth: number): number {
  return Number.parseInt(key.charAt(depth), 16)
}

function sha256(text: string): string {
  return digest('sha256', text, 'hex')
}
