import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS, atlas, borealis, close, link, person } from '../../scripts/vectors/tokens.ts'
import { parseDelegation } from '../../src/core/delegation.ts'
import {
  checkAsked,
  checkEnvironment,
  checkGovernance,
  checkRuntime,
  checkScope,
  conditionsOf,
} from '../../src/core/demands.ts'
import { viewOf } from '../../src/core/facts.ts'
import { parseInvocation } from '../../src/core/invocation.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { row } from '../lab/row.ts'

const MESHD: JsonObject = {
  node: { id: atlas.did },
  runtime: { uid: 1001, unit: 'other.service' },
  env: { labels: { env: 'prod' } },
  gov: { bundles: { agents: 6 } },
}
const linkUnder = (...pol: Json[]) => parseDelegation(link(0, { pol, cmd: '/tool' }))
const invocation = parseInvocation(close([link(0)]))
const { asked } = invocation
const view = viewOf(asked, invocation.iss, MESHD)

test('each check says what was needed and what was seen', () => {
  const unit = linkUnder(['==', '.meshd.runtime.unit', 'planner.service'])
  assert.deepEqual(checkRuntime([unit], null, atlas.did, view), {
    code: 'RUNTIME_MISMATCH',
    detail: 'needs unit = planner.service, saw unit other.service',
  })
  const label = linkUnder(['==', '.meshd.env.labels.zone', 'eu'])
  assert.deepEqual(checkEnvironment([label], view), {
    code: 'ENVIRONMENT_FAILED',
    detail: 'needs label zone = eu, saw label zone absent',
  })
  const bundle = linkUnder(['>=', '.meshd.gov.bundles.agents', 7])
  assert.deepEqual(checkGovernance([bundle], view), {
    code: 'GOVERNANCE_MISMATCH',
    detail: 'needs agents at least 7, saw agents 6',
  })
})

test('a request out of scope is told what is granted', () => {
  const detail = (...links: Parameters<typeof checkScope>[0][number][]) =>
    checkScope(links, asked, view)?.detail
  const names = [
    'or',
    [
      ['==', '.action', 'tool:search'],
      ['==', '.action', 'tool:list'],
    ],
  ]
  assert.equal(detail(linkUnder(names)), 'asked tool:read, granted tool:search, tool:list')
  const write = parseDelegation(link(0, { cmd: '/tool/write' }))
  assert.equal(detail(write), 'asked tool:read, granted tool:write')
  const other = linkUnder(['==', '.resource.type', 'repo'], ['like', '.resource.id', 'other/*'])
  assert.equal(detail(other), 'asked tool:read on repo:acme/docs, granted tool on repo:other/*')
  const small = linkUnder(['<', '.args.size', 5])
  assert.equal(detail(small), 'needs args.size < 5, saw args.size 7')
  assert.equal(detail(linkUnder()), undefined)
})

test('every predicate is judged by exactly one check', () => {
  const links = [
    linkUnder(
      ['==', '.action', 'x'],
      ['==', '.meshd.node.id', 'x'],
      ['==', '.meshd.runtime.uid', 1],
      [
        'or',
        [
          ['==', '.meshd.env.labels.a', 'x'],
          ['==', '.meshd.gov.root', 1],
        ],
      ],
      [
        'and',
        [
          ['==', '.meshd.gov.root', 1],
          ['==', '.action', 'x'],
        ],
      ],
    ),
  ]
  const kinds = ['scope', 'runtime', 'env', 'gov'] as const
  assert.deepEqual(
    kinds.map((kind) => conditionsOf(links, kind)),
    [
      ['action = x'],
      ['node = x', 'uid = 1'],
      ['(label a = x or root = 1)'],
      ['(root = 1 and action = x)'],
    ],
  )
})

test('an invocation counts for one node', () => {
  assert.equal(checkRuntime([], invocation, atlas.did, view), null)
  assert.equal(checkRuntime([], invocation, borealis.did, view)?.code, 'RUNTIME_MISMATCH')
})

test('what is asked is what was signed', (t) => {
  const self = { type: 'principal', id: person(1).did }
  assert.equal(checkAsked(invocation, { ...asked, args: { ...ARGS.args } }), null)
  assert.equal(checkAsked(invocation, { ...asked, subject: self }), null)
  const others = [
    { ...asked, action: 'tool:Read' },
    { ...asked, resource: { type: 'repo', id: 'acme/doc' } },
    { ...asked, subject: { type: 'user', id: 'ann' } },
    { ...asked, args: {} },
    { ...asked, args: { ...asked.args, more: null } },
  ]
  for (const each of others) assert.equal(checkAsked(invocation, each)?.code, 'SCOPE_EXCEEDED')
  row(t, 94, '0 mismatches')
})

test('what was seen is printed short and without controls', () => {
  const long = linkUnder(['==', '.args.path', 'x'])
  const path = `\u001b[31m${'å'.repeat(500)}`
  const seen = viewOf({ ...asked, args: { path } }, invocation.iss, MESHD)
  const detail = checkScope([long], asked, seen)?.detail ?? ''
  assert.match(detail, /^needs args\.path = x, saw args\.path [ -~]+\.\.\.$/)
  assert.ok(detail.length < 200)
})
