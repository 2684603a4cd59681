/** The checkers of the simulation over logs of real nodes: what they would find, shown on records made by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decision, learned } from '../../scripts/docs/leaves.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { type Cid, cidOf, idOf } from '../../src/core/id.ts'
import { formatRecord, type LogRecord, parseRecord } from '../../src/core/record.ts'
import { type Audit, auditOf, check, type Entry } from '../lab/audited.ts'
import { bundleOf, filesOf, RECORDS, world } from './evidence.ts'
import { atlas, NOW_MS, World } from './statements.ts'

const node = atlas.identity.did
const mesh = new World()
const allow = parseRecord(decision()) as LogRecord<'decision'>
const news = parseRecord(learned()) as LogRecord<'statement'>
const link = allow.links[0] as Cid
const untilMs = NOW_MS + 1e10
const revocation = mesh.revocation({ target: { kind: 'link', cid: link }, untilMs })
const STATEMENTS = [mesh.first, revocation].map(({ statement }) => statement)

type Draft = Omit<LogRecord<'decision'>, 'index'> | Omit<LogRecord<'statement'>, 'index'>

function logOf(drafts: readonly Draft[]): Audit {
  const entries = drafts.map((draft, index): Entry => {
    const record = { ...draft, node, index } as LogRecord
    return { id: idOf(formatRecord(record)), record }
  })
  return { node, epoch: 1, entries, statements: STATEMENTS }
}

const asked = (nonce: string): Draft => ({ ...allow, invocation: cidOf(utf8(nonce)) })
const revoked: Draft = { ...news, kind: 'revocation', statement: revocation.id }
/** All that callers were told is what the log says. */
const told = ({ entries }: Audit) =>
  entries.flatMap(({ id, record }) => (record.type === 'decision' ? { node, id } : []))
const found = (audits: readonly Audit[], returned = audits.flatMap(told)) =>
  check(audits, returned).findings.map(({ id }) => id)

test('a log in which everything is as it should be has nothing to find', () => {
  const log = logOf([asked('a'), asked('b'), revoked])
  assert.deepEqual(found([log]), [])
  assert.equal(check([log], told(log)).met.get('S1'), 2)
})

test('an allow that a caller was told and no log holds is found (S1)', () => {
  const [log, other] = [logOf([asked('a')]), logOf([asked('lost')])]
  assert.deepEqual(found([log], [...told(log), ...told(other)]), ['S1'])
})

test('an allow after its revocation is found where its caller heard it (S2)', () => {
  const log = logOf([asked('a'), revoked, asked('b')])
  assert.deepEqual(found([log]), ['S2'])
  assert.deepEqual(found([log], told(log).slice(0, 1)), [])
})

test('a log that was another one before is found (S5), and one that grew is not', () => {
  const [short, long] = [logOf([asked('a')]), logOf([asked('a'), asked('b')])]
  assert.deepEqual(found([short, long], []), [])
  assert.deepEqual(found([long, short], []), ['S5'])
  assert.deepEqual(found([long, logOf([asked('a'), asked('c')])], []), ['S5'])
})

test('an invocation that was good twice is found (S13)', () => {
  assert.deepEqual(found([logOf([asked('a'), asked('a')])]), ['S13'])
})

test('an allow too long after the commit is found on a node that never heard of it (Q1)', () => {
  const { witnesses, lease } = mesh.first.statement
  const heard = witnesses.slice(0, lease.write).map((each) => ({ ...logOf([revoked]), node: each }))
  const boundMs = lease.stalenessMs + 2 * lease.skewMs
  const late = (ms: number) => {
    const other = logOf([{ ...asked('a'), time: news.time + boundMs + ms } as Draft])
    return { ...other, node: allow.principals[0] ?? node }
  }
  assert.deepEqual(found([...heard, late(1)]), ['Q1'])
  assert.deepEqual(found([...heard, late(0)]), [])
  assert.deepEqual(found([...heard.slice(1), late(1)]), [])
})

test('what was exported is read whole, and only if it verifies', () => {
  const audit = auditOf(filesOf(bundleOf(RECORDS)), [world.first.bytes])
  assert.deepEqual([audit.node, audit.entries.length], [node, RECORDS.length])
  assert.throws(() => auditOf(filesOf(bundleOf(RECORDS, { of: 'a case' })), [world.first.bytes]))
})
