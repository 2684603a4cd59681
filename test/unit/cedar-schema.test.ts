/** How a request's names become a schema's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { schemaJson } from '../../src/daemon/cedar.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { project, SchemaModel } from '../../src/daemon/cedar-schema.ts'
import { ask, policyOf } from './bundles.ts'

function model(text: string): SchemaModel {
  const json = schemaJson(text)
  if (!('value' in json)) return assert.fail(JSON.stringify(json))
  return new SchemaModel(json.value)
}

const APPLY = 'appliesTo { principal: [principal, Any], resource: [env, Any] }'
const TYPES = 'entity principal; entity env; entity Any;'

function actionIn(schema: SchemaModel, action: string): string | null {
  const found = schema.actionOf(action)
  if (found === null) return null
  return 'found' in found ? found.found.id : found.error
}

test('the action is the nearest one declared, by segment and without regard to case', () => {
  const schema = model(`${TYPES} action "tool:delete", "tool:read/all", "*" ${APPLY};`)
  for (const [asked, meant] of [
    ['tool:delete', 'tool:delete'],
    ['Tool:DELETE', 'tool:delete'],
    ['tool/delete', 'tool:delete'],
    ['tool:delete:everything/now', 'tool:delete'],
    ['tool:deleted', '*'],
    ['tool:read', '*'],
    ['tool:read:all', 'tool:read/all'],
    ['tool', '*'],
  ] as const) {
    assert.equal(actionIn(schema, asked), meant, asked)
  }
})

test('without a star there is nothing to say about what is not declared', () => {
  const schema = model(`${TYPES} action "tool:delete" ${APPLY};`)
  for (const asked of ['tool', 'tool:read', 'job:deploy', 'tool:deleted']) {
    assert.equal(actionIn(schema, asked), null, asked)
  }
})

test('what belongs to a declared group does not slip past it to the star', () => {
  const schema = model(
    `${TYPES} action "tool"; action "tool:read" in ["tool"] ${APPLY}; action "*" ${APPLY};`,
  )
  assert.equal(actionIn(schema, 'tool:read'), 'tool:read')
  assert.match(actionIn(schema, 'tool:new') ?? '', /belongs to a group/)
  assert.match(actionIn(schema, 'tool') ?? '', /belongs to a group/)
  assert.equal(actionIn(schema, 'job:run'), '*')
})

test('a type that is not declared is Any, whole, and never another spelling of a declared one', () => {
  const schema = model(`${TYPES} action "*" ${APPLY};`)
  const any = (id: string) => ({ found: { type: 'Any', id } })
  assert.deepEqual(schema.entityOf({ type: 'env', id: 'prod' }), {
    found: { type: 'env', id: 'prod' },
  })
  assert.deepEqual(schema.entityOf({ type: 'repo', id: 'acme/docs' }), any('repo:acme/docs'))
  // Somebody who asks for the type itself gets no entity that a policy could name.
  assert.deepEqual(
    schema.entityOf({ type: 'Any', id: 'repo:acme/docs' }),
    any('Any:repo:acme/docs'),
  )
  for (const type of ['Env', 'ENV', 'any', 'PRINCIPAL']) {
    assert.ok('error' in schema.entityOf({ type, id: 'prod' }), type)
  }
  const closed = model(
    'entity principal; entity env; action "*" appliesTo { principal: principal, resource: env };',
  )
  assert.ok('error' in closed.entityOf({ type: 'repo', id: 'acme/docs' }))
})

test('a forbid on a declared resource meets every action and every spelling', () => {
  const engine = new CedarEngine()
  const schema = `${TYPES} action "*", "tool:read" ${APPLY};`
  const text =
    '@id("p") permit (principal, action, resource); @id("f") forbid (principal, action, resource == env::"prod");'
  engine.load([policyOf(text, { schema })], [])
  const action = fc.constantFrom('tool:read', 'tool:write', 'TOOL:READ', 'x', 'tool:read:more')
  const type = fc.constantFrom('env', 'Env', 'ENV', 'eNV')
  fc.assert(
    fc.property(action, type, (each, kind) => {
      assert.equal(
        engine.decide(ask({ action: each, resource: { type: kind, id: 'prod' } })).decision,
        'deny',
      )
    }),
  )
  assert.equal(engine.decide(ask()).decision, 'allow')
})

test('of facts and claims a bundle gets what it declares, of arguments all', () => {
  const schema = model(
    `${TYPES}
    type Env = { labels: { env?: String } };
    action "x" appliesTo { principal, resource: env, context: {
      args?: { a?: Long }, request?: { context?: { mfa?: Bool } }, meshd?: { env?: Env } } };`.replace(
      'principal,',
      'principal: principal,',
    ),
  )
  const found = schema.actionOf('x')
  if (found === null || !('found' in found)) return assert.fail()
  const { context } = found.found
  const shape = (key: string) => context.get(key) ?? assert.fail(key)
  const args = { a: 1, b: { c: 2 } }
  assert.deepEqual(project(args, shape('args')), args)
  const request = { context: { mfa: true, ip: 'x' }, subject: { role: 'admin' } }
  assert.equal(JSON.stringify(project(request, shape('request'))), '{"context":{"mfa":true}}')
  const meshd = { env: { labels: { env: 'prod', other: 'x' }, files: {} }, node: { id: 'x' } }
  assert.equal(JSON.stringify(project(meshd, shape('meshd'))), '{"env":{"labels":{"env":"prod"}}}')
  // A fact of another kind than declared is handed on for Cedar to refuse.
  assert.equal(project('x', shape('meshd')), 'x')
})

test('the context of an action that reads nothing is empty', () => {
  const engine = new CedarEngine()
  const schema = `${TYPES} action "*" ${APPLY};`
  engine.load([policyOf('@id("p") permit (principal, action, resource);', { schema })], [])
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (args) => {
      const context = { args: args as never, request: {}, meshd: {} }
      assert.equal(engine.decide(ask({ context })).decision, 'allow')
    }),
    { numRuns: 50 },
  )
})
