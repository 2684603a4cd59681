/** Slicing is an optimisation: on random bundles, entities and requests it must say what the full set says (FACTS 5.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Entity } from '../../src/core/command.ts'
import type { Json } from '../../src/core/json.ts'
import type { PolicyInput } from '../../src/core/policy.ts'
import { authorize, preparsePolicies, preparseSchema } from '../../src/daemon/cedar.ts'
import { Bundle, type BundleAnswer, Memory } from '../../src/daemon/cedar-bundle.ts'
import { type Compiled, compile } from '../../src/daemon/cedar-compile.ts'
import { readEntities } from '../../src/daemon/cedar-entities.ts'
import { row } from '../lab/row.ts'
import { policyOf } from './bundles.ts'

const SCHEMA = `
  entity User in [Team] { boss?: User, friends?: Set<User>, level: Long };
  entity Team in [Team];
  entity Doc in [Folder] { owner: User, info?: { reader: User } } tags User;
  entity Folder in [Folder];
  action "write"; action "edit" in ["write"];
  action "doc:read" appliesTo { principal: User, resource: Doc, context: { args: { who?: User, n: Long } } };
  action "doc:edit" in ["edit"] appliesTo { principal: User, resource: Doc, context: { args: { who?: User, n: Long } } };
  action "doc:drop" in ["write"] appliesTo { principal: User, resource: Doc, context: { args: { who?: User, n: Long } } };`

const ID = fc.integer({ min: 0, max: 5 })
const uid = (type: string) => ID.map((n) => ({ type, id: `${type.toLowerCase()}${n}` }))
const literal = (type: string) => uid(type).map((each) => `${each.type}::"${each.id}"`)

const PRINCIPAL = fc.oneof(
  fc.constant('principal'),
  literal('User').map((each) => `principal == ${each}`),
  literal('Team').map((each) => `principal in ${each}`),
  literal('Team').map((each) => `principal is User in ${each}`),
  literal('User').map((each) => `principal in ${each}`),
)
const RESOURCE = fc.oneof(
  fc.constant('resource'),
  literal('Doc').map((each) => `resource == ${each}`),
  literal('Folder').map((each) => `resource in ${each}`),
  literal('Folder').map((each) => `resource is Doc in ${each}`),
)
const ACTION = fc.constantFrom(
  'action',
  'action == Action::"doc:read"',
  'action == Action::"doc:drop"',
  'action in Action::"write"',
  'action in [Action::"edit", Action::"doc:read"]',
)
const CONDITION = fc.oneof(
  fc.constant('true'),
  ID.map((n) => `context.args.n > ${n}`),
  ID.map((n) => `principal.level > ${n}`),
  ID.map((n) => `resource.owner.level == ${n}`),
  literal('Team').map((team) => `resource.owner in ${team}`),
  literal('Team').map((team) => `principal has boss && principal.boss in ${team}`),
  ID.map(
    (n) => `principal has boss && principal.boss has boss && principal.boss.boss.level > ${n}`,
  ),
  literal('User').map((user) => `principal has friends && principal.friends.contains(${user})`),
  ID.map((n) => `resource has info && resource.info.reader.level > ${n}`),
  ID.map((n) => `resource.hasTag("t${n}") && resource.getTag("t${n}").level > ${n}`),
  ID.map((n) => `context.args has who && context.args.who.level > ${n}`),
  literal('Team').map((team) => `context.args has who && context.args.who in ${team}`),
  fc.tuple(literal('User'), literal('Team')).map(([user, team]) => `${user} in ${team}`),
  fc.tuple(literal('User'), ID).map(([user, n]) => `${user}.level > ${n}`),
)
const POLICY = fc
  .tuple(fc.constantFrom('permit', 'permit', 'forbid'), PRINCIPAL, ACTION, RESOURCE, CONDITION)
  .map(([effect, who, what, on, when]) => `${effect} (${who}, ${what}, ${on}) when { ${when} };`)

const reference = (type: string) => uid(type).map((each) => ({ __entity: each }) as Json)
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
const defined = (fields: Record<string, Json | undefined>): Record<string, Json> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )

const USER = fc
  .tuple(
    ID,
    optional(uid('User')),
    optional(fc.array(reference('User'), { maxLength: 2 })),
    fc.array(uid('Team'), { maxLength: 2 }),
  )
  .map(([level, boss, friends, parents]) => ({ attrs: defined({ level, boss, friends }), parents }))
const DOC = fc
  .tuple(
    reference('User'),
    optional(reference('User')),
    fc.array(uid('Folder'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('t1', 't2'), reference('User'), { noNullPrototype: true }),
  )
  .map(([owner, reader, parents, tags]) => ({
    attrs: defined({ owner, info: reader === undefined ? undefined : { reader } }),
    parents,
    tags,
  }))
/** Parents have a smaller number: Cedar refuses cycles. */
const group = (type: string, n: number) =>
  fc.subarray(Array.from({ length: n }, (_, i) => i)).map((above) => ({
    attrs: {},
    parents: above.map((i) => ({ type, id: `${type.toLowerCase()}${i}` })),
  }))
const named = (type: string, of: (n: number) => fc.Arbitrary<object>) =>
  fc
    .tuple(...[0, 1, 2, 3, 4, 5].map((n) => fc.option(of(n), { nil: null, freq: 6 })))
    .map((all) =>
      all.flatMap((each, n) =>
        each === null ? [] : [{ uid: { type, id: `${type.toLowerCase()}${n}` }, ...each }],
      ),
    )
const ENTITIES = fc
  .tuple(
    named('User', () => USER),
    named('Doc', () => DOC),
    named('Team', (n) => group('Team', n)),
    named('Folder', (n) => group('Folder', n)),
  )
  .map((all) => all.flat() as Json[])

const REQUEST = fc
  .tuple(
    uid('User'),
    uid('Doc'),
    fc.constantFrom('doc:read', 'doc:edit', 'doc:drop'),
    ID,
    optional(uid('User')),
  )
  .map(
    ([principal, resource, action, n, who]): PolicyInput => ({
      principal,
      resource,
      action,
      context: { args: defined({ n, who }) },
    }),
  )

/** The whole set and all entities in one call. */
function full(compiled: Compiled, entities: readonly Json[], input: PolicyInput): string {
  const texts = new Map(compiled.rules.map(({ id, text }) => [id, text]))
  assert.deepEqual(preparsePolicies('full', texts), [])
  assert.deepEqual(preparseSchema('full', compiled.schemaText), [])
  const answer = authorize({
    ...input,
    action: { type: 'Action', id: input.action },
    entities: readEntities(entities),
    schema: 'full',
    policies: 'full',
  })
  if (answer.kind === 'failure') return 'error'
  const reasons = [...answer.reasons].sort().join(' ')
  if (answer.decision === 'deny' && reasons !== '') return `forbid ${reasons}`
  if (answer.errors.length > 0) return `error ${[...answer.errors].sort().join('; ')}`
  return answer.decision === 'allow' ? `permit ${reasons}` : 'none'
}

function brief(answer: BundleAnswer): string {
  if ('rules' in answer)
    return `${answer.kind} ${answer.rules
      .map(({ id }) => id)
      .sort()
      .join(' ')}`
  if (answer.kind !== 'error') return answer.kind
  return `error ${[...answer.errors].sort().join('; ')}`
}

test('a slice says what the full set says: decision, reasons and errors', (t) => {
  const seen = new Map<string, number>()
  // A comparison of nothing but denies would pass with everything left out.
  const lacking = () =>
    ['permit', 'forbid', 'error', 'none'].filter((kind) => (seen.get(kind) ?? 0) <= 5)
  const same = fc.property(
    fc.oneof(
      fc.array(POLICY, { minLength: 1, maxLength: 2 }),
      fc.array(POLICY, { minLength: 1, maxLength: 12 }),
    ),
    ENTITIES,
    fc.array(REQUEST, { minLength: 1, maxLength: 6 }),
    (policies, entities, requests) => {
      const text = policies.map((each, i) => `@id("p${i}") ${each}`).join('\n')
      const compiled = compile(policyOf(text, { schema: SCHEMA, entities }))
      if (!('rules' in compiled)) return assert.fail(JSON.stringify(compiled))
      const bundle = new Bundle(compiled, 'b', new Memory())
      for (const request of requests) {
        const whole: string = full(compiled, entities, request)
        assert.equal(brief(bundle.answer(request)), whole)
        const kind = whole.split(' ')[0] ?? ''
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }
    },
  )
  fc.assert(same, { numRuns: 200 })
  // Errors are rare: a run in some hundred draws too few of them.
  for (let more = 0; more < 4 && lacking().length > 0; more += 1) fc.assert(same, { numRuns: 200 })
  assert.deepEqual(lacking(), [])
  row(t, 92, '0 decisions differ from the full set')
})

test('static entities in a circle are refused, and never followed for ever', (t) => {
  const circle = ['a', 'b'].map((id, i) => ({
    uid: { type: 'Team', id },
    parents: [{ type: 'Team', id: i === 0 ? 'b' : 'a' }],
  }))
  const problems = compile(
    policyOf('@id("p") permit (principal, action, resource);', {
      schema: SCHEMA,
      entities: circle,
    }),
  )
  assert.ok(!('rules' in problems))
  const users = ['a', 'b'].map((id, i) => ({
    uid: { type: 'User', id },
    attrs: { level: 1, boss: { type: 'User', id: i === 0 ? 'b' : 'a' } } as Json,
  }))
  const text =
    '@id("p") permit (principal, action, resource) when { principal has boss && principal.boss has boss && principal.boss.boss.level == 1 };'
  const compiled = compile(policyOf(text, { schema: SCHEMA, entities: users as Json }))
  if (!('rules' in compiled)) return assert.fail(JSON.stringify(compiled))
  const doc: Entity = { type: 'Doc', id: 'd' }
  const bundle = new Bundle(compiled, 'b', new Memory())
  const principal = { type: 'User', id: 'a' }
  const answer = bundle.answer({
    principal,
    action: 'doc:read',
    resource: doc,
    context: { args: { n: 1 } },
  })
  assert.equal(brief(answer), 'permit p')
  row(t, 92, '0 followed for ever')
})
