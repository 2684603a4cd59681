import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { formatEnvelope, mergeSignatures, signEnvelope } from '../../src/core/dsse.ts'
import { PENDING_PER_SIGNER_MAX, STATEMENT_BYTES_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Learned } from '../../src/mesh/learned.ts'
import { row } from '../lab/row.ts'
import { Memory } from './memory.ts'
import { failsWith, freeze, offer, open, opened, peer, strict, world } from './sets.ts'
import {
  ana,
  atlas,
  ben,
  borealis,
  corvus,
  cy,
  keyOf,
  type Made,
  nextRoot,
  people,
  role,
  rolesOf,
} from './statements.ts'

test('a statement has no force before it is durable, and has it with the same turn', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  const told: Learned[] = []
  statements.onChange((learned) => told.push(learned))
  const before = statements.governance
  memory.hold()
  const { verdict, done } = statements.offer(freeze(1).bytes, peer, 'gossip')
  assert.equal(verdict.verdict, 'accept')
  await new Promise(setImmediate)
  assert.equal(statements.governance, before)
  assert.equal(statements.get(freeze(1).id), null)
  assert.equal(statements.trees.envelopes.count, 1)
  assert.deepEqual(told, [])

  memory.release()
  await done
  assert.equal(statements.governance.freezes.size, 1)
  assert.equal(statements.trees.envelopes.count, 2)
  assert.deepEqual(
    told.map(({ id, state, from, via, digest }) => ({ id, state, from, via, digest })),
    [
      {
        id: freeze(1).id,
        state: 'effective',
        from: peer,
        via: 'gossip',
        digest: statements.governance.digest,
      },
    ],
  )
})

test('all that bring one statement at once share one batch', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  memory.hold()
  const offers = [1, 2, 3].map(() => statements.offer(freeze(1).bytes, peer, 'push'))
  assert.deepEqual(
    offers.map(({ verdict }) => verdict.verdict),
    ['accept', 'ignore', 'ignore'],
  )
  const before = memory.batches
  memory.release()
  await Promise.all(offers.map(({ done }) => done))
  assert.equal(memory.batches, before + 1)
})

const verdicts: Record<string, [string, () => Pick<Made, 'bytes'>]> = {
  'too long': ['reject: oversize', () => ({ bytes: new Uint8Array(STATEMENT_BYTES_MAX + 1) })],
  'no envelope': ['reject: malformed', () => ({ bytes: utf8('{}') })],
  'an envelope that is not canonical': [
    'reject: malformed',
    () => ({ bytes: utf8(` ${new TextDecoder().decode(freeze(1).bytes)}`) }),
  ],
  'a payload of no type': [
    'reject: malformed',
    () => ({ bytes: formatEnvelope(signEnvelope('freeze', utf8('{}'), [ana])) }),
  ],
  'another mesh': ['reject: malformed', () => freeze(1, [ana], strict)],
  "another mesh's first root": ['reject: malformed', () => strict.first],
  'no key in role': ['reject: signature', () => freeze(1, [keyOf('a stranger')])],
  'a signature that does not hold': [
    'reject: signature',
    () => {
      const { envelope } = freeze(1)
      const signatures = envelope.signatures.map((each) => ({ ...each, bytes: new Uint8Array(64) }))
      return { bytes: formatEnvelope({ ...envelope, signatures }) }
    },
  ],
  'a root version that is not known': ['ignore: unknown', () => world.freeze({}, [ana], 2)],
  'a root that skips one': ['ignore: unknown', () => nextRoot(nextRoot(world.first))],
  'what is known already': ['ignore: seen', () => world.first],
}
for (const [what, [expected, make]] of Object.entries(verdicts))
  test(`of a peer, ${what}: ${expected}, and nothing is stored`, async () => {
    const memory = new Memory()
    const statements = await opened(world, memory)
    const before = memory.batches
    assert.equal(await offer(statements, make()), expected)
    assert.equal(memory.batches, before)
  })

test('before a mesh is pinned nothing is taken', async () => {
  assert.equal(await offer(await open(new Memory()), world.first), 'ignore: unknown')
})

test('garbage signatures on a real statement are left off, and what is kept has the good ones alone', async (t) => {
  const statements = await opened()
  const { envelope, id } = freeze(1)
  const garbage = freeze(1, [keyOf('a stranger')]).envelope
  const mixed = formatEnvelope(mergeSignatures(envelope, garbage))
  assert.equal(await offer(statements, { bytes: mixed }), 'accept')
  assert.deepEqual(statements.get(id)?.envelope, envelope)
  // Nothing new the second time: what is left off is not asked about again.
  assert.equal(await offer(statements, { bytes: mixed }), 'ignore: seen')
  row(t, 127, 'garbage signatures left off, the statement in force')
})

test('signatures accumulate, and the one that reaches the threshold puts it in force', async () => {
  const statements = await opened(strict)
  const told: Learned[] = []
  statements.onChange((learned) => told.push(learned))
  assert.equal(await offer(statements, freeze(1, [ana], strict)), 'accept')
  const { id } = freeze(1, [ana], strict)
  assert.equal(statements.get(id)?.state, 'pending')
  assert.deepEqual(statements.needs(id), {
    role: 'revoker',
    threshold: 2,
    missing: 1,
    each: [{ root: 1, threshold: 2, missing: 1 }],
  })
  assert.equal(statements.governance.freezes.size, 0)
  assert.deepEqual([statements.trees.envelopes.count, statements.trees.waiting.count], [1, 1])

  assert.equal(await offer(statements, freeze(1, [ben], strict)), 'accept')
  assert.equal(statements.get(id)?.state, 'effective')
  assert.equal(statements.needs(id).missing, 0)
  assert.equal(statements.governance.freezes.size, 1)
  assert.deepEqual([statements.trees.envelopes.count, statements.trees.waiting.count], [2, 0])
  assert.deepEqual(
    told.map(({ state, note }) => [state, note !== null]),
    [
      ['pending', false],
      ['effective', true],
    ],
  )
})

test('two signatures that arrive in one batch are both counted', async () => {
  const memory = new Memory()
  const statements = await opened(strict, memory)
  memory.hold()
  const offers = [ana, ben].map((each) =>
    statements.offer(freeze(1, [each], strict).bytes, peer, 'gossip'),
  )
  memory.release()
  await Promise.all(offers.map(({ done }) => done))
  assert.equal(statements.governance.freezes.size, 1)
})

test('a flood of one signer evicts nobody else’s, on disk and in memory (S21)', async () => {
  const memory = new Memory()
  const statements = await opened(strict, memory)
  const honest = freeze(0, [ben], strict)
  assert.equal(await offer(statements, honest), 'accept')
  let refused = 0
  for (let n = 1; n <= 3 * PENDING_PER_SIGNER_MAX; n++)
    if ((await offer(statements, freeze(n, [ana], strict))) !== 'accept') refused += 1
  assert.ok(refused > 0)
  assert.equal(statements.get(honest.id)?.state, 'pending')
  assert.equal(statements.trees.waiting.count, PENDING_PER_SIGNER_MAX + 1)
  assert.equal(memory.space('statement').size, PENDING_PER_SIGNER_MAX + 2)
  assert.equal(statements.governance.freezes.size, 0)
  // And the disk still is what was acknowledged.
  assert.equal((await open(memory)).trees.waiting.rootHash, statements.trees.waiting.rootHash)
})

test('what the disk did not take has no place: after a flood whose write failed as many are taken as before', async () => {
  const memory = new Memory()
  const statements = await opened(strict, memory)
  const made = (from: number) =>
    Array.from({ length: PENDING_PER_SIGNER_MAX }, (_, n) => freeze(from + n, [ana], strict))
  memory.fail('gone')
  const lost = await Promise.allSettled(made(1).map(({ bytes }) => statements.submit(bytes)))
  assert.ok(lost.every(({ status }) => status === 'rejected'))
  memory.fail(null)
  for (const one of made(1_000)) assert.equal(await offer(statements, one), 'accept')
  assert.equal(statements.trees.waiting.count, PENDING_PER_SIGNER_MAX)
})

test('keys that a root itself brings own no place: drafts that none of the old keys signed are refused', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  const before = memory.batches
  for (let n = 0; n < 5; n++) {
    const own = keyOf(`invented ${n}`)
    const roles = { ...rolesOf(people), root: role(1, own) }
    assert.equal(
      await offer(statements, nextRoot(world.first, { roles }, [own])),
      'reject: signature',
    )
  }
  assert.equal(memory.batches, before)
  // With one of them it waits for the others, in that one's quota.
  const roles = { ...rolesOf(people), root: role(1, keyOf('new')) }
  assert.equal(
    await offer(statements, nextRoot(world.first, { roles }, [keyOf('new'), ana])),
    'accept',
  )
  assert.equal(statements.trees.waiting.count, 1)
  assert.equal((await open(memory)).trees.waiting.count, 1)
})

test('what waits for a root is tried again when it arrives', async () => {
  const statements = await opened()
  const second = nextRoot(world.first)
  const late = world.freeze({}, [ana], 2)
  assert.equal(await offer(statements, late), 'ignore: unknown')
  assert.equal(statements.get(late.id), null)
  assert.equal(await offer(statements, second), 'accept')
  await new Promise(setImmediate)
  assert.equal(statements.get(late.id)?.state, 'effective')
})

test('a root that drops a key disarms what it signed, and says so of each', async () => {
  const statements = await opened()
  const one = freeze(1, [cy])
  await offer(statements, one)
  const told: Learned[] = []
  statements.onChange((learned) => told.push(learned))
  const roles = { ...rolesOf(people), revoker: role(1, ana, ben) }
  await offer(statements, nextRoot(world.first, { roles }))
  assert.deepEqual(told[0]?.changed, [one.id])
  assert.equal(statements.get(one.id)?.state, 'disarmed')
  assert.equal(statements.governance.freezes.size, 0)
  assert.deepEqual([statements.trees.envelopes.count, statements.trees.waiting.count], [2, 1])
})

test('a key that a root dropped cannot flood: what it signs late waits under its quota', async () => {
  const statements = await opened()
  const roles = { ...rolesOf(people), revoker: role(1, ana, ben) }
  await offer(statements, nextRoot(world.first, { roles }))
  for (let n = 0; n < 2 * PENDING_PER_SIGNER_MAX; n++) await offer(statements, freeze(n, [cy]))
  assert.equal(statements.trees.waiting.count, PENDING_PER_SIGNER_MAX)
  assert.equal(statements.governance.freezes.size, 0)
})

test('after a restart everything is as it was, whatever the order of arrival', async () => {
  const second = nextRoot(world.first)
  const first = world.policy()
  const all: readonly Made[] = [
    world.member(atlas),
    world.member(borealis),
    world.member(corvus),
    first,
    world.nextPolicy([first]),
    world.revocation(),
    second,
    world.freeze({}, [ana], 2),
  ]
  const order = fc.shuffledSubarray([...all], { minLength: all.length })
  const digests = new Set<string>()
  await fc.assert(
    fc.asyncProperty(order, async (shuffled) => {
      const memory = new Memory()
      const statements = await opened(world, memory)
      for (const one of shuffled) await offer(statements, one)
      await new Promise(setImmediate)
      assert.equal(statements.governance.size, 1 + all.length)
      digests.add(`${statements.governance.digest} ${statements.trees.envelopes.rootHash}`)
      const again = await open(memory)
      assert.equal(again.mesh, world.mesh)
      assert.equal(again.governance.digest, statements.governance.digest)
      assert.equal(again.trees.envelopes.rootHash, statements.trees.envelopes.rootHash)
    }),
    { numRuns: 20 },
  )
  assert.equal(digests.size, 1)
})

const tampers: Record<string, (statements: Map<string, Uint8Array>) => void> = {
  'a statement is gone': (map) => map.delete(freeze(1).id),
  'all statements are gone': (map) => map.clear(),
  'one was put there': (map) => map.set(freeze(2).id, freeze(2).bytes),
  'one has another signature': (map) => map.set(freeze(1).id, freeze(1, [ben]).bytes),
  'one stands under another id': (map) => {
    map.set(freeze(2).id, freeze(1).bytes)
    map.delete(freeze(1).id)
  },
  'a byte of one is flipped': (map) => {
    const bytes = Uint8Array.from(freeze(1).bytes)
    bytes[40] = (bytes[40] ?? 0) ^ 1
    map.set(freeze(1).id, bytes)
  },
}
for (const [what, tamper] of Object.entries(tampers))
  test(`nothing is opened when ${what}`, async () => {
    const memory = new Memory()
    await offer(await opened(world, memory), freeze(1))
    await open(memory)
    tamper(memory.space('statement'))
    await assert.rejects(open(memory), failsWith('LOG_DAMAGED', /acknowledged/))
  })

test('nothing is opened when what is stored does not hold, though its hash is right', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  // As if a bug had let it in: a set of another mesh, with its own digest.
  await statements.pin(world.mesh)
  memory.space('governance').set('mesh', utf8(strict.mesh))
  await assert.rejects(open(memory), failsWith('LOG_DAMAGED', /does not hold/))
})

for (const how of ['gone', 'kept'] as const)
  test(`after a write that failed and is ${how}, later ones are durable and a restart agrees`, async () => {
    const memory = new Memory()
    const statements = await opened(strict, memory)
    memory.fail(how)
    for (const one of [freeze(1, [ana, ben], strict), freeze(2, [ana], strict)])
      await assert.rejects(offer(statements, one), MeshError)
    assert.equal(statements.governance.freezes.size, 0)
    assert.equal(statements.trees.waiting.count, 0)
    memory.fail(null)
    assert.equal(await offer(statements, freeze(3, [ana, ben], strict)), 'accept')
    const again = await open(memory)
    assert.equal(again.governance.digest, statements.governance.digest)
    assert.equal(again.trees.waiting.rootHash, statements.trees.waiting.rootHash)
    // What was refused may come again.
    assert.equal(await offer(statements, freeze(1, [ana, ben], strict)), 'accept')
    assert.equal((await open(memory)).governance.freezes.size, 2)
  })
