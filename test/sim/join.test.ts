/** The door from both sides: S15, FAULTS rows 58, 59, 73, 125 and 126. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { formatEnvelope } from '../../src/core/dsse.ts'
import { idOf } from '../../src/core/id.ts'
import { formatInvite, parseInvite } from '../../src/core/invite.ts'
import { KEEPS_MAX, PENDING_HELLO_INTERVAL_MS, PENDING_PEERS_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { formatHello, parseAnswer, proveClaim } from '../../src/mesh/hello-frames.ts'
import { formatSyncRequest } from '../../src/mesh/sync-frames.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  atlas,
  ben,
  borealis,
  cy,
  keyOf,
  nextRoot,
  nodeOf,
  rolesOf,
  rootOf,
  World,
} from '../unit/statements.ts'
import { BEGINNING_MS } from './clock.ts'
import {
  answersOf,
  expiresMs,
  fails,
  founded,
  inTime,
  issuedMs,
  NO_MESH,
  OPTIONS,
  worldOf,
} from './join-founded.ts'
import { JoinWorld } from './join-world.ts'

test('a pending peer is told the trust root and nothing else, until it is approved', async () => {
  const { sim, world, node } = await founded()
  const joiner = await sim.open('corvus')
  const joined = await sim.run(joiner.door.join(node.address, { mesh: world.mesh }))
  assert.equal(joined.result, 'pending')
  assert.equal(joiner.statements.mesh, world.mesh)
  assert.deepEqual(
    [...joiner.statements.all()].map(({ statement }) => statement.type),
    ['root'],
  )
  assert.equal([...joiner.addresses.all()].length, 1, 'its own')
  assert.deepEqual(node.network.peers(), [])
  await assert.rejects(joiner.network.ask(node.did, 'sync', new Uint8Array([1])), MeshError)

  const [waiting] = node.door.pending()
  assert.equal(waiting?.peer, joiner.did)
  assert.deepEqual([waiting?.log, waiting?.witness], [joiner.keys.log.did, joiner.keys.witness.did])

  await sim.run(node.statements.submit(world.member(joiner.keys, inTime).bytes))
  await sim.clock.advance(2 * PENDING_HELLO_INTERVAL_MS)
  assert.deepEqual(
    node.network.peers().map(({ peer }) => peer),
    [joiner.did],
  )
  assert.ok(joiner.statements.governance.members.has(joiner.did))
  assert.deepEqual(node.door.pending(), [])
  sim.stop(node, joiner)
})

test('without a pin, an invite or a mesh to pin nothing is kept, and nobody waits', async () => {
  const { sim, world, node } = await founded()
  const joiner = await sim.open('corvus')
  const joined = await sim.run(joiner.door.join(node.address, NO_MESH))
  assert.equal(joined.result, 'unconfirmed')
  assert.deepEqual(
    [joined.mesh, joined.meshName, joined.rootVersion, joined.peerName],
    [world.mesh, 'prod', 1, 'atlas'],
  )
  assert.equal(joiner.statements.mesh, null)
  assert.equal([...joiner.statements.all()].length, 0)
  assert.equal(joiner.memory.space('governance').size, 0)
  assert.deepEqual(node.door.pending(), [])
  const answered = answersOf(node)
  await sim.clock.advance(60_000)
  assert.equal(answered.length, 0, 'and it is not dialled again')
  sim.stop(node, joiner)
})

test('a member that was admitted elsewhere a moment ago brings the statement that says so', async () => {
  const { sim, node, world, known } = await founded()
  const also = [...known, world.member(borealis, inTime)]
  const other = await sim.open('borealis', { mesh: world, known: also })
  const { line } = await sim.run(node.invites.create(OPTIONS))
  const joiner = await sim.open('corvus')
  await sim.run(joiner.door.join(line, NO_MESH))
  assert.equal(other.statements.governance.members.has(joiner.did), false)
  const joined = await sim.run(joiner.door.join(other.address, NO_MESH))
  assert.deepEqual([joined.result, joined.peerName], ['admitted', 'borealis'])
  assert.deepEqual(
    other.network.peers().map(({ peer }) => peer),
    [joiner.did],
  )
  sim.stop(node, joiner, other)
})

test('a node of another mesh is refused on both sides and told nothing', async () => {
  const { sim, node } = await founded()
  const other = worldOf('other')
  const stranger = await sim.open('corvus', {
    mesh: other,
    known: [other.first, other.member(nodeOf('corvus'), inTime)],
  })
  await assert.rejects(sim.run(stranger.door.join(node.address, NO_MESH)), fails('WRONG_MESH'))
  const hello = await stranger.door.hello(node.did)
  const { answer, greeted } = await node.door.answer(stranger.did, hello)
  assert.equal(greeted, false)
  assert.deepEqual(parseAnswer(answer), { result: 'refused', code: 'WRONG_MESH' })
  assert.deepEqual(node.door.pending(), [])
  const unpinned = await sim.open('dorado')
  const meant = { mesh: other.mesh }
  await assert.rejects(sim.run(unpinned.door.join(node.address, meant)), fails('WRONG_MESH'))
  assert.equal(unpinned.statements.mesh, null)
  // And a listener that shows its own mesh to who meant another one.
  const { mesh: shown } = node.statements
  assert.ok(shown !== null)
  const roots = [...node.statements.all()].flatMap(({ statement, envelope }) =>
    statement.type === 'root' ? [formatEnvelope(envelope)] : [],
  )
  const lie = { mesh: shown, name: 'atlas', roots, more: false, members: [], addresses: [] }
  answersOf(node, () => ({ result: 'pending', ...lie }))
  await assert.rejects(sim.run(unpinned.door.join(node.address, meant)), fails('WRONG_MESH'))
  assert.equal(unpinned.statements.mesh, null)
  sim.stop(node, stranger, unpinned)
})

test('a chain of roots is followed from the pin, and the witnesses it added come with it', async () => {
  const sim = new JoinWorld()
  const world = worldOf()
  const members = [world.member(atlas, inTime), world.member(borealis, inTime)]
  const second = nextRoot(world.first, {
    witnesses: [atlas.identity.did, borealis.identity.did],
    lease: { read: 2, write: 1, faults: 0, stalenessMs: 60_000, skewMs: 2_000 },
  })
  const keeps = members.map(({ id }) => id)
  const third = nextRoot(second, { roles: rolesOf([ben, cy]), keeps })
  const known = [world.first, ...members, second, third]
  const node = await sim.open('atlas', { mesh: world, known, admitter: ben })
  assert.equal(node.statements.governance.root?.version, 3)
  const { line } = await sim.run(node.invites.create(OPTIONS))
  assert.equal(parseInvite(line).root, 3)
  const joiner = await sim.open('corvus')
  const joined = await sim.run(joiner.door.join(line, NO_MESH))
  assert.deepEqual([joined.result, joined.rootVersion], ['admitted', 3])
  assert.equal(joiner.statements.governance.root?.version, 3)
  sim.stop(node, joiner)
})

test('a chain of roots that fills several frames is followed by several hellos', async () => {
  const sim = new JoinWorld()
  const world = worldOf()
  const member = world.member(atlas, inTime)
  // Each keeps so many statements of dropped keys that two of them fill a frame.
  const keeps = Array.from({ length: 250 }, (_, n) => idOf(utf8(`statement ${n}`)))
  const roots = [world.first]
  for (let version = 2; version <= 7; version++)
    roots.push(nextRoot(roots.at(-1) ?? world.first, { keeps }))
  const node = await sim.open('atlas', { mesh: world, known: [...roots, member], admitter: ana })
  const { line } = await sim.run(node.invites.create(OPTIONS))
  const joiner = await sim.open('corvus')
  let hellos = 0
  const hello = joiner.door.hello.bind(joiner.door)
  joiner.door.hello = (peer) => {
    hellos++
    return hello(peer)
  }
  const joined = await sim.run(joiner.door.join(line, NO_MESH))
  assert.deepEqual([joined.result, joined.rootVersion], ['admitted', 7])
  assert.ok(hellos > 1, `${hellos} hellos`)
  assert.equal(joiner.network.peers().length, 1)
  sim.stop(node, joiner)
})

test('a root that is larger than a frame keeps nobody out', async () => {
  const sim = new JoinWorld()
  const world = worldOf()
  const keeps = Array.from({ length: KEEPS_MAX }, (_, n) => idOf(utf8(`statement ${n}`)))
  const known = [world.first, nextRoot(world.first, { keeps }), world.member(atlas, inTime)]
  const node = await sim.open('atlas', { mesh: world, known, admitter: ana })
  const { line } = await sim.run(node.invites.create(OPTIONS))
  const [joiner, stranger] = [await sim.open('corvus'), await sim.open('draco')]
  const joined = await sim.run(joiner.door.join(line, NO_MESH))
  assert.deepEqual([joined.result, joined.rootVersion], ['admitted', 2])
  assert.equal(joiner.network.peers().length, 1)
  const waits = await sim.run(stranger.door.join(node.address, { mesh: world.mesh }))
  assert.deepEqual([waits.result, waits.rootVersion], ['pending', 2])
  sim.stop(node, joiner, stranger)
})

test('an old chain, signed with keys long retired, admits nobody who was invited to a newer one', async (t) => {
  const sim = new JoinWorld()
  const world = worldOf()
  const known = [world.first, world.member(atlas, inTime)]
  // Whoever holds the keys of v1 plays the mesh as it was.
  const past = await sim.open('atlas', { mesh: world, known, admitter: ana })
  const { line } = await sim.run(past.invites.create(OPTIONS))
  const invite = formatInvite({ ...parseInvite(line), root: 2 })
  const joiner = await sim.open('corvus')
  await assert.rejects(sim.run(joiner.door.join(invite, NO_MESH)), fails('CONFLICT'))
  assert.equal(joiner.statements.mesh, null)
  assert.equal([...joiner.statements.all()].length, 0)
  sim.stop(past, joiner)
  row(t, 125, 'an old chain of roots: 0 joins')
})

test('who promises newer roots and never shows them is believed in nothing', async (t) => {
  const sim = new JoinWorld()
  const world = worldOf()
  const known = [world.first, world.member(atlas, inTime)]
  const past = await sim.open('atlas', { mesh: world, known, admitter: ana })
  const { line } = await sim.run(past.invites.create(OPTIONS))
  const invite = formatInvite({ ...parseInvite(line), root: 2 })
  answersOf(past, (answer) => (answer.result === 'refused' ? answer : { ...answer, more: true }))
  const joiner = await sim.open('corvus')
  await assert.rejects(sim.run(joiner.door.join(invite, NO_MESH)), fails('INVALID_ANSWER'))
  assert.equal(joiner.door.member(past.did), false)
  // Nor after a restart, when it dials by itself.
  joiner.stop()
  const again = await sim.open('corvus', { memory: joiner.memory })
  await assert.rejects(sim.run(again.door.join(past.address, NO_MESH)))
  assert.deepEqual(again.network.peers(), [])
  sim.stop(past, again)
  row(t, 125, 'newer roots promised, never shown: 0 joins')
})

test('a mesh whose root has expired is not joined', async () => {
  const sim = new JoinWorld()
  const world = new World(
    rootOf({ issuedMs, expiresMs: BEGINNING_MS - 1, witnesses: [atlas.identity.did] }),
  )
  const node = await sim.open('atlas', {
    mesh: world,
    known: [world.first, world.member(atlas, inTime)],
  })
  const joiner = await sim.open('corvus')
  const meant = { mesh: world.mesh }
  await assert.rejects(sim.run(joiner.door.join(node.address, meant)), fails('STATEMENT_INVALID'))
  assert.equal(joiner.statements.mesh, null)
  sim.stop(node, joiner)
})

test('a join fails when nobody answers, and leaves nothing behind', async () => {
  const { sim, node, world } = await founded()
  const joiner = await sim.open('corvus')
  node.stop()
  const meant = { mesh: world.mesh }
  await assert.rejects(sim.run(joiner.door.join(node.address, meant)), fails('UNREACHABLE'))
  await assert.rejects(joiner.door.join(joiner.address, meant), fails('USAGE'))
  await assert.rejects(joiner.door.join('/ip4/10.0.0.1/tcp/4717', meant), fails('USAGE'))
  assert.equal(joiner.statements.mesh, null)
  assert.equal(joiner.addresses.of(node.did).length, 0)
  const back = await sim.open('atlas', { memory: node.memory })
  const answered = answersOf(back)
  await sim.clock.advance(60_000)
  assert.equal(answered.length, 0, 'it is not dialled for ever')
  sim.stop(joiner, back)
})

test('a suspended or revoked peer is cut within a second, and returns only from suspension', async () => {
  const { sim, world, node } = await founded()
  const { line } = await sim.run(node.invites.create(OPTIONS))
  const joiner = await sim.open('corvus')
  await sim.run(joiner.door.join(line, NO_MESH))
  const lost: string[] = []
  node.network.onPeer((peer, greeted) => {
    if (!greeted) lost.push(peer)
  })
  const scope = { kind: 'node', did: joiner.did } as const
  const heard: Uint8Array[] = []
  joiner.network.handle('sync', async (_, request) => {
    heard.push(request)
    return null
  })
  const freeze = world.freeze({ scope }).bytes
  await sim.run(node.statements.submit(freeze))
  assert.deepEqual(lost, [joiner.did], 'in the very turn')
  assert.deepEqual(node.network.peers(), [])
  await sim.clock.advance(1_000)
  assert.deepEqual(joiner.network.peers(), [])
  const told = formatSyncRequest({ ask: 'push', blobs: [freeze] })
  assert.deepEqual(heard, [told], 'it was told why, and denies by itself')
  await sim.clock.advance(30_000)
  assert.deepEqual(node.network.peers(), [], 'it is refused before its hello')

  const thaw = world.freeze({ scope, version: 2, frozen: false })
  await sim.run(node.statements.submit(thaw.bytes))
  await sim.clock.advance(30_000)
  assert.equal(node.network.peers().length, 1)

  const target = { kind: 'principal', did: joiner.did } as const
  await sim.run(node.statements.submit(world.revocation({ target, untilMs: expiresMs }).bytes))
  await sim.clock.advance(30_000)
  assert.deepEqual(node.network.peers(), [])
  assert.deepEqual(node.door.pending(), [], 'nor does it wait for approval')
  sim.stop(node, joiner)
})

test('strangers without end take the room of a few, whatever they call themselves', async (t) => {
  const { sim, world, node } = await founded()
  for (let n = 0; n < 4 * PENDING_PEERS_MAX; n++) {
    const [identity, log, witness] = [keyOf(`i${n}`), LOG, WITNESS]
    const claim = { name: 'atlas', log: log.did, witness: witness.did, mesh: world.mesh }
    const proofs = proveClaim(claim, node.did, [identity, log, witness])
    const hello = { ...claim, root: 0, proofs, member: null, address: null, redemption: null }
    const { greeted } = await node.door.answer(identity.did, formatHello(hello))
    assert.equal(greeted, false)
  }
  assert.equal(node.door.pending().length, PENDING_PEERS_MAX)
  assert.equal(node.door.pending().at(-1)?.peer, keyOf(`i${4 * PENDING_PEERS_MAX - 1}`).did)
  assert.equal([...node.statements.all()].length, 2)
  sim.stop(node)
  row(t, 73, 'strangers without end take the room of a few')
})

const LOG = keyOf('log of many')
const WITNESS = keyOf('witness of many')

test('what a stranger brings under a root that is not known here is kept by nobody', async () => {
  const { sim, world, node } = await founded()
  const { identity, log, witness } = nodeOf('draco')
  const member = world.member(nodeOf('draco'), inTime, [ana], 2)
  const claim = { name: 'draco', log: log.did, witness: witness.did, mesh: world.mesh }
  const hello = {
    ...claim,
    root: 2,
    proofs: proveClaim(claim, node.did, [identity, log, witness]),
    member: member.bytes,
    address: null,
    redemption: null,
  }
  const { greeted } = await sim.run(node.door.answer(identity.did, formatHello(hello)))
  assert.equal(greeted, false)
  // Its root comes: had the statement been kept, it would be looked at again now.
  await sim.run(node.statements.submit(nextRoot(world.first).bytes))
  await sim.clock.advance(1_000)
  assert.equal(node.statements.governance.root?.version, 2)
  assert.equal(node.statements.get(member.id), null)
  sim.stop(node)
})
