/** Sets of statements on disks of their own, and peers that offer to them. */
import assert from 'node:assert/strict'
import type { PolicyProblem } from '../../src/core/policy.ts'
import { MeshError, type ProblemCode } from '../../src/core/problems.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { Memory } from './memory.ts'
import {
  ana,
  ben,
  cy,
  keyOf,
  type Made,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from './statements.ts'

export const world = new World()
/** Freezes need two of three. */
export const strict = new World(
  rootOf({ roles: { ...rolesOf(people), revoker: role(2, ana, ben, cy) } }),
)
export const peer = keyOf('a peer').did

export async function open(memory: Memory, problems: readonly PolicyProblem[] = []) {
  return Statements.open({
    store: memory,
    persist: (puts) => memory.persist(puts),
    policy: { check: () => problems },
  })
}

/** A set that is pinned to the world and knows its root. */
export async function opened(
  of = world,
  memory = new Memory(),
  problems: readonly PolicyProblem[] = [],
) {
  const statements = await open(memory, problems)
  await statements.pin(of.mesh)
  await offer(statements, of.first)
  return statements
}

export async function offer(statements: Statements, one: Pick<Made, 'bytes'>) {
  const { verdict, done } = statements.offer(one.bytes, peer, 'gossip')
  await done
  return 'why' in verdict ? `${verdict.verdict}: ${verdict.why}` : verdict.verdict
}

export const failsWith = (code: ProblemCode, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MeshError)
  assert.equal(error.code, code)
  assert.match(error.message, says)
  return true
}

export const freeze = (n: number, signers = [ana], of = world) =>
  of.freeze({ scope: { kind: 'principal', did: keyOf(`p${n}`).did } }, signers)
