import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { governanceDigest } from '../../src/core/digest.ts'
import { hashOfBranches, hashOfLeaves, PrefixTree } from '../../src/core/prefix-tree.ts'

const sha256 = (text: string) => hash('sha256', text, 'hex')
/** Keys that share long beginnings, as a grinder would make them. */
const key = fc
  .tuple(
    fc.constantFrom('', '0', '00', '0a', 'ffff', 'f'.repeat(63)),
    fc.integer({ min: 0, max: 15 }),
  )
  .map(([start, end]) => start + end.toString(16).padStart(64 - start.length, '0'))
const value = fc.constantFrom('a', 'b').map((digit) => digit.repeat(64))
const entries = fc.array(fc.tuple(key, value), { maxLength: 40 })

function treeOf(pairs: Iterable<readonly [string, string]>): PrefixTree {
  let tree = PrefixTree.EMPTY
  for (const [each, hashed] of pairs) tree = tree.set(each, hashed)
  return tree
}

/** The hash from its definition, over all pairs at once. */
function model(pairs: readonly (readonly [string, string])[], depth = 0): string {
  const [first] = pairs
  if (first !== undefined && pairs.length === 1) return sha256(`leaf ${first[0]} ${first[1]}`)
  const parts = [...'0123456789abcdef'].flatMap((digit) => {
    const below = pairs.filter(([each]) => each[depth] === digit)
    return below.length === 0 ? [] : ` ${digit}:${model(below, depth + 1)}`
  })
  return sha256(`node${parts.join('')}`)
}

test('a tree is what a map of the same entries is, and its hash is the one of its definition', () => {
  fc.assert(
    fc.property(entries, fc.array(key, { maxLength: 20 }), (pairs, gone) => {
      const map = new Map(pairs)
      let tree = treeOf(pairs)
      for (const each of gone) {
        map.delete(each)
        tree = tree.delete(each)
      }
      const expected = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
      assert.deepEqual(
        [...tree.leaves()].map((leaf) => [leaf.key, leaf.hash]),
        expected,
      )
      assert.equal(tree.count, map.size)
      assert.equal(tree.rootHash, model(expected))
      for (const [each] of pairs) assert.equal(tree.get(each), map.get(each) ?? null)
    }),
  )
})

test('equal sets have one hash, whatever came and went before, and other sets another', () => {
  fc.assert(
    fc.property(entries, fc.func(fc.nat()), key, (pairs, dice, extra) => {
      const map = [...new Map(pairs)]
      const shuffled = map.toSorted(([a], [b]) => dice(a) - dice(b))
      const tree = treeOf(map)
      const detour = treeOf([[extra, 'c'.repeat(64)], ...shuffled])
      const kept = tree.get(extra)
      const back = kept === null ? detour.delete(extra) : detour.set(extra, kept)
      assert.equal(back.rootHash, tree.rootHash)
      assert.notEqual(tree.set(extra, 'c'.repeat(64)).rootHash, tree.rootHash)
    }),
  )
})

test('a tree that was read stays as it was', () => {
  fc.assert(
    fc.property(entries, key, (pairs, each) => {
      const tree = treeOf(pairs)
      const before = [...tree.leaves()]
      const { rootHash } = tree
      assert.ok(tree.set(each, 'c'.repeat(64)).delete(each).count <= before.length)
      assert.deepEqual([...tree.leaves()], before)
      assert.equal(tree.rootHash, rootHash)
    }),
  )
})

test('the parts of a tree hash and count to what the part above says of them', () => {
  fc.assert(
    fc.property(entries, (pairs) => {
      const tree = treeOf(pairs)
      const open = ['']
      for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
        const branch = tree.branch(prefix)
        const leaves = [...tree.leaves(prefix)]
        const branches = prefix.length < 64 ? tree.branches(prefix) : []
        assert.equal(branch?.count ?? 0, leaves.length)
        assert.equal(hashOfLeaves(prefix, leaves), branch?.hash ?? PrefixTree.EMPTY.rootHash)
        if (leaves.length < 2) continue
        assert.equal(hashOfBranches(branches), branch?.hash)
        assert.equal(
          branches.reduce((sum, { count }) => sum + count, 0),
          leaves.length,
        )
        open.push(...branches.map((each) => each.prefix))
      }
    }),
  )
})

test('a subtree is found by a prefix longer than the path to its only key', () => {
  const tree = treeOf([['ab'.repeat(32), 'c'.repeat(64)]])
  assert.equal(tree.branch('abab')?.hash, tree.rootHash)
  assert.equal(tree.branch('abaa'), null)
  assert.deepEqual(
    tree.branches('abab').map(({ prefix }) => prefix),
    ['ababa'],
  )
  assert.deepEqual([...tree.leaves('b')], [])
})

test('a leaf is two hashes', () => {
  assert.throws(() => PrefixTree.EMPTY.set('ab', 'c'.repeat(64)))
  assert.throws(() => PrefixTree.EMPTY.set('A'.repeat(64), 'c'.repeat(64)))
  assert.throws(() => PrefixTree.EMPTY.set('a'.repeat(64), ''))
})

test('the bytes of the digest do not change', () => {
  const key = '0a'.repeat(32)
  assert.equal(PrefixTree.EMPTY.rootHash, sha256('node'))
  const leaf = sha256(`leaf ${key} ${key}`)
  const id = `sha256:${'1b'.repeat(32)}` as const
  const tree = PrefixTree.EMPTY.set(key, key)
  assert.equal(governanceDigest(id, tree), sha256(`meshd governance 1\n${id}\n${leaf}\n`))
  assert.equal(
    governanceDigest(null, PrefixTree.EMPTY),
    sha256(`meshd governance 1\nnone\n${sha256('node')}\n`),
  )
})
