/**
 * The AuthZEN 1.0 certification scenario over the routes: Basic and Batch, each
 * request as it is published, with a test artifact in the wallet of a gateway.
 * The search endpoints belong to a later stage and are counted, not run.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseArtifact } from '../../src/core/artifact.ts'
import { readBundle } from '../../src/daemon/bundle-dir.ts'
import { Api } from '../unit/api.ts'
import { policyOf } from '../unit/bundles.ts'
import { governed, granted, world } from '../unit/deciding.ts'

const FILE = '../shared/vectors/authzen/certification/scenario-json-blocks.json'
const skip = existsSync(FILE) ? false : `no ${FILE} on this machine`

interface Block {
  readonly id: string
  readonly label: string
  readonly json: object
}

interface Case {
  readonly id: string
  readonly label: string
  readonly request: object
  /** What follows the request under its id, if it says anything. */
  readonly expected: object | null
}

function cases(blocks: readonly Block[]): readonly Case[] {
  return blocks.flatMap((block, i) => {
    if (!/Request/.test(block.label)) return []
    const next = blocks[i + 1]
    const said = next?.id === block.id && /Expected/.test(next.label)
    const { id, label, json } = block
    return [{ id, label, request: json, expected: said ? next.json : null }]
  })
}

const all = skip === false ? cases(JSON.parse(readFileSync(FILE, 'utf8'))) : []
const evaluations = all.filter(({ id }) => /^c-[23]-/.test(id))
const BAD = /^c-2-4-/

async function gateway(): Promise<Api> {
  const content = await readBundle('test/vectors/authzen-policy')
  const policy = { ...policyOf(''), ...content }
  const of = await world([policy])
  of.governance = governed({ policies: [policy] })
  const rule = { match: { uid: 1001 }, principal: 'bob', asserts: ['user:*'] }
  await of.callers.reload({ callers: [rule], sockets: [] })
  await of.wallet.hold('bob', parseArtifact(granted(of, 'bob', { cmd: '/' })))
  return new Api(of)
}

/** Whether all that was expected is there; more may be. */
function contains(got: unknown, want: unknown): boolean {
  if (Array.isArray(want)) {
    return (
      Array.isArray(got) && want.length === got.length && want.every((w, i) => contains(got[i], w))
    )
  }
  if (typeof want !== 'object' || want === null) return got === want
  if (typeof got !== 'object' || got === null) return false
  return Object.entries(want).every(([key, value]) => contains(Reflect.get(got, key), value))
}

test('the scenario has the requests that we know of', { skip }, () => {
  assert.equal(evaluations.length, 29, 'Basic and Batch')
  assert.equal(evaluations.filter(({ expected }) => expected !== null).length, 13)
})

test('a bad item of a batch is its own deny, with an error', { skip }, async () => {
  const found = evaluations.find(({ id }) => id === 'c-3-4-1') ?? assert.fail()
  const { body } = await (await gateway()).post('/access/v1/evaluations', found.request)
  const [good, bad] = body.evaluations
  assert.deepEqual([good.decision, bad.decision], [true, false])
  assert.equal(bad.context.error.status, 400)
})

for (const [what, body, headers] of [
  ['another content type', '{}', { 'content-type': 'text/plain' }],
  ['no JSON', '{', {}],
  ['nothing', '', {}],
] as const) {
  test(`the transport's own case: ${what} is 400`, async () => {
    const { status } = await (await gateway()).post('/access/v1/evaluation', body, { headers })
    assert.equal(status, 400)
  })
}

test('a body that lacks what is wanted does not contain it', () => {
  assert.equal(contains({ decision: true, context: {} }, { decision: true }), true)
  assert.equal(contains({ decision: false }, { decision: true }), false)
  assert.equal(contains({ evaluations: [{ decision: true }] }, { evaluations: [] }), false)
})

for (const [i, { id, label, request, expected }] of evaluations.entries()) {
  test(`${id} ${label} (${i})`, async () => {
    const api = await gateway()
    const path = id.startsWith('c-3') ? '/access/v1/evaluations' : '/access/v1/evaluation'
    const { status, body } = await api.post(path, request)
    assert.equal(status, BAD.test(id) ? 400 : 200, JSON.stringify(body))
    if (expected !== null) assert.ok(contains(body, expected), JSON.stringify(body))
    if (status !== 200) return
    const answers = body.evaluations ?? [body]
    for (const answer of answers) assert.equal(typeof answer.decision, 'boolean')
    const again = await api.post(path, request)
    assert.equal(again.body.decision, body.decision, 'the same request, the same decision')
  })
}
