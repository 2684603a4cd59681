/** Evidence in the set: who is distrusted by it, since when, and what lifts it (S4, S16). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatEnvelope } from '../../src/core/dsse.ts'
import type { Governance } from '../../src/core/governance.ts'
import { row } from '../lab/row.ts'
import { Memory } from './memory.ts'
import { offer, open, opened, world } from './sets.ts'
import {
  ana,
  type atlas,
  ben,
  borealis,
  corvus,
  cy,
  foldOf,
  forked,
  type Made,
  nextRoot,
  role,
  rolesOf,
  rootOf,
  signedFork,
  standings,
  World,
} from './statements.ts'

const of = (node: typeof atlas, size = 7, epoch = 1) => forked(world, node, size, epoch)
const member = world.member(borealis)
const distrusts = ({ distrusted }: Governance, node = borealis) =>
  distrusted.get(node.identity.did)?.id ?? null

test('evidence against a member is in force at once, in the digest, and the member distrusted', async () => {
  const statements = await opened()
  await offer(statements, member)
  const before = statements.governance
  const evidence = of(borealis)
  assert.equal(await offer(statements, evidence), 'accept')
  const { governance } = statements
  assert.equal(distrusts(governance), evidence.id)
  assert.equal(statements.get(evidence.id)?.state, 'effective')
  assert.notEqual(governance.digest, before.digest)
  assert.equal(governance.size, before.size + 1)
  const [[origin, known] = []] = governance.evidence
  assert.equal(origin, evidence.statement.origin)
  assert.deepEqual(known, { evidence: evidence.statement, lifted: false })
  assert.equal(await offer(statements, evidence), 'ignore: seen')
})

test('it is not forgotten by a restart, and neither is who is distrusted (B10)', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  const evidence = of(borealis)
  for (const each of [member, evidence]) await offer(statements, each)
  const again = await open(memory)
  assert.equal(distrusts(again.governance), evidence.id)
  assert.equal(again.governance.digest, statements.governance.digest)
})

test('evidence about a stranger, another log key or an epoch that nobody opened is ignored', async () => {
  const statements = await opened()
  assert.equal(await offer(statements, of(borealis)), 'ignore: unknown')
  await offer(statements, member)
  const thief = { ...borealis, log: corvus.log }
  assert.equal(await offer(statements, of(thief)), 'ignore: unknown')
  assert.equal(await offer(statements, of(borealis, 7, 2)), 'ignore: unknown')
  await offer(statements, world.epoch(borealis))
  assert.equal(await offer(statements, of(borealis, 7, 2)), 'accept')
  const elsewhere = new World(rootOf({ mesh: 'other' }))
  assert.equal(await offer(statements, forked(elsewhere, borealis)), 'reject: malformed')
})

test('evidence with a signature that the log key did not make is rejected', async () => {
  const statements = await opened()
  await offer(statements, member)
  assert.equal(
    await offer(statements, signedFork(world, borealis, corvus.log)),
    'reject: signature',
  )
  assert.equal(distrusts(statements.governance), null)
})

test('of one log one statement counts, under one name whichever it is, and nothing else takes a place', async (t) => {
  const many = Array.from({ length: 40 }, (_, at) => of(borealis, at + 1))
  const digests = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(many, { minLength: 40 }), async (order) => {
      const memory = new Memory()
      const statements = await opened(world, memory)
      await offer(statements, member)
      for (const each of order) await offer(statements, each)
      assert.equal(distrusts(statements.governance), order[0]?.id)
      assert.equal(statements.governance.evidence.size, 1)
      assert.deepEqual([...statements.all()].length, 3)
      digests.add(statements.governance.digest)
      assert.equal((await open(memory)).governance.digest, statements.governance.digest)
    }),
    { numRuns: 3 },
  )
  assert.equal(digests.size, 1)
  row(t, 136, 'of several true pairs of one log 1 kept')
})

test('by falling ids, too, one is ever taken, so the log tells of one', async (t) => {
  const statements = await opened()
  await offer(statements, member)
  let told = 0
  statements.onChange(({ note }) => {
    if (note !== null) told += 1
  })
  const many = Array.from({ length: 40 }, (_, at) => of(borealis, at + 1))
  for (const each of many.toSorted((a, b) => (a.id < b.id ? 1 : -1))) await offer(statements, each)
  assert.equal(told, 1)
  row(t, 136, `${many.length} true pairs of one log, by falling ids: the log tells of ${told}`)
})

test('two that come at once leave one', async () => {
  const statements = await opened()
  await offer(statements, member)
  const two = [of(borealis, 3), of(borealis, 4)]
  await Promise.all(two.map((each) => offer(statements, each)))
  assert.equal(distrusts(statements.governance), two[0]?.id)
  assert.equal([...statements.all()].length, 3)
})

const [first, second] = [of(borealis, 3), of(borealis, 4)].toSorted((a, b) =>
  a.id < b.id ? -1 : 1,
) as [Made, Made]
const epoch = world.epoch(borealis)
const lifting = nextRoot(world.first, { lifts: [second.id] })
const base = [world.first, member]

test('a root lifts it, once another log was opened; the evidence stays to be seen', () => {
  const lifted = foldOf(world.mesh, [...base, second, lifting])
  assert.equal(distrusts(lifted.governance), second.id, 'the log with two histories would go on')
  lifted.put(epoch)
  assert.equal(distrusts(lifted.governance), null)
  assert.deepEqual(standings(lifted, [second]), ['effective'])
  assert.equal([...lifted.governance.evidence.values()][0]?.lifted, true)

  const opened = foldOf(world.mesh, [...base, second, epoch])
  assert.equal(distrusts(opened.governance), second.id, 'no admitter lifts it')
})

test('what was lifted keeps its place before others about the same log, in any order', () => {
  const all = [...base, epoch, first, second, lifting]
  const digests = new Set<string>()
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (order) => {
      const fold = foldOf(world.mesh, [world.first, member, ...order])
      // The one that a smaller id has put out comes again, from whoever the root was made at.
      fold.put(second)
      assert.equal(distrusts(fold.governance), null)
      digests.add(fold.governance.digest)
    }),
  )
  assert.equal(digests.size, 1)
})

test('evidence against the log that follows distrusts again', () => {
  const fold = foldOf(world.mesh, [...base, second, lifting, epoch])
  const again = of(borealis, 7, 2)
  fold.put(again)
  assert.equal(distrusts(fold.governance), again.id)
})

test('a key that is no longer an admitter takes the member along, and the evidence comes back with it', () => {
  const evidence = of(borealis)
  const dropped = nextRoot(world.first, {
    roles: { ...rolesOf([ana, ben, cy]), admitter: role(1, ben) },
  })
  const fold = foldOf(world.mesh, [...base, evidence, dropped])
  assert.deepEqual(standings(fold, [evidence]), ['pending'])
  fold.put(world.member(borealis, { version: 2 }, [ben], 2))
  assert.equal(distrusts(fold.governance), evidence.id)
})

test('a later member statement with another log key does not make it forgotten', () => {
  const fold = foldOf(world.mesh, [...base, of(borealis)])
  fold.put(world.member({ ...borealis, log: corvus.log }, { version: 2 }))
  assert.equal(distrusts(fold.governance), of(borealis).id)
})

test('evidence that came before its member waits for it in the fold', () => {
  const fold = foldOf(world.mesh, [world.first, of(borealis)])
  assert.deepEqual(standings(fold, [of(borealis)]), ['pending'])
  fold.put(member)
  assert.deepEqual(standings(fold, [of(borealis)]), ['effective'])
})

test('its envelope has no room for a signature', async () => {
  const statements = await opened()
  await offer(statements, member)
  const signature = { key: ana.did, bytes: new Uint8Array(64) }
  const signed = { ...of(borealis).envelope, signatures: [signature] }
  assert.equal(await offer(statements, { bytes: formatEnvelope(signed) }), 'reject: malformed')
})
