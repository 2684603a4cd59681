import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { ANNOUNCE_INTERVAL_MS, ANNOUNCEMENT_BYTES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import {
  type Announcement,
  Announcer,
  parseAnnouncement,
  signAnnouncement,
  verifyAnnouncement,
} from '../../src/mesh/announce.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { atlas, borealis, keyOf, type Made, type NodeKeys, nodeOf, World } from './statements.ts'

const world = new World()
const said: Announcement = {
  mesh: world.mesh,
  node: atlas.identity.did,
  root: 3,
  digest: '5c'.repeat(32),
  size: 41,
  checkpoint: 'meshd/prod\n1\nAAAA\n',
  cosigned: null,
  timeMs: Date.UTC(2026, 10, 24, 14, 3, 10),
}

async function statementsOf(...known: readonly Made[]): Promise<Statements> {
  const memory = new Memory()
  const persist = memory.persist.bind(memory)
  const statements = await Statements.open({ store: memory, persist, policy: { check: () => [] } })
  await statements.pin(world.mesh)
  for (const { bytes } of [world.first, ...known]) await statements.offer(bytes, null, 'local').done
  return statements
}

test('an announcement reads as it was signed', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(),
      fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 300 })),
      (root, size, checkpoint) => {
        const one = { ...said, root: root + 1, size, checkpoint }
        const read = parseAnnouncement(signAnnouncement(one, atlas.witness))
        assert.deepEqual(read.announcement, one)
      },
    ),
  )
})

test('one changed byte is malformed, or not signed', async () => {
  const { governance } = await statementsOf(world.member(atlas))
  const bytes = signAnnouncement(said, atlas.witness)
  assert.equal(verifyAnnouncement(parseAnnouncement(bytes), governance), true)
  for (let at = 0; at < bytes.length; at++) {
    const other = Uint8Array.from(bytes)
    other[at] = (other[at] ?? 0) ^ 1
    let held = false
    try {
      held = verifyAnnouncement(parseAnnouncement(other), governance)
    } catch (error) {
      assert.ok(error instanceof Malformed)
    }
    assert.equal(held, false, `byte ${at}`)
  }
})

test('refused: a digest that is none, too many bytes, what is no announcement', () => {
  const short = signAnnouncement({ ...said, digest: '5c' }, atlas.witness)
  const long = signAnnouncement({ ...said, checkpoint: 'x'.repeat(3_000) }, atlas.witness)
  const padded = new Uint8Array(ANNOUNCEMENT_BYTES_MAX + 1)
  for (const bytes of [short, long, padded, utf8('{}')])
    assert.throws(() => parseAnnouncement(bytes), Malformed)
})

test('only the witness key of its own node makes it hold', async () => {
  const { governance } = await statementsOf(world.member(atlas), world.member(borealis))
  for (const signer of [borealis.witness, atlas.log, atlas.identity, keyOf('stranger')])
    assert.equal(
      verifyAnnouncement(parseAnnouncement(signAnnouncement(said, signer)), governance),
      false,
    )
})

/** What the node publishes. */
async function announcing(keys: NodeKeys, ...known: readonly Made[]) {
  const clock = new VirtualClock()
  const statements = await statementsOf(...known)
  const published: Announcement[] = []
  let greeted: (peer: typeof keys.identity.did, greeted: boolean) => void = () => {}
  const announcer = Announcer.open({
    statements,
    clock,
    witness: keys.witness,
    checkpoint: () => utf8('a checkpoint\n'),
    cosigned: () => 'a cosigned one\n',
    network: {
      self: keys.identity.did,
      onPeer: (listener) => {
        greeted = listener
      },
      publish: (topic, message) => {
        assert.equal(topic, 'state')
        published.push(parseAnnouncement(message).announcement)
      },
    },
  })
  const over = new AbortController()
  const running = announcer.run(over.signal)
  const stop = async () => {
    over.abort()
    await clock.advance(1)
    await running
  }
  return {
    clock,
    statements,
    published,
    announcer,
    greet: () => greeted(keyOf('peer').did, true),
    stop,
  }
}

test('a node announces what governs it, once for all changes of a second, and is silent without', async () => {
  const node = await announcing(atlas, world.member(atlas))
  await node.clock.advance(60_000)
  assert.equal(node.published.length, 1)
  for (const one of [world.freeze(), world.revocation(), world.member(borealis)])
    await node.statements.offer(one.bytes, null, 'local').done
  await node.clock.advance(60_000)
  // The first change at once, whatever follows within a second together.
  assert.equal(node.published.length, 3)
  const last = node.published.at(-1)
  assert.equal(last?.digest, node.statements.governance.digest)
  assert.equal(last?.checkpoint, 'a checkpoint\n')
  node.greet()
  await node.clock.advance(60_000)
  assert.equal(node.published.length, 4)
  await node.stop()
})

test('however often governance changes, two announcements are a second apart', async () => {
  const node = await announcing(atlas, world.member(atlas))
  for (let n = 0; n < 100; n++) {
    node.announcer.changed()
    await node.clock.advance(ANNOUNCE_INTERVAL_MS / 10)
  }
  assert.ok(node.published.length <= 11 && node.published.length >= 9, `${node.published.length}`)
  await node.stop()
})

test('in a larger mesh they are further apart: members / 100 s', async () => {
  const others = Array.from({ length: 199 }, (_, n) => world.member(nodeOf(`node-${n}`)))
  const node = await announcing(atlas, world.member(atlas), ...others)
  const before = node.published.length
  for (let n = 0; n < 30; n++) {
    node.announcer.changed()
    await node.clock.advance(ANNOUNCE_INTERVAL_MS)
  }
  const told = node.published.length - before
  assert.ok(told >= 14 && told <= 16, `${told} in 30 s`)
  await node.stop()
})

test('who is no member, or another one by its witness key, announces nothing', async () => {
  for (const node of [
    await announcing(atlas),
    await announcing({ ...atlas, witness: keyOf('new') }, world.member(atlas)),
  ]) {
    await node.clock.advance(10_000)
    assert.deepEqual(node.published, [])
    await node.stop()
  }
})
