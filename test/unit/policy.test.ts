/** How a request becomes Cedar's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256Hex } from '../../src/core/id.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { cedarValue, policyDigest, policyInput } from '../../src/core/policy.ts'
import { readRequest } from '../../src/core/request.ts'

test('there is no null and no fraction in what Cedar gets', () => {
  const value = { a: null, b: [1, null, 1.5], c: { d: null, e: -0.25 }, f: 'x', g: true, h: 7 }
  assert.equal(
    JSON.stringify(cedarValue(value)),
    '{"b":[1,"1.5"],"c":{"e":"-0.25"},"f":"x","g":true,"h":7}',
  )
  fc.assert(
    fc.property(fc.jsonValue(), (each) => {
      // What is inside null is left out; null itself is nobody's argument.
      assert.ok(sound(cedarValue({ each } as JsonObject)))
    }),
  )
})

test('claims of the caller stand apart from arguments and from what the node measured', () => {
  const request = readRequest({
    subject: { type: 'user', id: 'alice', properties: { role: 'admin' } },
    action: { name: 'tool:read', properties: { line: 7 } },
    resource: { type: 'repo', id: 'acme/docs', properties: { status: 'active' } },
    context: { ip: '10.0.0.1' },
  })
  const input = policyInput(request, { type: 'user', id: 'alice' }, { node: { id: 'n' } })
  assert.equal(
    JSON.stringify(input),
    JSON.stringify({
      principal: { type: 'user', id: 'alice' },
      action: 'tool:read',
      resource: { type: 'repo', id: 'acme/docs' },
      context: {
        args: { line: 7 },
        request: {
          context: { ip: '10.0.0.1' },
          subject: { role: 'admin' },
          resource: { status: 'active' },
        },
        meshd: { node: { id: 'n' } },
      },
    }),
  )
})

test('the digest of policies does not depend on their order', () => {
  const ids = ['a', 'b', 'c'].map((each) => `sha256:${each.repeat(64)}` as const)
  assert.equal(policyDigest(ids), policyDigest(ids.toReversed()))
  assert.equal(policyDigest(ids), sha256Hex(Buffer.from(ids.map((each) => `${each}\n`).join(''))))
  assert.notEqual(policyDigest(ids), policyDigest(ids.slice(1)))
})

function sound(value: Json): boolean {
  if (typeof value === 'number') return Number.isInteger(value)
  if (typeof value !== 'object') return true
  return value !== null && Object.values(value).every(sound)
}
