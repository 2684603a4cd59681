/** First contacts of the configuration: asked again until they answered once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FIRST_CONTACT_RETRY_MS } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Contacts } from '../../src/daemon/contacts.ts'
import { VirtualClock } from '../sim/clock.ts'

const JOINED = { result: 'admitted' } as Awaited<
  ReturnType<ConstructorParameters<typeof Contacts>[0]['join']>
>

function contacting(answers: Record<string, () => typeof JOINED>, pinned = true) {
  const clock = new VirtualClock(1)
  const asked: string[] = []
  const told: string[] = []
  const state = { pinned, addresses: Object.keys(answers) }
  const contacts = new Contacts({
    clock,
    join: async (address) => {
      asked.push(address)
      return (answers[address] ?? away)()
    },
    pinned: () => state.pinned,
    addresses: () => state.addresses,
    tell: (what) => void told.push(what),
  })
  const stop = new AbortController()
  const done = contacts.run(stop.signal)
  // Whoever stops it is told.
  done.catch(() => {})
  const end = () => {
    stop.abort()
    return done
  }
  return { clock, asked, told, state, contacts, end }
}

function away(): never {
  throw new MeshError('UNREACHABLE', 'nobody there')
}

test('one that was away at the start is asked again until it answers, and told of once', async () => {
  let up = false
  const of = contacting({ '/a': () => (up ? JOINED : away()), '/b': () => JOINED })
  await of.clock.advance(2 * FIRST_CONTACT_RETRY_MS + 1)
  assert.deepEqual(of.asked, ['/a', '/b', '/a', '/a'])
  assert.deepEqual(of.told, ['first contact /a'])
  up = true
  await of.clock.advance(5 * FIRST_CONTACT_RETRY_MS)
  assert.deepEqual(of.asked, ['/a', '/b', '/a', '/a', '/a'])
  await of.end()
})

test('one that refuses now and says nothing then is told of once', async () => {
  let asked = 0
  const silent = () => {
    asked += 1
    throw new MeshError(asked % 2 === 0 ? 'TIMEOUT' : 'UNREACHABLE', 'nobody there')
  }
  const of = contacting({ '/a': silent })
  await of.clock.advance(4 * FIRST_CONTACT_RETRY_MS + 1)
  assert.deepEqual([asked, of.told], [5, ['first contact /a']])
  await of.end()
})

test('without a mesh nobody is asked; with one, and with another configuration, at once', async () => {
  const of = contacting({ '/a': () => JOINED }, false)
  await of.clock.advance(FIRST_CONTACT_RETRY_MS)
  assert.deepEqual(of.asked, [])
  of.state.pinned = true
  of.state.addresses = ['/c']
  of.contacts.look()
  await of.clock.advance(1)
  assert.deepEqual(of.asked, ['/c'])
  await of.end()
})

test('what is no failure of a peer ends the loop, and whoever runs it is told', async () => {
  const of = contacting({
    '/a': () => {
      throw new TypeError('a bug')
    },
  })
  await of.clock.advance(1)
  await assert.rejects(of.end(), TypeError)
})
