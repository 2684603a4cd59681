import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StatementId } from '../../src/core/id.ts'
import {
  PENDING_BYTES_PER_SIGNER_MAX,
  PENDING_PER_SIGNER_MAX,
  PENDING_SIGNERS_MAX,
} from '../../src/core/limits.ts'
import { type Owner, Pending, type Waiting } from '../../src/mesh/pending.ts'
import { row } from '../lab/row.ts'

const idOf = (n: number): StatementId => `sha256:${n.toString(16).padStart(64, '0')}`
const waiting = (n: number, owners: readonly Owner[], sizeBytes = 100): Waiting => ({
  id: idOf(n),
  envelope: { type: 'policy', payload: new Uint8Array(), signatures: [] },
  sizeBytes,
  owners,
})
const key = (name: string): Owner => `key:did:key:z6Mk${name}`
const peer = (name: string): Owner => `peer:did:key:z6Mk${name}`
const ids = (pending: Pending) => [...pending.all()].map(({ id }) => id).sort()

test('a flood of one signer evicts nothing of another (S21)', (t) => {
  const pending = new Pending()
  for (let n = 1_000; n < 1_010; n++) pending.put(waiting(n, [key('Honest')]))
  for (let n = 0; n < 500; n++) pending.put(waiting(n, [key('Flood')]))
  for (let n = 1_000; n < 1_010; n++) assert.notEqual(pending.get(idOf(n)), null)
  assert.equal(pending.size, 10 + PENDING_PER_SIGNER_MAX)
  row(t, 127, '0 statements of others evicted')
})

test('a statement that two signed stays while one of them has room for it', () => {
  const pending = new Pending()
  pending.put(waiting(9_999, [key('Flood'), key('Honest')]))
  for (let n = 0; n < 500; n++) pending.put(waiting(n, [key('Flood')]))
  assert.notEqual(pending.get(idOf(9_999)), null)
})

test('a peer that sends what nobody can judge takes no place from keys in role', () => {
  const pending = new Pending()
  for (let n = 0; n < 2 * PENDING_SIGNERS_MAX; n++) pending.put(waiting(n, [peer(`P${n}`)]))
  assert.equal(pending.size, PENDING_SIGNERS_MAX)
  const one = waiting(9_999, [key('Honest')])
  assert.equal(pending.admits(one), true)
  pending.put(one)
  assert.notEqual(pending.get(one.id), null)
})

test('what is kept does not depend on the order of arrival', () => {
  const owner = fc.constantFrom(key('A'), key('B'), key('C'))
  const one = fc.tuple(fc.nat(400), fc.uniqueArray(owner, { minLength: 1 }))
  const set = fc.uniqueArray(one, { minLength: 100, maxLength: 300, selector: ([n]) => n })
  fc.assert(
    fc.property(
      set.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
      ),
      ([all, shuffled]) => {
        const [a, b] = [new Pending(), new Pending()]
        for (const [n, owners] of all) a.put(waiting(n, owners))
        for (const [n, owners] of shuffled) b.put(waiting(n, owners))
        assert.deepEqual(ids(a), ids(b))
      },
    ),
    { numRuns: 30 },
  )
})

test('what is said to leave is what left, and what would not be kept is not admitted', () => {
  const owner = fc.constantFrom(key('A'), key('B'), peer('A'))
  const one = fc.tuple(fc.nat(200), fc.uniqueArray(owner, { minLength: 1 }))
  fc.assert(
    fc.property(fc.array(one, { minLength: 100, maxLength: 200 }), (all) => {
      const pending = new Pending()
      for (const [n, owners] of all) {
        const before = new Set(ids(pending))
        const admitted = pending.admits(waiting(n, owners))
        const evicted = pending.put(waiting(n, owners))
        assert.equal(pending.get(idOf(n)) !== null, admitted)
        before.add(idOf(n))
        assert.deepEqual(ids(pending), [...before].filter((id) => !evicted.includes(id)).sort())
      }
    }),
    { numRuns: 30 },
  )
})

test('large statements are bounded by bytes, and leave room for small ones', () => {
  const pending = new Pending()
  const large = PENDING_BYTES_PER_SIGNER_MAX / 4
  for (let n = 0; n < 10; n++) pending.put(waiting(n, [key('A')], large - 50))
  assert.equal(pending.size, 4)
  pending.put(waiting(100, [key('A')], 200))
  assert.notEqual(pending.get(idOf(100)), null)
})

test('removing gives the place back', () => {
  const pending = new Pending()
  for (let n = 0; n < PENDING_PER_SIGNER_MAX; n++) pending.put(waiting(n, [key('A')]))
  const late = waiting(9_999, [key('A')])
  assert.equal(pending.admits(late), false)
  pending.remove(idOf(0))
  assert.equal(pending.admits(late), true)
})
