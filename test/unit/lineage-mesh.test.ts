/** Receipts of executions on other nodes: asked for, waited for, verified; and what nobody proves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atlas, borealis } from '../../scripts/vectors/tokens.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { idOf, type RecordId } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { LINEAGE_ASKS_PER_SECOND_MAX, RELATED_RECORDS_MAX } from '../../src/core/limits.ts'
import { formatDraft } from '../../src/core/record.ts'
import { formatLineageRequest, parseLineageAnswer } from '../../src/mesh/lineage-frames.ts'
import { lineageAbove, lineageBelow } from '../../src/mesh/lineage-graph.ts'
import { birth, familyGovernance } from './families.ts'
import { ROOT } from './judgements.ts'
import { Pair } from './lineage-mesh.ts'

const HEAD = { epoch: 1, node: borealis.did, time: '2025-12-31T23:59:58.000Z' }
const leaf = (draft: JsonObject, index: number) => utf8(formatJson({ ...draft, ...HEAD, index }))

/** bob's allow is record 0 of borealis. */
function begun(): Pair & { readonly id: RecordId } {
  const pair = new Pair()
  const id = pair.book.add((index) => birth({ index }))
  return Object.assign(pair, { id })
}

const ended = (execution: RecordId) =>
  formatDraft<'outcome'>({ type: 'outcome', execution, outcome: 'ok', status: 0, stop: null })

function denied(index: number, leaf: JsonObject): Uint8Array {
  return birth({ index, presented: { kind: 'missing', detail: 'none' }, leaf })
}

async function sought(pair: Pair, id: RecordId, ms = 1000) {
  const { clock } = pair
  const found = pair.lineage.parent(id, clock.monotonicMs() + ms)
  await clock.advance(ms)
  return found
}

test('a witnessed record of another node is found, and remembered as long as it proves anything', async () => {
  const pair = begun()
  pair.book.witnessed = 1
  assert.equal((await sought(pair, pair.id)).kind, 'receipt')
  const { asked } = pair
  pair.lie = null
  assert.equal((await sought(pair, pair.id)).kind, 'receipt')
  assert.equal(pair.asked, asked)
  // A root whose quorum those cosignatures are not: the old receipt is none.
  const lease = { ...ROOT.lease, write: 3 }
  pair.governance = familyGovernance({ root: { ...ROOT, lease } })
  assert.deepEqual(await sought(pair, pair.id), {
    kind: 'none',
    detail: 'it cannot be fetched: atlas: no answer',
  })
})

test('what is not witnessed yet is waited for, up to the time that there is', async () => {
  const pair = begun()
  const waiting = pair.lineage.parent(pair.id, pair.clock.monotonicMs() + 1000)
  await pair.clock.advance(400)
  pair.book.witnessed = 1
  await pair.clock.advance(200)
  assert.equal((await waiting).kind, 'receipt')
  const never = begun()
  const found = await sought(never, never.id)
  assert.match(found.kind === 'none' ? found.detail : '', /no quorum has cosigned it yet/)
})

test('what nobody has is known at once, and who is away is named', async () => {
  const pair = begun()
  const unknown = idOf(utf8('nothing'))
  const found = await pair.lineage.parent(unknown, pair.clock.monotonicMs() + 60_000)
  assert.deepEqual(found, {
    kind: 'none',
    detail: 'it cannot be fetched: of 2 nodes in reach none has it',
  })
  pair.lie = null
  const away = await pair.lineage.parent(unknown, pair.clock.monotonicMs() + 60_000)
  assert.match(away.kind === 'none' ? away.detail : '', /: no answer$/)
})

test('a peer that lies proves nothing', async () => {
  for (const lie of [
    () => utf8('{}'),
    () => utf8(''),
    (answer: Uint8Array) => answer.subarray(0, -1),
    (answer: Uint8Array) => answer.map((byte, i) => (i === answer.length - 9 ? byte ^ 1 : byte)),
  ]) {
    const pair = begun()
    pair.book.witnessed = 1
    pair.lie = lie
    assert.equal((await sought(pair, pair.id)).kind, 'none', lie.toString())
  }
})

test('an allow that a deny replaced is proof of nothing, and doubt about it is none either', async () => {
  const pair = begun()
  pair.book.add((index) => denied(index, { supersedes: pair.id, code: 'REVOKED' }))
  pair.book.witnessed = 2
  const found = await sought(pair, pair.id)
  assert.match(found.kind === 'none' ? found.detail : '', /a deny replaced it/)
  const crowded = begun()
  const one = JSON.parse(textOf(denied(1, { ancestors: [crowded.id] }))) as JsonObject
  for (let i = 0; i <= RELATED_RECORDS_MAX; i += 1)
    crowded.book.add((index) => utf8(formatJson({ ...one, index })))
  crowded.book.witnessed = 1
  assert.equal((await sought(crowded, crowded.id)).kind, 'none')
  const unindexed = begun()
  unindexed.book.add((index) => leaf(ended(unindexed.id), index))
  unindexed.book.witnessed = 2
  unindexed.book.indexed = 2
  assert.equal((await sought(unindexed, unindexed.id)).kind, 'none')
})

test('a peer that asks too often is told so', async () => {
  const pair = begun()
  const { server } = pair
  const ask = async () => {
    const bytes = await server.answer(
      atlas.did,
      formatLineageRequest({ ask: 'receipt', id: pair.id }),
    )
    return bytes === null ? null : parseLineageAnswer(bytes).say
  }
  for (let i = 0; i < LINEAGE_ASKS_PER_SECOND_MAX; i += 1) assert.equal(await ask(), 'unwitnessed')
  assert.equal(await ask(), 'busy')
  await pair.clock.advance(1000)
  assert.equal(await ask(), 'unwitnessed')
  assert.equal(await server.answer(atlas.did, utf8('what is it?')), null)
})

/** One above the other, and how the first ended. */
function generations() {
  const pair = begun()
  const child = pair.book.add((index) => birth({ index, leaf: below(pair.id) }))
  const grandchild = pair.book.add((index) => birth({ index, leaf: below(child, pair.id) }))
  pair.book.add((index) => leaf(ended(pair.id), index))
  pair.book.witnessed = 4
  return Object.assign(pair, { child, grandchild })
}

function below(...ancestors: readonly RecordId[]): JsonObject {
  const inherited = { nodes: [borealis.did], origins: [], issuers: [], links: [], principals: [] }
  return { ancestors, inherited }
}

const portsOf = (pair: Pair) => ({
  self: atlas.did,
  lineage: pair.lineage,
  governance: () => pair.governance,
})

test('a lineage goes up to where it began, each hop proven, with how it ended', async () => {
  const pair = generations()
  const { id, child, grandchild } = pair
  const { hops } = await lineageAbove(grandchild, 1000, portsOf(pair))
  assert.deepEqual(
    hops.map((hop) => [hop.id, hop.proven !== null, hop.cause]),
    [
      [grandchild, true, child],
      [child, true, id],
      [id, true, null],
    ],
  )
  assert.equal(hops[2]?.proven?.outcome?.outcome, 'ok')
  assert.equal(hops[1]?.proven?.outcome, null)
})

test('a hop that nobody proves is shown as none, with the node that should have it', async () => {
  const pair = generations()
  // Only the youngest is answered for.
  const { book, child, id } = pair
  const real = pair.lineage.seek.bind(pair.lineage)
  const lineage = {
    seek: (of: RecordId, untilMs: number) =>
      of === child
        ? Promise.resolve({ proof: null, why: 'it cannot be fetched' })
        : real(of, untilMs),
    descendants: pair.lineage.descendants.bind(pair.lineage),
  }
  const graph = await lineageAbove(pair.grandchild, 1000, { ...portsOf(pair), lineage })
  assert.deepEqual(
    graph.hops.map((hop) => [hop.proven !== null, hop.why, hop.node, hop.cause]),
    [
      [true, null, borealis.did, child],
      [false, 'it cannot be fetched', borealis.did, id],
      [true, null, borealis.did, null],
    ],
  )
  assert.equal(book.records.length, 4)
})

test('a lineage goes down to all that the nodes in reach know, and says who was silent', async () => {
  const pair = generations()
  const { id, child, grandchild } = pair
  const graph = await lineageBelow(id, 1000, portsOf(pair))
  assert.deepEqual(
    graph.hops.map((hop) => [hop.id, hop.proven !== null, hop.cause]),
    [
      [id, true, null],
      [grandchild, true, child],
      [child, true, id],
    ],
  )
  assert.deepEqual(graph.silent, [])
  assert.equal(graph.more, false)
  pair.lie = null
  const away = await lineageBelow(id, 1000, portsOf(pair))
  assert.deepEqual(away.silent, [borealis.did])
  assert.equal(away.hops[0]?.proven, null)
})
