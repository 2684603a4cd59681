import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { STATEMENT_BYTES_MAX } from '../../src/core/limits.ts'
import type { PolicyProblem } from '../../src/core/policy.ts'
import type { ProblemCode } from '../../src/core/problems.ts'
import { Memory } from './memory.ts'
import { failsWith, freeze, offer, open, opened, strict, world } from './sets.ts'
import { ana, ben, cy, keyOf, type Made, nextRoot, people, role, rolesOf } from './statements.ts'

test('a node is bound to one mesh for ever', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  await statements.pin(world.mesh)
  await assert.rejects(statements.pin(strict.mesh), failsWith('CONFLICT', /for ever/))
  assert.equal((await open(memory)).mesh, world.mesh)
})

test('of two mesh ids pinned at once one wins, and the other is told', async () => {
  const memory = new Memory()
  const statements = await open(memory)
  const pins = await Promise.allSettled([statements.pin(world.mesh), statements.pin(strict.mesh)])
  assert.deepEqual(pins.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  assert.equal((await open(memory)).mesh, statements.mesh)
})

const PROBLEM: PolicyProblem = { where: 'ci.cedar:12', says: 'no such action', kind: 'schema' }

test('a bundle with problems is not accepted from anybody, and a local caller is told each place', async () => {
  const statements = await opened(world, new Memory(), [PROBLEM])
  assert.equal(await offer(statements, world.policy()), 'ignore: unknown')
  await assert.rejects(
    statements.submit(world.policy().bytes),
    failsWith('POLICY_INVALID', /ci\.cedar:12: no such action/),
  )
})

const submissions: Record<string, [ProblemCode, RegExp, () => Pick<Made, 'bytes'>]> = {
  'no envelope': ['STATEMENT_INVALID', /./, () => ({ bytes: utf8('{}') })],
  'too long': ['TOO_LARGE', /524288/, () => ({ bytes: new Uint8Array(STATEMENT_BYTES_MAX + 1) })],
  'another mesh': ['WRONG_MESH', /belongs to/, () => freeze(1, [ana], strict)],
  'an unknown root': ['STATEMENT_INVALID', /root version 2/, () => world.freeze({}, [ana], 2)],
  'no key in role': ['ROLE_MISSING', /`revoker`/, () => freeze(1, [keyOf('a stranger')])],
  'a version that is taken': [
    'CONFLICT',
    /version 1 does not follow 1/,
    () => world.policy({ message: 'another' }),
  ],
  'a version that skips one': [
    'CONFLICT',
    /version 3/,
    () => world.policy({ version: 3, previous: [world.policy().id] }),
  ],
}
for (const [what, [code, says, make]] of Object.entries(submissions))
  test(`a local caller is told ${code} for ${what}`, async () => {
    const statements = await opened()
    await offer(statements, world.policy())
    await assert.rejects(statements.submit(make().bytes), failsWith(code, says))
  })

test('a version that lost its signers with a root is followed by the next one, signed anew', async () => {
  const statements = await opened(world)
  const first = world.policy()
  const lost = world.nextPolicy([first], {}, [cy])
  const roles = { ...rolesOf(people), policy: role(1, ana, ben) }
  for (const each of [first, lost, nextRoot(world.first, { roles })]) await offer(statements, each)
  const bundle = () => statements.governance.bundles.get('agents')
  assert.match(bundle()?.conflict ?? '', /version 2 lost its signers .* sign a version 3/)
  const anew = await statements.submit(world.nextPolicy([lost], {}, [ana]).bytes)
  assert.equal(anew.state, 'effective')
  assert.deepEqual([bundle()?.conflict, bundle()?.inForce?.version], [null, 3])
})

test('a local caller gets what became of it, and the same again when it asks twice', async () => {
  const statements = await opened(strict)
  const pending = await statements.submit(freeze(1, [ana], strict).bytes)
  assert.equal(pending.state, 'pending')
  assert.deepEqual(await statements.submit(freeze(1, [ana], strict).bytes), pending)
  assert.equal((await statements.submit(freeze(1, [ben], strict).bytes)).state, 'effective')
})

test('roots that contradict each other stop the mesh until one is chosen, durably', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  const [a, b] = [nextRoot(world.first), nextRoot(world.first, { message: 'another' })]
  await offer(statements, a)
  await offer(statements, b)
  assert.deepEqual(statements.governance.disputed, [a.id, b.id].sort())
  const told: string[] = []
  statements.onChange(({ id, changed, digest }) => told.push(id, ...changed, digest))
  await statements.choose(b.id)
  await statements.choose(b.id)
  assert.deepEqual(told, [b.id, a.id, statements.governance.digest])
  for (const each of [statements, await open(memory)]) {
    assert.deepEqual(each.governance.disputed, [])
    assert.equal(each.governance.root?.id, b.id)
  }
})

test('what rests on a root that was not chosen is no damage at the next start', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  const dan = keyOf('dan')
  const roles = { ...world.first.statement.roles }
  const [a, b] = [
    nextRoot(world.first, {
      roles: { ...roles, policy: { keys: [ana.did, dan.did], threshold: 1 } },
    }),
    nextRoot(world.first, { message: 'another' }),
  ]
  const lost = [
    nextRoot(a),
    world.policy({ bundle: 'by-dan' }, [dan], 2),
    world.policy({ bundle: 'by-both' }, [ana, dan], 2),
    world.policy({ bundle: 'under-3' }, [ana], 3),
  ]
  for (const each of [a, ...lost, b]) await offer(statements, each)
  await statements.choose(b.id)
  for (const each of [statements, await open(memory), await open(memory)]) {
    assert.equal(each.governance.root?.id, b.id)
    assert.deepEqual([...each.governance.bundles.keys()], ['by-both'])
  }
  const again = await open(memory)
  await offer(again, world.freeze())
  assert.equal((await open(memory)).governance.digest, again.governance.digest)
})
