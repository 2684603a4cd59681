/** What is wrong with a bundle is found before it is signed, with its place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../../src/core/json.ts'
import { checkBundle } from '../../src/daemon/cedar-check.ts'
import { row } from '../lab/row.ts'
import { type BundleFields, PERMIT, policyOf } from './bundles.ts'

const problems = (text: string, fields: BundleFields = {}) =>
  checkBundle(policyOf(text, fields)).map(({ where, says, kind }) => `${kind} ${where} ${says}`)

function finds(text: string, expected: RegExp, fields: BundleFields = {}): void {
  const found = problems(text, fields)
  assert.ok(found.length > 0, `nothing wrong with ${text}`)
  assert.match(found.join('\n'), expected)
}

test('a good bundle has no problems', () => {
  assert.deepEqual(problems(PERMIT), [])
})

test('syntax errors name file and line', () => {
  finds(
    `${PERMIT}\n\n@id("b")\npermit (principal, action, resource) whn { true };`,
    /^syntax p\.cedar:4 /,
  )
  // Cedar counts bytes, editors count characters.
  finds(
    `// ${'é'.repeat(40)}\n${PERMIT}\n@id("b") permit (principal, action, resource) whn {};`,
    /^syntax p\.cedar:3 /,
  )
})

test('a type error names the line inside the policy', () => {
  const text = `// first\n${PERMIT}\n@id("b")\nforbid (principal, action, resource)\nwhen {\n  principal.risk > 3\n};`
  finds(text, /^schema p\.cedar:6 .*risk/)
})

test('every policy has an id of its own', () => {
  finds('permit (principal, action, resource);', /^rule p\.cedar:1 .*no @id/)
  finds('@id("") permit (principal, action, resource);', /no @id/)
  finds('@id("a b") permit (principal, action, resource);', /no @id/)
  finds(`${PERMIT}\n${PERMIT}`, /^rule p\.cedar:2 the id `permit` is taken by p\.cedar:1$/)
})

test('annotations that are misspelled or misplaced do not loosen anything', () => {
  const permit = (annotation: string) =>
    `@id("p") ${annotation} permit (principal, action, resource);`
  finds(permit('@stalenes("15s")'), /unknown annotation @stalenes/)
  for (const staleness of ['', '15', '0s', '1.5s', '10ms', '9999999h', '15 s', '-1s']) {
    finds(permit(`@staleness("${staleness}")`), /@staleness/)
  }
  finds(permit('@require("mirrored")'), /@require/)
  finds(permit('@hint'), /@hint/)
  finds('@id("f") @staleness("15s") forbid (principal, action, resource);', /belong to a permit/)
  finds(
    '@id("f") @require("witnessed") forbid (principal, action, resource);',
    /belong to a permit/,
  )
  assert.deepEqual(problems(permit('@staleness("15s") @require("witnessed") @hint("x")')), [])
})

test('templates are refused', (t) => {
  finds(
    `${PERMIT} @id("t") permit (principal == ?principal, action, resource);`,
    /templates are refused/,
  )
  row(t, 93, '0 policy texts built')
})

test('a policy that can never apply is a mistake', () => {
  finds('@id("n") permit (principal, action, resource) when { false };', /impossible/)
  finds('@id("n") permit (principal is repo, action, resource);', /applicable action/)
  finds(
    '@id("n") permit (principal, action == Action::"tool:reed", resource);',
    /unrecognized action/,
  )
})

test('a bundle without policies is a mistake', () => {
  finds('', /no policy/)
  finds('// nothing', /no policy/)
})

test('a schema that no request could mean is refused', () => {
  const schema = (text: string): BundleFields => ({ schema: text })
  finds(
    PERMIT,
    /^schema schema\.cedarschema:3 /,
    schema('entity principal;\nentity repo\nentity x;'),
  )
  finds(PERMIT, /no action/, schema('entity principal;'))
  const apply = 'appliesTo { principal: A, resource: A }'
  finds(PERMIT, /namespace `N`/, schema(`namespace N { entity A; action "x" ${apply}; }`))
  finds(PERMIT, /can never be asked/, schema(`entity A; action "a b" ${apply};`))
  finds(PERMIT, /never be asked.*lower case/, schema(`entity A; action "Tool:x" ${apply};`))
  finds(PERMIT, /two actions/, schema(`entity A; action "tool:x", "tool/x" ${apply};`))
  const context = `entity A; action "x" appliesTo { principal: A, resource: A, context: { risk: Long } };`
  finds(PERMIT, /has `risk`: it holds args, request, meshd/, schema(context))
})

test('static entities conform to the schema, once each', () => {
  const user = (id: string, attrs: Json = {}) => ({ uid: { type: 'principal', id }, attrs })
  const entities = (...list: Json[]): BundleFields => ({ entities: list })
  assert.deepEqual(problems(PERMIT, entities(user('a'), user('b', { name: 'b' }))), [])
  finds(PERMIT, /there twice|duplicate/, entities(user('a'), user('a', { name: 'x' })))
  finds(
    PERMIT,
    /two entities are named `x`/,
    entities(user('a', { name: 'x' }), user('b', { name: 'x' })),
  )
  finds(PERMIT, /^schema entities\.json .*name/, entities(user('a', { name: 7 })))
  finds(PERMIT, /unknown fields/, entities({ ...user('a'), extra: 1 }))
  finds(PERMIT, /entities\.json/, entities({ uid: { type: 'stranger', id: 'a' }, attrs: {} }))
  finds(PERMIT, /entities are a list/, { entities: {} })
})

test('all problems are told, not the first alone', () => {
  const found = problems(
    'permit (principal, action, resource);\n@id("b") @x permit (principal, action, resource);',
    {
      schema: 'entity',
      entities: [1],
    },
  )
  assert.equal(found.length, 4, found.join('\n'))
})

const CI: Json = { uid: { type: 'principal', id: 'did:key:z' }, attrs: { name: 'ci' }, parents: [] }
const request = { principal: 'ci', action: 'tool:read', resource: 'repo:acme/docs' }
const readsEnv =
  '@id("env") permit (principal == principal::"did:key:z", action, resource) when { context has meshd && context.meshd.env.labels has env && context.meshd.env.labels.env == "prod" };'

test('a bundle brings tests, and their failures name their place', () => {
  const tests = (one: Record<string, Json>): BundleFields => ({
    entities: [CI],
    tests: [{ where: 'tests/a.test.yaml:3', name: 'it may', request, expect: 'ALLOW', ...one }],
  })
  const facts = { env: { labels: { env: 'prod' } } }
  assert.deepEqual(problems(readsEnv, tests({ facts })), [])
  assert.deepEqual(problems(readsEnv, tests({ facts, by: 'env' })), [])
  assert.deepEqual(problems(readsEnv, tests({ expect: 'DENY', code: 'POLICY_NO_PERMIT' })), [])
  finds(
    readsEnv,
    /^test tests\/a\.test\.yaml:3 it may: want ALLOW, got DENY POLICY_NO_PERMIT$/,
    tests({}),
  )
  finds(readsEnv, /want ALLOW by "other", got ALLOW by "env"/, tests({ facts, by: 'other' }))
  finds(
    readsEnv,
    /want DENY POLICY_FORBID, got DENY POLICY_NO_PERMIT/,
    tests({ expect: 'DENY', code: 'POLICY_FORBID' }),
  )
  finds(readsEnv, /type:id/, tests({ request: { ...request, principal: 'nobody' } }))
  finds(readsEnv, /star/, tests({ request: { ...request, resource: 'repo:*' } }))
})

test('a test that is not understood fails the bundle', () => {
  for (const tests of [
    {},
    [{ where: 'x', name: 'x', request, expect: 'MAYBE' }],
    [{ where: 'x', name: 'x', request, expect: 'ALLOW', codee: 'x' }],
    [{ where: 'x', name: 'x', request: { ...request, arg: {} }, expect: 'ALLOW' }],
    [{ name: 'x', request, expect: 'ALLOW' }],
  ]) {
    finds(PERMIT, /^test /, { tests })
  }
})
