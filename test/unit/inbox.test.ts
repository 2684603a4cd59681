import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import {
  ANNOUNCE_INTERVAL_MS,
  ANNOUNCEMENT_BYTES_MAX,
  GOSSIP_BYTES_MAX,
} from '../../src/core/limits.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import { type Announcement, Announcer, signAnnouncement } from '../../src/mesh/announce.ts'
import { openInbox } from '../../src/mesh/inbox.ts'
import type { Topic } from '../../src/mesh/ports.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { BEGINNING_MS, VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { atlas, borealis, keyOf, rootOf, World } from './statements.ts'

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
  const network = {
    self: borealis.identity.did,
    onPeer: () => {},
    publish: () => {},
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
  return { memory, statements, announcer, seen, hear, clock }
}

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

test('of the announcements of one node only newer ones count, by its own clock', async () => {
  const { hear, announcer, clock } = await open()
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS + 1_000 })), 'accept')
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS + 1_000 })), 'ignore: seen')
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS })), 'ignore: stale')
  await clock.advance(ANNOUNCE_INTERVAL_MS)
  assert.equal(hear('state', announce({ timeMs: BEGINNING_MS + 2_000, size: 7 })), 'accept')
  assert.equal(announcer.heard.get(said.node)?.size, 7)
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
  assert.equal(hear('statements', world.freeze().bytes), 'accept')
  await new Promise(setImmediate)
  assert.equal(statements.governance.freezes.size, 0)
  memory.fail(null)
  assert.equal(hear('statements', world.freeze().bytes), 'accept')
  await new Promise(setImmediate)
  assert.equal(statements.governance.freezes.size, 1)
  assert.equal(hear('statements', world.freeze().bytes), 'ignore: seen')
  assert.deepEqual(seen, ['statements accept', 'statements accept', 'statements ignore'])
})

test('a statement too long for gossip is rejected, however good', async () => {
  const { hear } = await open()
  const text = `@id("long") permit (principal, action, resource); // ${'x'.repeat(GOSSIP_BYTES_MAX)}`
  const long = world.policy({ policies: new Map([['all.cedar', text]]) })
  assert.equal(hear('statements', long.bytes), 'reject: oversize')
})
