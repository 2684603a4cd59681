import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'
import { concat, equalBytes, fromHex, utf8 } from '../../src/core/bytes.ts'
import * as keys from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { row } from '../lab/row.ts'

const { Point } = ed25519
const order = Point.Fn.ORDER
const signer = keys.signerOf(utf8('an example key of thirty-two byt'))
const publicKey = keys.publicKeyOf(signer.did)
const message = utf8('hello')
const signature = signer.sign(message)

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })
const few = { numRuns: 20 }

/** The text of a key that nobody admitted. */
function forgedDid(publicKeyBytes: Uint8Array): keys.Did {
  const text = `did:key:${base58btc.encode(concat(fromHex('ed01'), publicKeyBytes))}`
  assert.ok(keys.isDid(text), text)
  return text
}

/** The rule written out: S below the order, R = S·B - k·A compared as bytes, no cofactor. */
function verifyByEquation(key: Uint8Array, bytes: Uint8Array, sig: Uint8Array): boolean {
  const [R, S] = [sig.subarray(0, 32), littleEndian(sig.subarray(32))]
  if (S >= order || equalBytes(R, Point.ZERO.toBytes())) return false
  const k =
    littleEndian(
      createHash('sha512')
        .update(concat(R, key, bytes))
        .digest(),
    ) % order
  const right = times(Point.BASE, S).subtract(times(Point.fromBytes(key, false), k))
  return equalBytes(right.toBytes(), R)
}

function times(point: typeof Point.BASE, n: bigint): typeof Point.BASE {
  return n === 0n ? Point.ZERO : point.multiplyUnsafe(n)
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n)
}

function toLittleEndian(n: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 0xffn))
}

test('a key and its did are one thing', () => {
  fc.assert(
    fc.property(seed, (bytes) => {
      const { did } = keys.signerOf(bytes)
      assert.match(did, /^did:key:z6Mk.{44}$/)
      assert.deepEqual(keys.publicKeyOf(did), ed25519.getPublicKey(bytes))
      assert.equal(keys.didOf(keys.publicKeyOf(did)), did)
      assert.equal(keys.parseDid(did), did)
    }),
    few,
  )
})

test('only the canonical text of an Ed25519 key is a did', (t) => {
  const { did } = signer
  const p256 = 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'
  const x25519 = `did:key:${base58btc.encode(concat(fromHex('ec01'), publicKey))}`
  const long = `did:key:${base58btc.encode(concat(fromHex('ed01'), publicKey, fromHex('00')))}`
  const outside = [`did:key:z6Mk${'1'.repeat(44)}`, `did:key:z6Mk${'z'.repeat(44)}`]
  const near = [`${did} `, `${did}\n`, did.slice(0, -1), did.toUpperCase(), did.replace('z6', 'Z6')]
  for (const text of [p256, x25519, long, ...outside, ...near, `${did}#key`, '', 'did:key:']) {
    assert.ok(!keys.isDid(text), text)
    assert.throws(() => keys.parseDid(text), Malformed, text)
  }
  row(t, 82, '0 keys of another type or spelling accepted')
})

test('an honest signature holds for its key and message alone', () => {
  assert.ok(keys.verifySignature(signer.did, message, signature))
  const other = keys.signerOf(new Uint8Array(32))
  assert.ok(!keys.verifySignature(other.did, message, signature))
  assert.ok(!keys.verifySignature(signer.did, utf8('hello!'), signature))
})

test('a bit changed in a signature makes it bad, and a signature has 64 bytes', () => {
  fc.assert(
    fc.property(fc.nat(511), (bit) => {
      const bad = signature.slice()
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.ok(!keys.verifySignature(signer.did, message, bad))
    }),
    { numRuns: 64 },
  )
  for (const bad of [signature.slice(1), concat(signature, fromHex('00')), new Uint8Array()])
    assert.ok(!keys.verifySignature(signer.did, message, bad))
})

test('the rule and its equation agree on honest, malleated and shifted signatures', () => {
  const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex, true))
  let accepted = 0
  fc.assert(
    fc.property(seed, fc.nat(7), fc.nat(2), (bytes, shift, orders) => {
      const { did, sign } = keys.signerOf(bytes)
      const honest = sign(message)
      const R = Point.fromBytes(honest.subarray(0, 32), false).add(torsion[shift] ?? Point.ZERO)
      const S = littleEndian(honest.subarray(32)) + BigInt(orders) * order
      const crafted = concat(R.toBytes(), toLittleEndian(S))
      const got = keys.verifySignature(did, message, crafted)
      assert.equal(got, verifyByEquation(keys.publicKeyOf(did), message, crafted))
      assert.equal(got, shift === 0 && orders === 0)
      accepted += Number(got)
    }),
    { numRuns: 60, examples: [[new Uint8Array(32), 0, 0]] },
  )
  assert.ok(accepted > 0)
})

test('no key of small order is admitted, so none of its 512 forgeries is accepted', (t) => {
  let forgeries = 0
  for (const A of ED25519_TORSION_SUBGROUP.map(fromHex)) {
    const did = forgedDid(A)
    assert.throws(() => keys.parseDid(did), Malformed)
    for (const R of ED25519_TORSION_SUBGROUP.map(fromHex))
      for (let i = 0; i < 8; i++) {
        const forged = concat(R, new Uint8Array(32))
        assert.ok(!keys.verifySignature(did, utf8(`message ${i}`), forged))
        forgeries += 1
      }
  }
  assert.equal(forgeries, 512)
  row(t, 81, '512 forgeries, 0 accepted')
})

test('no key with a part of small order is admitted, nor one that is not canonical', () => {
  const base = Point.fromBytes(publicKey, false)
  const mixed = ED25519_TORSION_SUBGROUP.map((hex) => base.add(Point.fromHex(hex, true)).toBytes())
  const good = mixed.filter((bytes) => equalBytes(bytes, publicKey))
  assert.equal(good.length, 1)
  for (const bytes of mixed.filter((each) => !good.includes(each)))
    assert.throws(() => keys.didOf(bytes), /prime order/)
  const p = 2n ** 255n - 19n
  for (const y of [p, p + 1n, p + 3n, 1n + 2n ** 255n, 2n])
    assert.throws(() => keys.didOf(toLittleEndian(y)), /prime order/, String(y))
  assert.throws(() => keys.didOf(publicKey.subarray(1)), Malformed)
})

test('a private key has 32 bytes', () => {
  assert.throws(() => keys.signerOf(new Uint8Array(31)), { name: 'Bug' })
})

test('the caller may change what it was given', () => {
  keys.publicKeyOf(signer.did).fill(0)
  assert.deepEqual(keys.publicKeyOf(signer.did), publicKey)
  assert.equal(Object.getPrototypeOf(signature), Uint8Array.prototype)
})

test('a public key of another length is refused before it is printed', () => {
  const start = performance.now()
  for (const length of [0, 31, 33, 70_000])
    assert.throws(() => keys.didOf(new Uint8Array(length).fill(7)), Malformed)
  assert.ok(performance.now() - start < 1_000, 'base58 of 70,000 bytes takes many seconds')
})
