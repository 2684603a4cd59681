/** One invite admits one principal, at one node, in time: S24, FAULTS rows 123 and 124. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatInvite, parseInvite } from '../../src/core/invite.ts'
import { MeshError } from '../../src/core/problems.ts'
import { formatHello, parseAnswer, parseHello, proveClaim } from '../../src/mesh/hello-frames.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  atlas,
  borealis,
  nodeOf,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from '../unit/statements.ts'
import {
  expiresMs,
  fails,
  founded,
  inTime,
  issuedMs,
  membersOf,
  NO_MESH,
  OPTIONS,
  worldOf,
} from './join-founded.ts'
import { JoinWorld } from './join-world.ts'

test('an invite admits at once: pinned, named, greeted from both sides', async () => {
  const { sim, world, node } = await founded()
  const { line, id } = await sim.run(
    node.invites.create({ ...OPTIONS, name: 'cygnus', labels: new Map([['site', 'a']]) }),
  )
  const joiner = await sim.open('corvus')
  const joined = await sim.run(joiner.door.join(line, NO_MESH))

  assert.equal(joined.result, 'admitted')
  assert.equal(joined.mesh, world.mesh)
  assert.equal(joined.meshName, 'prod')
  assert.equal(joined.name, 'cygnus')
  assert.equal(joined.peerName, 'atlas')
  assert.equal(joiner.statements.mesh, world.mesh)
  assert.deepEqual(
    joiner.network.peers().map(({ peer }) => peer),
    [node.did],
  )
  assert.deepEqual(
    node.network.peers().map(({ peer }) => peer),
    [joiner.did],
  )
  const member = node.statements.governance.members.get(joiner.did)
  assert.equal(member?.witnessEligible, false, 'never a witness')
  assert.equal(member?.labels.get('site'), 'a')
  assert.deepEqual([...node.addresses.all()].length, 2, 'each knows where the other is')
  assert.equal(joiner.addresses.hash, node.addresses.hash)
  const [invite] = node.invites.list()
  assert.deepEqual([invite?.id, invite?.state, invite?.redeemedBy], [id, 'redeemed', joiner.did])
  sim.stop(node, joiner)
})

test('an invite redeemed by many at once admits one principal', async (t) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const { sim, node } = await founded(worldOf(), new JoinWorld(seed))
    const { line, id } = await sim.run(node.invites.create(OPTIONS))
    const joiners = [await sim.open('j1'), await sim.open('j2'), await sim.open('j3')]
    const results = await sim.run(
      Promise.allSettled(joiners.map((joiner) => joiner.door.join(line, NO_MESH))),
    )
    const admitted = results.filter(({ status }) => status === 'fulfilled')
    assert.equal(admitted.length, 1)
    for (const each of results)
      if (each.status === 'rejected') assert.ok(fails('CONFLICT')(each.reason))
    assert.equal(membersOf(node, `invite ${id}`).size, 1)
    sim.stop(node, ...joiners)
  }
  row(t, 123, 'many at once: 1 principal')
})

test('the principal an invite is bound to gets its membership again, and nobody else does', async () => {
  const { sim, node } = await founded()
  const { line, id } = await sim.run(node.invites.create(OPTIONS))
  const joiner = await sim.open('corvus')
  await sim.run(joiner.door.join(line, NO_MESH))
  joiner.stop()
  // Its disk is lost, its keys are not.
  const again = await sim.open('corvus')
  assert.equal((await sim.run(again.door.join(line, NO_MESH))).result, 'admitted')
  const thief = await sim.open('thief')
  await assert.rejects(sim.run(thief.door.join(line, NO_MESH)), fails('CONFLICT'))
  assert.equal(thief.statements.mesh, null, 'a refused invite pins nothing')
  assert.equal(membersOf(node, `invite ${id}`).size, 1)
  const versions = [...node.statements.all()].filter(
    ({ statement }) => statement.type === 'member' && statement.principal === joiner.did,
  )
  assert.equal(versions.length, 1, 'the same statement, not another one')
  sim.stop(node, again, thief)
})

test('an invite is used up after the redeemer was restored to the day before', async (t) => {
  const { sim, node, world, known } = await founded()
  const { line, id } = await sim.run(node.invites.create(OPTIONS))
  const before = new Map(node.memory.space('invite'))
  const joiner = await sim.open('corvus')
  await sim.run(joiner.door.join(line, NO_MESH))
  const issued = [...node.statements.all()].filter(
    ({ statement }) => statement.type === 'member' && statement.principal === joiner.did,
  )
  assert.equal(issued.length, 1)
  node.stop()
  // The old image of its disk; from the others it has the statements again.
  const restored = await sim.open('atlas', { mesh: world, known, admitter: ana })
  for (const [key, value] of before) restored.memory.space('invite').set(key, value)
  for (const [key, value] of node.memory.space('statement'))
    await sim.run(restored.statements.offer(value, null, 'sync').done.then(() => key))
  restored.stop()
  const anew = await sim.open('atlas', { memory: restored.memory, admitter: ana })
  assert.equal(anew.invites.list()[0]?.state, 'open')
  const thief = await sim.open('thief')
  await assert.rejects(sim.run(thief.door.join(line, NO_MESH)), fails('CONFLICT'))
  assert.equal(membersOf(anew, `invite ${id}`).size, 1)
  sim.stop(anew, joiner, thief)
  row(t, 123, 'after a restored redeemer: 1 principal')
})

test('nobody is admitted by an invite before the boot check is over: an older disk may not know who was', async (t) => {
  const { sim, node, world, known } = await founded()
  const { line, id } = await sim.run(node.invites.create(OPTIONS))
  const before = new Map(node.memory.space('invite'))
  const joiner = await sim.open('corvus')
  await sim.run(joiner.door.join(line, NO_MESH))
  node.stop()
  // The old image of its disk: that corvus was admitted is known to others alone.
  const { memory } = await sim.open('older', { mesh: world, known })
  for (const [key, value] of before) memory.space('invite').set(key, value)
  const boot = { over: false }
  const checked = () => boot.over
  const anew = await sim.open('atlas', { memory, admitter: ana, checked })
  const thief = await sim.open('thief')
  await assert.rejects(sim.run(thief.door.join(line, NO_MESH)), fails('NOT_READY'))
  assert.deepEqual(
    [anew.invites.list()[0]?.state, membersOf(anew, `invite ${id}`).size],
    ['open', 0],
  )

  // What the boot check brings.
  for (const value of node.memory.space('statement').values())
    await sim.run(anew.statements.offer(value, null, 'sync').done)
  boot.over = true
  await assert.rejects(sim.run(thief.door.join(line, NO_MESH)), fails('CONFLICT'))
  assert.deepEqual(membersOf(anew, `invite ${id}`), new Set([joiner.did]))
  sim.stop(anew, joiner, thief)
  row(t, 123, 'during the boot check of a restored redeemer: 0 principals')
})

test('where a peer shows that the disk was set back no invite of it admits any more', async () => {
  const { sim, node } = await founded()
  const lines = [
    await sim.run(node.invites.create(OPTIONS)),
    await sim.run(node.invites.create(OPTIONS)),
  ]
  const joiner = await sim.open('corvus')
  await sim.run(joiner.door.join(lines[0]?.line ?? '', NO_MESH))
  await sim.run(node.invites.withdraw())
  const states = () => node.invites.list().map(({ state }) => state)
  assert.deepEqual(states(), ['redeemed', 'revoked'])
  const late = await sim.open('late')
  await assert.rejects(
    sim.run(late.door.join(lines[1]?.line ?? '', NO_MESH)),
    fails('NOT_ADMITTED'),
  )
  node.stop()
  const anew = await sim.open('atlas', { memory: node.memory, admitter: ana })
  assert.deepEqual(
    anew.invites
      .list()
      .map(({ state }) => state)
      .sort(),
    ['redeemed', 'revoked'],
  )
  sim.stop(anew, joiner, late)
})

test('an invite is used up once its batch was begun, whatever became of it', async () => {
  for (const how of ['gone', 'kept'] as const) {
    const { sim, node } = await founded()
    const { line, id } = await sim.run(node.invites.create(OPTIONS))
    const [first, second] = [await sim.open('first'), await sim.open('second')]
    node.memory.fail(how)
    await assert.rejects(sim.run(first.door.join(line, NO_MESH)))
    assert.equal(membersOf(node, `invite ${id}`).size, 0)
    node.memory.fail(null)
    await assert.rejects(sim.run(second.door.join(line, NO_MESH)), fails('CONFLICT'))
    assert.equal((await sim.run(first.door.join(line, NO_MESH))).result, 'admitted')
    assert.deepEqual(membersOf(node, `invite ${id}`), new Set([first.did]))
    sim.stop(node, first, second)
  }
})

test('an invite that is expired, revoked, forged, or shown to another node admits nobody', async (t) => {
  const { sim, node, world, known } = await founded()
  const joiner = await sim.open('corvus')

  const late = await sim.run(node.invites.create({ ...OPTIONS, ttlMs: 1_000 }))
  await sim.clock.advance(1_000)
  await assert.rejects(sim.run(joiner.door.join(late.line, NO_MESH)), fails('NOT_ADMITTED'))

  const revoked = await sim.run(node.invites.create(OPTIONS))
  await sim.run(node.invites.revoke(revoked.id))
  await assert.rejects(sim.run(joiner.door.join(revoked.line, NO_MESH)), fails('NOT_ADMITTED'))

  const open = await sim.run(node.invites.create(OPTIONS))
  const forged = formatInvite({ ...parseInvite(open.line), secret: new Uint8Array(32).fill(7) })
  await assert.rejects(sim.run(joiner.door.join(forged, NO_MESH)), fails('NOT_FOUND'))

  const member = world.member(borealis, inTime)
  const other = await sim.open('borealis', {
    mesh: world,
    known: [...known, member],
    admitter: ana,
  })
  const elsewhere = formatInvite({ ...parseInvite(open.line), addresses: [other.address] })
  await assert.rejects(sim.run(joiner.door.join(elsewhere, NO_MESH)), fails('NOT_FOUND'))

  assert.equal(joiner.statements.mesh, null)
  assert.equal(node.statements.governance.members.has(joiner.did), false)
  assert.equal(node.invites.list().find(({ id }) => id === open.id)?.state, 'open')
  sim.stop(node, joiner, other)
  row(t, 124, 'expired, revoked, forged, elsewhere: 0 joins')
})

test('a redemption that was overheard serves no other joiner', async (t) => {
  const { sim, node, world } = await founded()
  const { line } = await sim.run(node.invites.create(OPTIONS))
  const joiner = await sim.open('corvus')
  // What corvus would say, taken from its own door while it joins.
  let heard: Uint8Array | null = null
  const hello = joiner.door.hello.bind(joiner.door)
  joiner.door.hello = async (peer) => {
    heard = await hello(peer)
    throw new MeshError('UNREACHABLE', 'cut before it was sent')
  }
  await assert.rejects(sim.run(joiner.door.join(line, NO_MESH)))
  assert.ok(heard !== null)
  const thief = nodeOf('thief')
  await assert.rejects(node.door.answer(thief.identity.did, heard), fails('INVALID_ANSWER'))

  // The redemption alone, in a hello of the thief's own.
  const { redemption } = parseHello(heard)
  const claim = {
    name: 'thief',
    log: thief.log.did,
    witness: thief.witness.did,
    mesh: world.mesh,
  }
  const proofs = proveClaim(claim, node.did, [thief.identity, thief.log, thief.witness])
  const stolen = formatHello({
    ...claim,
    ...{ root: 0, proofs, member: null, address: null, redemption },
  })
  const { answer, greeted } = await node.door.answer(thief.identity.did, stolen)
  assert.equal(greeted, false)
  assert.deepEqual(parseAnswer(answer), { result: 'refused', code: 'INVITE_UNKNOWN' })
  sim.stop(node, joiner)
  row(t, 124, 'overheard: 0 joins')
})

test('two nodes that wish for one name get two', async () => {
  const { sim, node } = await founded()
  const lines = [
    await sim.run(node.invites.create(OPTIONS)),
    await sim.run(node.invites.create(OPTIONS)),
  ]
  const joiners = [await sim.open('j1', { as: 'atlas' }), await sim.open('j2', { as: 'Atlas' })]
  const joined = await sim.run(
    Promise.all(joiners.map((joiner, at) => joiner.door.join(lines[at]?.line ?? '', NO_MESH))),
  )
  assert.deepEqual(joined.map(({ name }) => name?.toLowerCase()).sort(), ['atlas-2', 'atlas-3'])
  sim.stop(node, ...joiners)
})

test('no invite is made where the admitter key does not admit alone', async () => {
  const sim = new JoinWorld()
  const two = { ...rolesOf(people), admitter: role(2, ...people) }
  const world = new World(
    rootOf({ issuedMs, expiresMs, witnesses: [atlas.identity.did], roles: two }),
  )
  const known = [world.first]
  const both = await sim.open('atlas', { mesh: world, known, admitter: ana })
  await assert.rejects(both.invites.create(OPTIONS), fails('ROLE_MISSING'))
  const none = await sim.open('borealis', { mesh: worldOf(), known: [worldOf().first] })
  await assert.rejects(none.invites.create(OPTIONS), fails('ROLE_MISSING'))
  sim.stop(both, none)
})
