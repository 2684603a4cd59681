import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import * as ids from '../../src/core/id.ts'
import { Malformed } from '../../src/core/malformed.ts'

const anyBytes = fc.uint8Array({ maxLength: 80 })

test('an id is the hash of the exact bytes', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  assert.equal(ids.idOf(utf8('abc')), `sha256:${abc}`)
  assert.equal(toHex(ids.sha256(utf8('abc'))), abc)
  assert.equal(Object.getPrototypeOf(ids.sha256(utf8(''))), Uint8Array.prototype)
})

test('a CID is that of CIDv1, dag-cbor, sha2-256, and its bytes are inside', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const cid = ids.cidOf(bytes)
      assert.ok(ids.isCid(cid), cid)
      const parsed = CID.parse(cid)
      assert.equal(parsed.code, 0x71)
      assert.deepEqual(ids.cidBytes(cid), parsed.bytes)
      assert.equal(toHex(parsed.multihash.digest), ids.sha256Hex(bytes))
    }),
  )
})

test('a CID has one spelling', () => {
  const cid = ids.cidOf(utf8('abc'))
  const tail = cid.slice(0, -1)
  // Only each fourth character leaves the two unused bits zero.
  const endings = [...'abcdefghijklmnopqrstuvwxyz234567'].filter((c) => ids.isCid(tail + c))
  assert.equal(endings.join(''), 'aeimquy4')
  for (const text of [
    '',
    cid.toUpperCase(),
    `${cid}a`,
    tail,
    `${cid}\n`,
    cid.replace('bafyrei', 'bafkrei'),
  ]) {
    assert.ok(!ids.isCid(text), text)
    assert.throws(() => ids.cidBytes(text), Malformed)
  }
})

test('a sha256 id is lower case, whole and alone', () => {
  const id = ids.idOf(utf8(''))
  assert.ok(ids.isSha256Id(id))
  for (const text of [id.toUpperCase(), id.slice(0, -1), `${id}0`, `${id}\n`, id.slice(7), ''])
    assert.ok(!ids.isSha256Id(text), text)
})

test('short ids begin after the head that all ids share, and find their id', () => {
  fc.assert(
    fc.property(anyBytes, fc.constantFrom(8, 12), (bytes, digits) => {
      const names = [
        ['rev', ids.idOf(bytes)],
        ['art', ids.cidOf(bytes)],
      ] as const
      for (const [tag, id] of names) {
        const short = ids.parseShortId(ids.shortId(tag, id, digits))
        assert.ok(short !== null)
        assert.equal(short.tag, tag)
        assert.equal(short.prefix.length, digits)
        assert.ok(ids.idMatches(short, id))
        assert.ok(!ids.idMatches({ ...short, prefix: `${short.prefix.slice(1)}!` }, id))
      }
    }),
  )
  assert.equal(ids.shortId('rev', `sha256:0a77e4c1${'0'.repeat(56)}`), 'rev_0a77e4c1')
  assert.equal(ids.shortId('art', `bafyreibejocdkb${'a'.repeat(44)}`), 'art_bejocdkb')
})

test('what is no short id is not taken for one', () => {
  const none = [
    'rev_0a77e4c',
    'rev_0A77E4C1',
    'rev_0a77e4cg',
    'art_0a77e4c1',
    'foo_0a77e4c1',
    'rev0a77e4c1',
  ]
  const odd = [
    'constructor_0a77e4c1',
    'rev_',
    '',
    ' rev_0a77e4c1',
    'rev_0a77e4c1\n',
    `rev_${'0'.repeat(65)}`,
  ]
  for (const text of [...none, ...odd]) assert.equal(ids.parseShortId(text), null, text)
})
