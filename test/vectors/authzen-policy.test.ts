/** The decisions of the AuthZEN 1.0 certification scenario, from body to judgement, with a test artifact that lets a gateway ask for every user. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { close, link } from '../../scripts/vectors/tokens.ts'
import type { Json } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import { readRequest } from '../../src/core/request.ts'
import { readBundle } from '../../src/daemon/bundle-dir.ts'
import { checkBundle } from '../../src/daemon/cedar-check.ts'
import { policyOf } from '../unit/bundles.ts'
import { CALLER, governance, input, presentedOf, why } from '../unit/judgements.ts'

const content = await readBundle('test/vectors/authzen-policy')
const policy = { ...policyOf(''), ...content }

type Properties = { readonly [name: string]: Json }
const entity = (type: string, id: string, properties?: Properties) => ({
  type,
  id,
  ...(properties === undefined ? {} : { properties }),
})

/** The eight decisions that the certification checks, and forged claims. */
const DECISIONS: readonly (readonly [
  string,
  Properties | undefined,
  string,
  Properties | undefined,
  string,
  Properties | undefined,
  boolean,
])[] = [
  ['alice', undefined, 'read', undefined, 'record-1', undefined, true],
  ['alice', undefined, 'write', undefined, 'record-1', undefined, true],
  ['bob', undefined, 'read', undefined, 'record-1', undefined, true],
  ['bob', undefined, 'write', undefined, 'record-1', undefined, false],
  ['alice', undefined, 'write', undefined, 'record-2', { status: 'archived' }, false],
  ['bob', { role: 'admin' }, 'write', undefined, 'record-2', { status: 'archived' }, true],
  ['alice', undefined, 'delete', { soft: true }, 'record-1', undefined, true],
  ['alice', undefined, 'delete', { soft: false }, 'record-1', undefined, false],
  [
    'alice',
    { role: 'manager', department: 'Sales' },
    'read',
    { method: 'GET' },
    'record-1',
    { owner: 'bob' },
    true,
  ],
  // Who says that she is an admin is none, and what is archived stays so whatever is said of it.
  ['alice', { role: 'admin' }, 'write', undefined, 'record-2', { status: 'active' }, false],
  ['carol', { role: 'admin' }, 'write', undefined, 'record-2', { status: 'archived' }, false],
]

test('the bundle of the scenario is good', () => {
  assert.deepEqual(checkBundle(policy), [])
})

for (const [who, role, action, args, what, status, decision] of DECISIONS) {
  for (const context of [undefined, { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' }]) {
    const body = {
      subject: entity('user', who, role),
      action: { name: action, ...(args === undefined ? {} : { properties: args }) },
      resource: entity('record', what, status),
      ...(context === undefined ? {} : { context }),
    }
    test(`${JSON.stringify(body)} is ${decision}`, () => {
      const { subject, resource } = body
      const asked = {
        action,
        resource: entity('record', resource.id),
        subject: entity('user', subject.id),
        args: args ?? {},
      }
      const links = [link(0, { cmd: '/' })]
      const judgement = judge(
        input({
          request: readRequest(body),
          presented: presentedOf(links, close(links, { cmd: `/${action}`, args: asked })),
          caller: { ...CALLER, asserts: ['user:*'] },
          governance: governance({ policies: [policy] }),
        }),
      )
      assert.equal(judgement.denial === null, decision, why(judgement))
    })
  }
}
