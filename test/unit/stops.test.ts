import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOTHING_INHERITED } from '../../src/core/ancestry.ts'
import { coveringDenial } from '../../src/core/checks/revocation.ts'
import { type Stop, Stops } from '../../src/core/stops.ts'
import { Memory } from './memory.ts'
import { opened, peer, world } from './sets.ts'
import { ana, atlas, DAY_MS, foldOf, keyOf, type Made, NOW_MS } from './statements.ts'

const FAR_MS = NOW_MS + DAY_MS
const JUDGED_MS = FAR_MS - 1_000
const principals = Array.from({ length: 3 }, (_, n) => keyOf(`p${n}`).did)

/** Does it deny a request of this principal. */
function denies(governance: Parameters<typeof coveringDenial>[0], did = principals[0]): boolean {
  const coverage = {
    ...{ action: 'tool:read', resource: null, links: [], issuers: [ana.did] },
    ...{ principals: did === undefined ? [] : [did], node: atlas.identity.did },
    ...{ policies: [], executions: [], inherited: NOTHING_INHERITED },
  }
  return coveringDenial(governance, coverage, JUDGED_MS) !== null
}

const revoke = (n: number, untilMs = FAR_MS) =>
  world.revocation({ target: { kind: 'principal', did: principals[n] ?? ana.did }, untilMs })
const freezeOf = (n: number, version: number, frozen: boolean) =>
  world.freeze({ scope: { kind: 'principal', did: principals[n] ?? ana.did }, version, frozen })

test('what stops denies from the moment it is verified, and governance says it once it is durable', async () => {
  for (const made of [revoke(0), freezeOf(0, 1, true)]) {
    const memory = new Memory()
    const statements = await opened(world, memory)
    memory.hold()
    const { digest, size } = statements.governance
    const { done } = statements.offer(made.bytes, peer, 'gossip')
    await new Promise(setImmediate)
    assert.deepEqual([denies(statements.governance), denies(statements.enforced)], [false, true])
    // What is signed, announced and compared is what is durable.
    assert.deepEqual([statements.enforced.digest, statements.enforced.size], [digest, size])
    assert.equal(statements.get(made.id), null)
    memory.release()
    await done
    assert.equal(statements.enforced, statements.governance)
    assert.equal(denies(statements.enforced), true)
  }
})

test('what the disk refuses denies no longer', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  memory.fail('gone')
  const { done } = statements.offer(revoke(0).bytes, peer, 'gossip')
  assert.equal(denies(statements.enforced), true)
  await assert.rejects(done)
  assert.equal(denies(statements.enforced), false)
})

test('what lifts a freeze waits for the disk, and an older freeze than that stops nothing', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  await statements.offer(freezeOf(0, 1, true).bytes, peer, 'gossip').done
  memory.hold()
  const lifted = statements.offer(freezeOf(0, 3, false).bytes, peer, 'gossip').done
  assert.equal(denies(statements.enforced), true)
  memory.release()
  await lifted
  assert.equal(denies(statements.enforced), false)
  memory.hold()
  const late = statements.offer(freezeOf(0, 2, true).bytes, peer, 'gossip').done
  assert.equal(denies(statements.enforced), false)
  memory.release()
  await late
})

test('a statement without its signatures stops nothing', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  memory.hold()
  const { verdict, done } = statements.offer(
    world.freeze({}, [keyOf('nobody')]).bytes,
    peer,
    'push',
  )
  assert.equal(verdict.verdict, 'reject')
  await done
  assert.equal(statements.enforced, statements.governance)
})

const stop: fc.Arbitrary<Made> = fc.oneof(
  fc
    .record({ n: fc.nat(2), ends: fc.boolean() })
    .map(({ n, ends }) => revoke(n, ends ? JUDGED_MS : FAR_MS)),
  fc
    .record({ n: fc.nat(2), version: fc.integer({ min: 1, max: 3 }), frozen: fc.boolean() })
    .map(({ n, version, frozen }) => freezeOf(n, version, frozen)),
)

test('stops over governance deny what governance would deny once it has them', () => {
  fc.assert(
    fc.property(
      fc.array(stop, { maxLength: 6 }),
      fc.array(stop, { maxLength: 6 }),
      (one, other) => {
        const fold = foldOf(world.mesh, [world.first, ...one])
        const stops = new Stops()
        const arriving = other.filter(
          ({ statement }) => statement.type !== 'freeze' || statement.frozen,
        )
        for (const { statement } of arriving) stops.add(statement as Stop)
        const over = stops.over(fold.governance)
        const early = principals.map((did) => denies(over, did))
        for (const { statement, envelope } of arriving) fold.put({ statement, envelope })
        assert.deepEqual(
          early,
          principals.map((did) => denies(fold.governance, did)),
        )
        for (const { id } of arriving) stops.remove(id)
        assert.equal(stops.over(fold.governance), fold.governance)
      },
    ),
    { numRuns: 200 },
  )
})
