import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ASK_TIMEOUT_MS, PENDING_PER_SIGNER_MAX, SYNC_REFUSED_MS } from '../../src/core/limits.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  ben,
  cy,
  keyOf,
  nextRoot,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from './statements.ts'
import {
  digestsOf,
  failsWith,
  freeze,
  freezes,
  lastCost,
  never,
  pull,
  Street,
  strict,
  world,
} from './street.ts'

test('after one pull both sides hold what either held', async () => {
  const street = new Street()
  const a = await street.open('a', world, freezes(0, 30))
  const b = await street.open('b', world, freezes(20, 100))
  await pull(street, a, b)
  assert.equal(a.statements.governance.size, 101)
  assert.equal(digestsOf(a, b), 1)
})

test('equal sets cost one round trip of less than a KiB', async () => {
  const street = new Street()
  const [a, b] = [
    await street.open('a', world, freezes(0, 50)),
    await street.open('b', world, freezes(0, 50)),
  ]
  await pull(street, a, b)
  const { rounds, sentBytes, receivedBytes } = lastCost(a)
  assert.deepEqual([rounds, sentBytes + receivedBytes < 1_024], [1, true])
})

test('what is pulled is durable when the pull resolves', async () => {
  const street = new Street()
  const a = await street.open('a')
  const b = await street.open('b', world, freezes(0, 3))
  a.memory.hold()
  let resolved = false
  const pulled = a.sync.pull(b.did, never).then(() => {
    resolved = true
  })
  await street.clock.settle()
  assert.equal(resolved, false)
  a.memory.release()
  await pulled
  assert.equal(a.memory.space('statement').size, 4)
})

test('a late joiner follows the chain of roots, whatever the order of everything else', async () => {
  const street = new Street()
  const second = nextRoot(world.first)
  const third = nextRoot(second)
  const policy = world.policy({}, [ana], 2)
  const later = Array.from({ length: 8 }, (_, n) => n).reduce(
    (all) => [...all, world.nextPolicy(all.slice(-1), {}, [ana], 3)],
    [policy],
  )
  const b = await street.open('b', world, [second, third, ...later, ...freezes(0, 20)])
  const a = await street.open('a')
  await pull(street, a, b)
  assert.equal(a.statements.governance.root?.version, 3)
  assert.equal(digestsOf(a, b), 1)
})

test('a root whose witness is a member only later is followed all the same', async () => {
  const street = new Street()
  const node = { name: 'corvus', identity: keyOf('c i'), log: keyOf('c l'), witness: keyOf('c w') }
  const witnesses = [...world.first.statement.witnesses, node.identity.did]
  const second = nextRoot(world.first, {
    witnesses,
    lease: { ...world.first.statement.lease, read: 2, write: 2 },
  })
  const many = Array.from({ length: 100 }, (_, n) =>
    world.freeze({ scope: { kind: 'principal', did: keyOf(`q${n}`).did } }, [ana], 2),
  )
  const b = await street.open('b', world, [world.member(node), second, ...many])
  assert.equal(b.statements.governance.root?.version, 2)
  const a = await street.open('a')
  await pull(street, a, b)
  assert.equal(digestsOf(a, b), 1)
})

test('signatures that each side alone has meet on both', async () => {
  const street = new Street()
  const three = new World(rootOf({ roles: { ...rolesOf(people), revoker: role(3, ana, ben, cy) } }))
  const a = await street.open('a', three, [freeze(1, [ana, ben], three)])
  const b = await street.open('b', three, [freeze(1, [ben, cy], three)])
  await pull(street, a, b)
  await pull(street, b, a)
  for (const { statements } of [a, b]) {
    assert.equal(statements.get(freeze(1, [ana], three).id)?.state, 'effective')
    assert.equal(statements.trees.waiting.count, 0)
  }
})

test('what waits for signatures is exchanged too', async () => {
  const street = new Street()
  const a = await street.open('a', strict, [freeze(1, [ana], strict)])
  const b = await street.open('b', strict, [freeze(2, [ben], strict)])
  await pull(street, a, b)
  assert.equal(a.statements.trees.waiting.count, 2)
  await pull(street, b, a)
  assert.equal(a.statements.trees.waiting.rootHash, b.statements.trees.waiting.rootHash)
})

test('what waits elsewhere and finds no room here is fetched once, not with every comparison', async () => {
  const street = new Street()
  // Its signer's quota is full here, of smaller ids than what the other has.
  const all = Array.from({ length: 2 * PENDING_PER_SIGNER_MAX }, (_, n) => freeze(n, [ana], strict))
  all.sort((x, y) => (x.id < y.id ? -1 : 1))
  const a = await street.open('a', strict, all.slice(0, PENDING_PER_SIGNER_MAX))
  const b = await street.open('b', strict, all.slice(PENDING_PER_SIGNER_MAX))
  const received: number[] = []
  for (let n = 0; n < 3; n++) {
    await pull(street, a, b)
    received.push(lastCost(a).receivedBytes)
  }
  const [first = 0, second = 0, third = 0] = received
  assert.ok(first > 5 * second, `${received}`)
  assert.equal(second, third)
  assert.equal(a.statements.trees.waiting.count, PENDING_PER_SIGNER_MAX)
  // It asks again later, for places become free.
  await street.clock.advance(SYNC_REFUSED_MS)
  await pull(street, a, b)
  assert.equal(lastCost(a).receivedBytes, first)
})

test('address records of both sides meet', async () => {
  const street = new Street()
  const [a, b] = [await street.open('a'), await street.open('b')]
  for (const text of ['one', 'two']) a.addresses.records.add(text)
  for (const text of ['two', 'three']) b.addresses.records.add(text)
  await pull(street, a, b)
  for (const { addresses } of [a, b])
    assert.deepEqual([...addresses.records].sort(), ['one', 'three', 'two'])
})

test('a peer of another mesh is told apart before anything is exchanged', async () => {
  const street = new Street()
  const [a, b] = [await street.open('a'), await street.open('b', strict)]
  await assert.rejects(pull(street, a, b), failsWith('UNREACHABLE'))
  assert.equal(a.statements.governance.size, 1)
})

test('callers that come while one pull runs share the next, so none misses what was there', async () => {
  const street = new Street()
  const [a, b] = [await street.open('a'), await street.open('b')]
  const first = a.sync.pull(b.did, never)
  await b.statements.offer(freeze(1).bytes, null, 'local').done
  const [second, third] = [a.sync.pull(b.did, never), a.sync.pull(b.did, never)]
  assert.equal(second, third)
  await Promise.all([first, second])
  assert.equal(digestsOf(a, b), 1)
  await street.clock.settle()
  assert.equal(a.costs.length, 2)
})

test('a key that a root dropped governs nowhere, whether its statement came before the root or after (row 131)', async (t) => {
  const street = new Street()
  const roles = { ...rolesOf(people), revoker: role(1, ana, ben) }
  const [late, second] = [freeze(1, [cy]), nextRoot(world.first, { roles })]
  const a = await street.open('a', world, [late, second])
  const b = await street.open('b', world, [second, late])
  const c = await street.open('c', world, [second])
  await pull(street, c, a)
  assert.equal(digestsOf(a, b, c), 1)
  for (const { statements } of [a, b, c]) {
    assert.equal(statements.governance.freezes.size, 0)
    assert.equal(statements.get(late.id)?.state, 'disarmed')
    assert.equal(statements.trees.waiting.rootHash, a.statements.trees.waiting.rootHash)
  }
  row(t, 131, 'the same on both nodes, whatever came first')
})

test('two drafts of one version are a conflict only when both have their signatures (row 128)', async (t) => {
  const street = new Street()
  const two = new World(rootOf({ roles: { ...rolesOf(people), policy: role(2, ana, ben, cy) } }))
  const draft = (message: string, signers: readonly (typeof ana)[]) =>
    two.policy({ message }, signers)
  const a = await street.open('a', two, [draft('one', [ana, ben]), draft('two', [ana])])
  const b = await street.open('b', two, [draft('two', [ana])])
  await pull(street, b, a)
  assert.equal(b.statements.get(draft('one', [ana]).id)?.state, 'effective')
  assert.equal(b.statements.governance.bundles.get('agents')?.conflict, null)
  await b.statements.offer(draft('two', [cy]).bytes, null, 'local').done
  await pull(street, a, b)
  for (const { statements } of [a, b]) {
    assert.equal(statements.get(draft('one', [ana]).id)?.state, 'conflict')
    assert.notEqual(statements.governance.bundles.get('agents')?.conflict, null)
  }
  assert.equal(digestsOf(a, b), 1)
  row(t, 128, 'digests equal')
})

test('a walk stays about the set that was compared, while the peer learns more', async () => {
  const street = new Street()
  const a = await street.open('a')
  const b = await street.open('b', world, freezes(0, 200))
  let n = 1_000
  // With each answer the peer has learned one more.
  b.lie = (answer) => {
    void b.statements.offer(freeze(n++).bytes, null, 'local').done
    return answer
  }
  await pull(street, a, b)
  assert.ok(a.statements.governance.size >= 201)
  assert.equal(a.sync.penalised(b.did), false)
})

test('a push to a disk that hangs is answered in time, with what is durable', async () => {
  const street = new Street()
  const a = await street.open('a', world, freezes(0, 3))
  const b = await street.open('b')
  b.memory.hold()
  await pull(street, a, b)
  assert.equal(a.costs.length, 0)
  await street.clock.advance(ASK_TIMEOUT_MS)
  assert.equal(a.costs.length, 1)
  assert.equal(b.statements.governance.size, 1)
  b.memory.release()
  await street.clock.settle()
  assert.equal(digestsOf(a, b), 1)
})
