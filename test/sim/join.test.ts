/** The door from both sides: S15 and S24, FAULTS rows 58, 59, 73 and 123 to 126. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { formatEnvelope } from '../../src/core/dsse.ts'
import { idOf } from '../../src/core/id.ts'
import { formatInvite, parseInvite } from '../../src/core/invite.ts'
import { PENDING_HELLO_INTERVAL_MS, PENDING_PEERS_MAX } from '../../src/core/limits.ts'
import { MeshError, type ProblemCode } from '../../src/core/problems.ts'
import {
  type Answer,
  formatAnswer,
  formatHello,
  parseAnswer,
  parseHello,
  proveClaim,
} from '../../src/mesh/hello-frames.ts'
import {
  ana,
  atlas,
  ben,
  borealis,
  cy,
  DAY_MS,
  keyOf,
  nextRoot,
  nodeOf,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from '../unit/statements.ts'
import { BEGINNING_MS } from './clock.ts'
import { type JoinNode, JoinWorld } from './join-world.ts'

const issuedMs = BEGINNING_MS - DAY_MS
const expiresMs = BEGINNING_MS + 365 * DAY_MS

/** A mesh whose only witness is atlas, at the time of the simulator. */
function worldOf(mesh = 'prod') {
  return new World(rootOf({ mesh, issuedMs, expiresMs, witnesses: [atlas.identity.did] }))
}

const inTime = { issuedMs, expiresMs }

/** atlas, a member, with ana's admitter key. */
async function founded(world = worldOf(), sim = new JoinWorld()) {
  const member = world.member(atlas, inTime)
  const known = [world.first, member]
  const node = await sim.open('atlas', { mesh: world, known, admitter: ana })
  return { sim, world, node, known }
}

const OPTIONS = { name: null, ttlMs: 900_000, labels: new Map<string, string>() }
const NO_MESH = { mesh: null }

function fails(code: ProblemCode) {
  return (error: unknown) => {
    assert.ok(error instanceof MeshError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  }
}

/** What the node answers from now on. */
function answersOf(node: JoinNode, change = (answer: Answer) => answer): Answer[] {
  const answers: Answer[] = []
  const answer = node.door.answer.bind(node.door)
  node.door.answer = async (peer, hello) => {
    const said = await answer(peer, hello)
    const changed = change(parseAnswer(said.answer))
    answers.push(changed)
    return { ...said, answer: formatAnswer(changed) }
  }
  return answers
}

function membersOf(node: JoinNode, message: string): Set<string> {
  const found = [...node.statements.all()].flatMap(({ statement }) =>
    statement.type === 'member' && statement.message === message ? [statement.principal] : [],
  )
  return new Set(found)
}

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

test('an invite redeemed by many at once admits one principal', async () => {
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

test('an invite is used up after the redeemer was restored to the day before', async () => {
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

test('an invite that is expired, revoked, forged, or shown to another node admits nobody', async () => {
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
})

test('a redemption that was overheard serves no other joiner', async () => {
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
})

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

test('an old chain, signed with keys long retired, admits nobody who was invited to a newer one', async () => {
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
})

test('who promises newer roots and never shows them is believed in nothing', async () => {
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
  await sim.run(node.statements.submit(world.freeze({ scope }).bytes))
  assert.deepEqual(lost, [joiner.did], 'in the very turn')
  assert.deepEqual(node.network.peers(), [])
  await sim.clock.advance(1_000)
  assert.deepEqual(joiner.network.peers(), [])
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

test('strangers without end take the room of a few, whatever they call themselves', async () => {
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

const LOG = keyOf('log of many')
const WITNESS = keyOf('witness of many')
