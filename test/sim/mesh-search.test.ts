/** Looking through the logs of a whole mesh: what is shown is proven, who shows nothing is named, and who may look is the operator's to say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decision } from '../../scripts/docs/leaves.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import type { RecordId } from '../../src/core/id.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { verifyFound } from '../../src/mesh/mesh-search.ts'
import type { RecordFilter } from '../../src/mesh/record-search.ts'
import {
  formatSearchRequest,
  parseSearchAnswer,
  type SearchAnswer,
} from '../../src/mesh/search-frames.ts'
import { mayRead } from '../../src/mesh/share.ts'
import { type Host, meshOfThree } from './three.ts'

const SYSTEM: RecordFilter = { terms: { type: 'system' }, sinceMs: null, untilMs: null }
const signal = new AbortController().signal
const draft = (detail: string) => ({ type: 'system', event: 'test', detail })

/** Each with records of its own, witnessed. */
async function world() {
  const mesh = await meshOfThree()
  const { clock, a, b, c } = mesh
  for (const [i, { node }] of [a, b, c].entries())
    for (let n = 0; n <= i; n += 1) await clock.until(node.log.append(draft(`${i} ${n}`)))
  await clock.advance(5_000)
  const look = (filter = SYSTEM, limit = 50) =>
    clock.until(a.node.meshSearch.search(filter, limit, signal))
  return { ...mesh, look }
}

test('records of every other node, newest first, each witnessed and in the log of the node that shows it', async () => {
  const { look, b, c, a } = await world()
  const answers = await look()
  assert.deepEqual(
    answers.map(({ node }) => node),
    [b, c].map(({ node }) => node.self).sort(),
  )
  for (const { node, why, records, more } of answers) {
    assert.deepEqual([why, more], [null, false])
    const log = node === b.node.self ? b : c
    // One that says that it started, and those of the test.
    assert.equal(records.length, node === b.node.self ? 3 : 4)
    assert.ok(records.every((record) => record.witnessed && record.cosigned === 3))
    for (const { id } of records) assert.ok((await log.node.reader.find(id)) !== null)
    const indexes = records.map(({ leaf }) => Number(leaf['index']))
    assert.deepEqual(
      indexes,
      indexes.toSorted((m, n) => n - m),
    )
  }
  assert.ok(!answers.some(({ node }) => node === a.node.self))
})

test('a limit leaves the older ones, and says that there are more', async () => {
  const { look } = await world()
  for (const { records, more } of await look(SYSTEM, 2))
    assert.deepEqual([records.length, more], [2, true])
})

test('who is away is named, and holds up nobody', async () => {
  const { look, clock, b, c } = await world()
  c.network.isolate(true)
  await clock.advance(1_000)
  const answers = await look()
  const of = (did: string) => answers.find(({ node }) => node === did)
  assert.equal(of(b.node.self)?.why, null)
  assert.notEqual(of(c.node.self)?.why, null)
  assert.deepEqual(of(c.node.self)?.records, [])
})

test('nobody looks whom the operator does not name, and a distrusted node never does', async () => {
  const { a, b } = await world()
  const { governance } = a.node.statements
  const [peer, stranger] = [b.node.self, `${b.node.self.slice(0, -3)}abc` as typeof b.node.self]
  assert.deepEqual(
    (['none', 'witnesses', 'members'] as const).map((share) => mayRead(share, peer, governance)),
    [false, true, true],
  )
  const plain = { ...governance, root: null }
  assert.deepEqual(
    (['none', 'witnesses', 'members'] as const).map((share) => mayRead(share, peer, plain)),
    [false, false, true],
  )
  assert.ok(!mayRead('members', stranger, governance))
  const distrusted = new Map([[peer, 1]]) as unknown as typeof governance.distrusted
  assert.ok(!mayRead('members', peer, { ...governance, distrusted }))
})

test('an answer in which anything is not proven, or not what was asked for, counts for nothing', async () => {
  const { clock, a, b } = await world()
  const request = formatSearchRequest({ filter: SYSTEM, before: null, count: 10 })
  const bytes = await clock.until(a.network.ask(b.node.self, 'lineage', request))
  const answer = parseSearchAnswer(bytes)
  assert.ok(answer.say === 'found')
  const { governance } = a.node.statements
  const verify = (said: Extract<SearchAnswer, { say: 'found' }>, filter = SYSTEM) =>
    verifyFound(said, b.node.self, filter, governance)
  assert.equal(verify(answer).length, answer.records.length)
  const [first, second, ...rest] = answer.records
  assert.ok(first !== undefined && second !== undefined)
  const changed = new TextDecoder().decode(first.bytes).replace('"test"', '"tess"')
  const wrong: Record<string, Extract<SearchAnswer, { say: 'found' }>> = {
    'a record that was changed': { ...answer, records: [{ ...first, bytes: utf8(changed) }] },
    'a record at another place': { ...answer, records: [{ ...first, index: first.index - 1 }] },
    'a proof of another': { ...answer, records: [{ ...first, proof: second.proof }] },
    'the same twice': { ...answer, records: [first, first, second, ...rest] },
    'another order': { ...answer, records: [second, first, ...rest] },
    'another epoch': { ...answer, epoch: 2 },
    'a note of nobody': { ...answer, notes: ['meshd/x/y/1\n5\nAAAA\n\n— x AAAA\n'] },
    "another node's note": {
      ...answer,
      notes: [String(a.node.cosigned.newest(a.node.self)?.note)],
    },
  }
  for (const [what, said] of Object.entries(wrong))
    assert.throws(() => verify(said), Malformed, what)
  const decisions = { ...SYSTEM, terms: { type: 'decision' } }
  assert.throws(() => verify(answer, decisions), Malformed)
})

/** A draft of an allow, as the authorizer writes one. */
function allow(): JsonObject {
  const { index: _, time: __, node: ___, epoch: ____, ...draft } = JSON.parse(textOf(decision()))
  return draft
}

type Opened = Awaited<ReturnType<typeof world>>

/** One that runs on a host: its allow is in the log, as the authorizer puts it there. */
async function runs({ clock }: Opened, { node }: Host, draft = allow()): Promise<RecordId> {
  const { id } = await clock.until(node.log.append(draft))
  node.executions.add(id, {
    ...{ owner: 'bob', recheck: () => null, leaseUntilMs: () => clock.monotonicMs() + 51_000 },
    about: { principal: null, action: 'job:deploy', resource: 'env:staging' },
  })
  return id
}

test('what runs elsewhere is shown with its proven allow, and what its node says of it', async () => {
  const mesh = await world()
  const { clock, a, b, c } = mesh
  const [first, second] = [await runs(mesh, b), await runs(mesh, b)]
  b.node.executions.started(first, { pid: 20_144, command: 'reindex.sh' })
  await runs(mesh, c)
  const look = () => clock.until(a.node.meshSearch.running(signal))
  await clock.advance(3_000)
  const of = async (host: Host) => (await look()).find(({ node }) => node === host.node.self)
  const there = await of(b)
  assert.deepEqual(
    there?.records.map(({ id, live: { state, process } }) => [id, state, process?.command]),
    [
      [second, 'running', undefined],
      [first, 'running', 'reindex.sh'],
    ],
  )
  for (const { leaf, live } of there?.records ?? []) {
    assert.equal(leaf['effect'], 'allow')
    assert.ok(live.ageMs >= 3_000 && live.ageMs < 4_000, `${live.ageMs} ms`)
    assert.equal(live.leaseMs, 51_000)
  }
  assert.equal(there?.more, false)
  c.network.isolate(true)
  assert.notEqual((await of(c))?.why, null)
})

test('what is not published yet is said to be more, and nothing but an allow of that node counts', async () => {
  const mesh = await world()
  const { clock, a, b } = mesh
  await runs(mesh, b)
  const there = async () =>
    (await clock.until(a.node.meshSearch.running(signal))).find(({ node }) => node === b.node.self)
  const early = await there()
  assert.deepEqual([early?.why, early?.records, early?.more], [null, [], true])
  await clock.advance(3_000)
  assert.equal((await there())?.records.length, 1)
  await runs(mesh, b, draft('no decision'))
  await clock.advance(3_000)
  assert.match((await there())?.why ?? '', /not proven: record \d+ is none that was asked for/)
})
