import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Did } from '../../src/core/keys.ts'
import { Slots } from '../../src/network/slots.ts'

const [A, B] = ['did:key:z6Mka', 'did:key:z6Mkb'] as [Did, Did]
const never = new AbortController().signal
const settled = (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(resolve, false))])

test('no more than so many hold a slot of one peer, and the others follow in order', async () => {
  const slots = new Slots(2)
  const first = await slots.take(A, never)
  const second = await slots.take(A, never)
  const order: string[] = []
  const third = slots.take(A, never).then((release) => {
    order.push('third')
    return release
  })
  const fourth = slots.take(A, never).then(() => order.push('fourth'))
  assert.equal(await settled(third), false)
  assert.equal(await settled(slots.take(B, never)), true)
  first()
  assert.equal(await settled(third), true)
  assert.equal(await settled(fourth), false)
  second()
  await fourth
  assert.deepEqual(order, ['third', 'fourth'])
  ;(await third)()
  assert.equal(await settled(slots.take(A, never)), true)
})

test('who gives up waiting takes nobody else’s turn', async () => {
  const slots = new Slots(1)
  const release = await slots.take(A, never)
  const over = new AbortController()
  const given = slots.take(A, over.signal)
  const next = slots.take(A, never)
  over.abort()
  await assert.rejects(given, { code: 'TIMEOUT' })
  await assert.rejects(slots.take(A, AbortSignal.abort()), { code: 'TIMEOUT' })
  release()
  assert.equal(await settled(next), true)
})
