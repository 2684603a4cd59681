/** What was used stays used, across restarts, until it would be refused as expired anyway. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Nonces } from '../../src/mesh/nonces.ts'
import { row } from '../lab/row.ts'
import { Shelf } from './deciding.ts'

test('a use is seen at once, and after a restart when its put was kept', async (t) => {
  const shelf = new Shelf()
  const nonces = await Nonces.open(shelf)
  const puts = nonces.reserve([{ cid: 'a', expiresMs: 1000 }])
  assert.equal(nonces.seen('a'), true)
  assert.equal((await Nonces.open(shelf)).seen('a'), false, 'not before it is durable')
  shelf.put(puts)
  assert.equal((await Nonces.open(shelf)).seen('a'), true)
  row(t, 89, '0 second uses after a restart')
})

test('what has expired is forgotten, on disk too, and nothing else ever is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(100), { maxLength: 40 }),
      fc.nat(100),
      fc.integer({ min: 1, max: 7 }),
      async (ends, nowMs, count) => {
        const shelf = new Shelf()
        const nonces = await Nonces.open(shelf)
        for (const expiresMs of ends)
          shelf.put(nonces.reserve([{ cid: `${expiresMs}`, expiresMs }]))
        for (let i = 0; i <= 2 * ends.length + 2; i += 1) {
          const puts = nonces.expire(nowMs, count)
          assert.ok(puts.length <= count)
          shelf.put(puts)
        }
        const reopened = await Nonces.open(shelf)
        for (const end of ends) {
          assert.equal(nonces.seen(`${end}`), end >= nowMs)
          assert.equal(reopened.seen(`${end}`), end >= nowMs)
        }
      },
    ),
  )
})

test('uses that come while old ones are forgotten are seen all the same', async () => {
  const nonces = await Nonces.open(new Shelf())
  nonces.reserve([{ cid: 'old', expiresMs: 1 }])
  nonces.expire(0, 1)
  nonces.reserve([{ cid: 'new', expiresMs: 1 }])
  for (let i = 0; i < 5; i += 1) nonces.expire(5, 1)
  assert.equal(nonces.seen('old'), false)
  assert.equal(nonces.seen('new'), false)
  nonces.reserve([{ cid: 'last', expiresMs: 9 }])
  for (let i = 0; i < 5; i += 1) nonces.expire(5, 1)
  assert.equal(nonces.seen('last'), true)
})
