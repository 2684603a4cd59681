import assert from 'node:assert/strict'
import { test } from 'node:test'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { checkSignatures } from '../../src/core/admission.ts'
import { type Envelope, signEnvelope } from '../../src/core/dsse.ts'
import { cidOf } from '../../src/core/id.ts'
import type { Signer } from '../../src/core/keys.ts'
import { reaches } from '../../src/core/roles.ts'
import type { Signed } from '../../src/core/statement/statement.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  ben,
  cy,
  keyOf,
  type Made,
  nextRoot,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from './statements.ts'

const roles = { ...rolesOf(people), revoker: role(1, ben), issuer: role(1, person(0)) }
const world = new World(rootOf({ roles }))
const { first, mesh } = world
const trust = { mesh, roots: [first.statement] }

function keysOf(
  made: Made<Signed>,
  envelope = made.envelope,
  by = trust,
): readonly string[] | string {
  const found = checkSignatures(envelope, made.statement, by)
  if (!('verdict' in found)) return found.signatures.map(({ key }) => key)
  return `${found.verdict} ${found.why}`
}

/** With the signature of that key flipped in one bit. */
function spoilt({ envelope }: Made<Signed>, signer: Signer): Envelope {
  const signatures = envelope.signatures.map(({ key, bytes }) =>
    key === signer.did ? { key, bytes: bytes.with(40, (bytes[40] ?? 0) ^ 1) } : { key, bytes },
  )
  return { ...envelope, signatures }
}

test('signatures of keys in the role are kept, and no others', () => {
  const revocation = world.revocation({}, [ana, ben, keyOf('stranger')])
  assert.deepEqual(keysOf(revocation), [ben.did])
  assert.equal(keysOf(world.revocation({}, [ana])), 'reject signature')
  assert.deepEqual(keysOf(world.policy({}, [ana, cy])), [ana.did, cy.did].toSorted())
})

test('garbage on a real statement is taken off; garbage alone is refused', () => {
  const policy = world.policy({}, [ana, cy])
  assert.deepEqual(keysOf(policy, spoilt(policy, ana)), [cy.did])
  const alone = world.policy({}, [ana])
  assert.equal(keysOf(alone, spoilt(alone, ana)), 'reject signature')
  // What was seen good once is not taken for good with other bytes.
  assert.deepEqual(keysOf(alone), [ana.did])
  assert.equal(keysOf(alone, spoilt(alone, ana)), 'reject signature')
})

test('a signature for another type or another payload is none', (t) => {
  const policy = world.policy({}, [ana])
  const other = signEnvelope('freeze', policy.envelope.payload, [ana])
  assert.equal(
    keysOf(policy, { ...policy.envelope, signatures: other.signatures }),
    'reject signature',
  )
  const twin = world.policy({ message: 'twin' }, [ana])
  assert.equal(
    keysOf(twin, { ...twin.envelope, signatures: policy.envelope.signatures }),
    'reject signature',
  )
  row(t, 82, '0 accepted')
})

test('a statement of a foreign mesh is refused, whoever signed it', (t) => {
  const foreign = new World(rootOf({ mesh: 'other', roles }))
  assert.equal(keysOf(foreign.policy()), 'reject malformed')
  assert.equal(keysOf(foreign.first), 'reject malformed')
  row(t, 65, '0 accepted')
})

test('what nobody here can judge is ignored: before the pin, and under an unknown root', () => {
  assert.equal(keysOf(first, first.envelope, { mesh: null as never, roots: [] }), 'ignore unknown')
  assert.equal(keysOf(world.policy({}, [ana], 2)), 'ignore unknown')
  assert.equal(keysOf(nextRoot(nextRoot(first))), 'ignore unknown')
  const strange = rootOf({ version: 2, previous: world.policy().id })
  assert.equal(keysOf(strange), 'ignore unknown')
})

test('the first root is judged by its own keys; a later one by those of the last one and its own', () => {
  const none = { mesh, roots: [] }
  assert.deepEqual(keysOf(first, first.envelope, none), people.map(({ did }) => did).toSorted())
  const dan = keyOf('dan')
  const next = nextRoot(first, { roles: { ...roles, root: role(1, dan) } }, [ana, dan, keyOf('x')])
  assert.deepEqual(keysOf(next), [ana.did, dan.did].toSorted())
  // A fork of what is in force here is judged too: only so two of one version are seen.
  const chained = { mesh, roots: [first.statement, nextRoot(first).statement] }
  assert.deepEqual(keysOf(next, next.envelope, chained), [ana.did, dan.did].toSorted())
})

const target = { kind: 'link', cid: cidOf(link(1)) } as const
const chain = [link(0), link(1)]

test('a link is revoked by its own issuer, with a chain proven from an issuer in role', (t) => {
  const by = (signer: Signer) => keysOf(world.revocation({ target, chain }, [signer]))
  assert.deepEqual(by(person(1)), [person(1).did])
  for (const other of [person(0), person(2), ana, ben]) assert.equal(by(other), 'reject signature')
  row(t, 130, '0 without a proven chain')
})

test('a chain that is forged, or begins with nobody in role, proves nothing', () => {
  const forged = link(0, {}, person(3))
  const made = world.revocation({ target, chain: [forged, link(1)] }, [person(1)])
  assert.equal(keysOf(made), 'reject proof')
  const strict = new World(rootOf({ roles: rolesOf(people) }))
  const outside = strict.revocation({ target, chain }, [person(1)])
  assert.equal(
    keysOf(outside, outside.envelope, { mesh: strict.mesh, roots: [strict.first.statement] }),
    'reject proof',
  )
})

test('a threshold is reached by distinct keys of the role', () => {
  const two = role(2, ana, ben)
  assert.equal(reaches(two, [ana.did, ana.did]), false)
  assert.equal(reaches(two, [ana.did, cy.did]), false)
  assert.equal(reaches(two, [ben.did, ana.did]), true)
})
