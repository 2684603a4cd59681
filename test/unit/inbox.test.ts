import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import type { Signer } from '../../src/core/keys.ts'
import {
  ANNOUNCE_INTERVAL_MS,
  ANNOUNCEMENT_BYTES_MAX,
  GOSSIP_BYTES_MAX,
  GOSSIP_STATEMENTS_MAX,
} from '../../src/core/limits.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import { type Announcement, Announcer, signAnnouncement } from '../../src/mesh/announce.ts'
import { openInbox } from '../../src/mesh/inbox.ts'
import type { Topic } from '../../src/mesh/ports.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { formatSyncRequest } from '../../src/mesh/sync-frames.ts'
import { row } from '../lab/row.ts'
import { BEGINNING_MS, VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { ana, atlas, borealis, keyOf, type Made, rootOf, World } from './statements.ts'

const world = new World()
const neighbour = keyOf('neighbour').did

async function open() {
  const memory = new Memory()
  const persist = memory.persist.bind(memory)
  const statements = await Statements.open({ store: memory, persist, policy: { check: () => [] } })
  await statements.pin(world.mesh)
  for (const { bytes } of [world.first, world.member(atlas)])
    await statements.offer(bytes, null, 'local').done
  const validators = new Map<Topic, (from: typeof neighbour, message: Uint8Array) => Verdict>()
  const published: Uint8Array[] = []
  const network = {
    self: borealis.identity.did,
    onPeer: () => {},
    publish: (_: Topic, message: Uint8Array) => void published.push(message),
    subscribe: (
      topic: Topic,
      validator: (from: typeof neighbour, message: Uint8Array) => Verdict,
    ) => void validators.set(topic, validator),
  }
  const clock = new VirtualClock()
  const announcer = Announcer.open({
    statements,
    network,
    clock,
    witness: borealis.witness,
    checkpoint: () => null,
    cosigned: () => null,
  })
  const seen: string[] = []
  openInbox({
    network,
    statements,
    announcer,
    clock,
    seen: (topic, { verdict }) => seen.push(`${topic} ${verdict}`),
  })
  const hear = (topic: Topic, message: Uint8Array) => {
    const verdict = validators.get(topic)?.(neighbour, message)
    assert.ok(verdict !== undefined)
    return 'why' in verdict ? `${verdict.verdict}: ${verdict.why}` : verdict.verdict
  }
  return { memory, statements, announcer, seen, hear, clock, published }
}

const push = (...made: readonly Pick<Made, 'bytes'>[]) =>
  formatSyncRequest({ ask: 'push', blobs: made.map(({ bytes }) => bytes) })
const freeze = (n: number, signers?: readonly Signer[]) =>
  world.freeze({ scope: { kind: 'principal', did: keyOf(`p${n}`).did } }, signers)

const said: Announcement = {
  mesh: world.mesh,
  node: atlas.identity.did,
  root: 1,
  digest: '5c'.repeat(32),
  size: 2,
  checkpoint: null,
  cosigned: null,
  timeMs: BEGINNING_MS,
}
const announce = (fields: Partial<Announcement> = {}, signer = atlas.witness) =>
  signAnnouncement({ ...said, ...fields }, signer)

const announcements: Record<string, [string, () => Uint8Array]> = {
  'a good one': ['accept', () => announce()],
  'too long': ['reject: oversize', () => new Uint8Array(ANNOUNCEMENT_BYTES_MAX + 1)],
  'not readable': ['reject: malformed', () => utf8('{}')],
  'of another mesh': ['reject: malformed', () => announce({ mesh: rootOf({ mesh: 'test' }).id })],
  'of a node that is no member here': [
    'ignore: unknown',
    () => announce({ node: borealis.identity.did }),
  ],
  'by a key that is not the witness key known here': [
    'ignore: unknown',
    () => announce({}, keyOf('new')),
  ],
}
for (const [what, [expected, make]] of Object.entries(announcements))
  test(`an announcement, ${what}: ${expected}`, async () => {
    const { hear, announcer } = await open()
    const heard: string[] = []
    announcer.onHeard((from, { node }) => heard.push(`${from} ${node}`))
    assert.equal(hear('state', make()), expected)
    assert.deepEqual(heard, expected === 'accept' ? [`${neighbour} ${said.node}`] : [])
  })

test('of the announcements of one node only newer ones count, by its own clock', async (t) => {
  const { hear, announcer, clock } = await open()
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS + 1_000 })), 'accept')
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS + 1_000 })), 'ignore: seen')
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS })), 'ignore: stale')
  await clock.advance(ANNOUNCE_INTERVAL_MS)
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS + 2_000, size: 7 })), 'accept')
  assert.equal(announcer.heard.get(said.node)?.size, 7)
  row(t, 117, 'an older announcement after the newer one: 0 heard')
})

test('a node that announces without a pause is heard at a pace', async () => {
  const { hear, announcer, clock } = await open()
  for (let n = 1; n <= 100; n++) {
    hear('state', announce({ timeMs: BEGINNING_MS + n, size: n }))
    await clock.advance(10)
  }
  assert.equal(announcer.heard.get(said.node)?.size, 76)
})

test('a statement is taken at once and in force when it is durable; a disk that refuses it harms nobody', async () => {
  const { hear, statements, memory, seen } = await open()
  memory.fail('gone')
  assert.equal(hear('statements', push(world.freeze())), 'accept')
  await new Promise(setImmediate)
  assert.equal(statements.governance.freezes.size, 0)
  memory.fail(null)
  assert.equal(hear('statements', push(world.freeze())), 'accept')
  await new Promise(setImmediate)
  assert.equal(statements.governance.freezes.size, 1)
  assert.equal(hear('statements', push(world.freeze())), 'ignore: seen')
  assert.deepEqual(seen, ['statements accept', 'statements accept', 'statements ignore'])
})

test('a statement too long for gossip is rejected, however good', async () => {
  const { hear } = await open()
  const text = `@id("long") permit (principal, action, resource); // ${'x'.repeat(GOSSIP_BYTES_MAX)}`
  const long = world.policy({ policies: new Map([['all.cedar', text]]) })
  assert.equal(hear('statements', push(long)), 'reject: oversize')
})

test('a message of statements is a push, and nothing else: of one at least, and not too many', async () => {
  const { hear, statements } = await open()
  const many = (count: number) => push(...Array.from({ length: count }, (_, n) => freeze(n)))
  const { size } = statements.governance
  for (const message of [
    freeze(0).bytes,
    push(),
    many(GOSSIP_STATEMENTS_MAX + 1),
    formatSyncRequest({ ask: 'fetch', ids: [freeze(0).id] }),
    utf8('{}'),
  ])
    assert.equal(hear('statements', message), 'reject: malformed')
  assert.equal(hear('statements', many(GOSSIP_STATEMENTS_MAX)), 'accept')
  await new Promise(setImmediate)
  assert.equal(statements.governance.size, size + GOSSIP_STATEMENTS_MAX)
})

test('what is known beside what is new is passed on with it', async () => {
  const { hear, published } = await open()
  assert.equal(hear('statements', push(freeze(0), freeze(1))), 'accept')
  assert.equal(hear('statements', push(freeze(1), freeze(2))), 'accept')
  assert.equal(hear('statements', push(freeze(0), freeze(2))), 'ignore: seen')
  assert.deepEqual(published, [])
})

test('what is good is passed on without what is not, which nobody relays', async () => {
  const { hear, published, statements } = await open()
  const later = world.freeze({}, [ana], 2)
  assert.equal(hear('statements', push(freeze(0), later, freeze(1))), 'ignore: unknown')
  assert.deepEqual(published, [push(freeze(0), freeze(1))])
  // What is behind a forgery is not looked at.
  const forged = freeze(3, [keyOf('nobody')])
  assert.equal(hear('statements', push(freeze(2), forged, freeze(4))), 'reject: signature')
  assert.deepEqual(published.slice(1), [push(freeze(2))])
  await new Promise(setImmediate)
  assert.deepEqual(
    [2, 3, 4].map((n) => statements.get(freeze(n).id)?.state),
    ['effective', undefined, undefined],
  )
})
