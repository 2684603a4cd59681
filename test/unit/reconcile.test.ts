import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256Hex } from '../../src/core/id.ts'
import { SYNC_LEAVES, SYNC_PREFIXES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { PrefixTree } from '../../src/core/prefix-tree.ts'
import { partOf, Walk } from '../../src/mesh/reconcile.ts'
import type { Part } from '../../src/mesh/sync-parts.ts'

const key = (n: number) => sha256Hex(utf8(`key ${n}`))
const hash = (n: number) => sha256Hex(utf8(`hash ${n}`))

/** A tree of leaves: number → which hash it has. */
function treeOf(leaves: Iterable<readonly [number, number]>): PrefixTree {
  let tree = PrefixTree.EMPTY
  for (const [n, version] of leaves) tree = tree.set(key(n), hash(version))
  return tree
}

const begin = (ours: PrefixTree, theirs: PrefixTree) =>
  new Walk(ours, theirs.rootHash, partOf(theirs, '', 'node'))

/** Walks to the end. */
function walk(ours: PrefixTree, theirs: PrefixTree, take = (part: Part): Part => part) {
  const one = begin(ours, theirs)
  const found = [...one.found()]
  let rounds = 0
  for (let places = one.next(); places !== null; places = one.next()) {
    rounds += 1
    one.take([
      ...places.nodes.map((prefix) => take(partOf(theirs, prefix, 'node'))),
      ...places.lists.map((prefix) => take(partOf(theirs, prefix, 'list'))),
    ])
    found.push(...one.found())
  }
  return { found: found.map((leaf) => leaf.key).sort(), surplus: [...one.surplus].sort(), rounds }
}

const keysOf = (tree: PrefixTree) =>
  new Map([...tree.leaves()].map((leaf) => [leaf.key, leaf.hash]))
const missingFrom = (ours: PrefixTree, theirs: PrefixTree) => {
  const held = keysOf(ours)
  return [...theirs.leaves()]
    .filter((leaf) => held.get(leaf.key) !== leaf.hash)
    .map((leaf) => leaf.key)
    .sort()
}

test('a walk finds exactly what differs, in both directions', () => {
  const leaf = fc.tuple(fc.nat(400), fc.nat(1))
  const leaves = fc.uniqueArray(leaf, { maxLength: 300, selector: ([n]) => n })
  fc.assert(
    fc.property(leaves, leaves, (a, b) => {
      const [ours, theirs] = [treeOf(a), treeOf(b)]
      const { found, surplus } = walk(ours, theirs)
      assert.deepEqual(found, missingFrom(ours, theirs))
      assert.deepEqual(surplus, missingFrom(theirs, ours))
    }),
    { numRuns: 60 },
  )
})

const many = treeOf(Array.from({ length: 20_000 }, (_, n) => [n, 0] as const))

test('one missing among 20,000 is found in at most three further rounds', () => {
  const { found, rounds } = walk(many.delete(key(7)), many)
  assert.deepEqual(found, [key(7)])
  assert.ok(rounds <= 3, `${rounds} rounds`)
})

test('from nothing, a tree of 20,000 is listed, not divided to the end', () => {
  const { found, rounds } = walk(PrefixTree.EMPTY, many)
  assert.equal(found.length, 20_000)
  assert.ok(rounds <= 2, `${rounds} rounds`)
})

test('a subtree is listed when it is small, and divided when it is too large to be listed', () => {
  const small = treeOf(Array.from({ length: SYNC_LEAVES }, (_, n) => [n, 0] as const))
  assert.equal(partOf(small, '', 'node').as, 'list')
  assert.equal(partOf(small.set(key(999), hash(0)), '', 'node').as, 'node')
  assert.equal(partOf(many, '', 'list').as, 'node')
})

test('a frame never asks about more subtrees than it may', () => {
  const other = treeOf(Array.from({ length: 20_000 }, (_, n) => [n, 1] as const))
  const one = begin(many, other)
  for (let places = one.next(); places !== null; places = one.next()) {
    assert.ok(places.nodes.length + places.lists.length <= SYNC_PREFIXES_MAX)
    // An honest server may answer less than it was asked.
    const [prefix] = [...places.nodes, ...places.lists]
    assert.ok(prefix !== undefined)
    one.take([partOf(other, prefix, 'list')])
  }
  assert.equal(one.found().length, 20_000)
})

const three = treeOf([1, 2, 3].map((n) => [n, 0] as const))

test('refused: a top that is not what the summary says', () => {
  assert.throws(() => new Walk(three, hash(9), partOf(many, '', 'node')), Malformed)
  assert.throws(() => new Walk(three, many.rootHash, partOf(three, '', 'node')), Malformed)
})

test('refused: a subtree of another hash, count or place, and what was not asked for', () => {
  const lies: Record<string, (part: Part) => Part> = {
    'a leaf left out': (part) =>
      part.as === 'list'
        ? { ...part, leaves: part.leaves.slice(1) }
        : { ...part, branches: part.branches.slice(1) },
    'another hash': (part) =>
      part.as === 'list'
        ? { ...part, leaves: part.leaves.map((leaf) => ({ ...leaf, hash: hash(8) })) }
        : { ...part, branches: part.branches.map((each) => ({ ...each, hash: hash(8) })) },
    'another place': (part) => ({ ...part, prefix: `${part.prefix}0` }) as Part,
  }
  for (const [what, lie] of Object.entries(lies))
    assert.throws(() => walk(three, many, lie), Malformed, what)
})

test('refused: counts that promise more than there is, however deep', () => {
  const top = partOf(many, '', 'node')
  assert.ok(top.as === 'node')
  const branches = top.branches.map((each) => ({ ...each, count: each.count + 1 }))
  const one = new Walk(PrefixTree.EMPTY, many.rootHash, { ...top, branches })
  const places = one.next()
  assert.ok(places !== null)
  assert.throws(
    () => one.take(places.lists.map((prefix) => partOf(many, prefix, 'list'))),
    Malformed,
  )
})

test('refused: no answer to a walk', () => {
  assert.throws(() => begin(three, many).take([]), Malformed)
})
