/** Names, reasons and labels come from elsewhere: none of them moves a cursor, hides text or forges a line. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { stripControls } from '../../src/core/text.ts'
import { Desk } from '../golden/screen.ts'
import * as story from '../golden/story.ts'
import * as log from '../golden/story-log.ts'
import { row } from '../lab/row.ts'

const desk = new Desk(story.NOW)
before(() => desk.open())
after(() => desk.close())

const ESC = String.fromCharCode(0x1b)
/** Clears the screen, hides, recolours, ends the line, turns the text around, sets a title, eight-bit controls. */
const EVIL = `x${ESC}[2J${ESC}[8m${ESC}[31m\r\nREADY\u202e${ESC}]0;title\u0007\u009b1m\u2028y`
const { listOf, view } = story

/** Every text of an answer ends with it, but for what must stay a key, an id, a time or a word of a closed list. */
function poisoned(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => poisoned(each, key))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, poisoned(each, name)]),
    )
  return typeof value === 'string' && FREE.includes(key) ? `${value}${EVIL}` : value
}

const FREE: readonly string[] = [
  'name',
  'seenFrom',
  'notReady',
  'why',
  'says',
  'fix',
  'detail',
  'message',
  'lastError',
  'address',
  'addresses',
  'unreachable',
  'conflict',
  'summary',
  'policy',
  'bundle',
  'mend',
  'principalName',
  'action',
  'env',
  'line',
]

const ANSWERS = poisoned({
  'GET /v1/status': view('Status', story.STATUS_NOT_READY),
  'GET /v1/root': view('Root', story.ROOT),
  'GET /v1/peers': listOf('PeerList', story.PEERS),
  'GET /v1/peers/x': view('Peer', story.PEERS[1]),
  'GET /v1/callers': listOf('CallerList', story.CALLERS),
  'GET /v1/drift': listOf('DriftList', story.DRIFT),
  'GET /v1/governance': view('Governance', story.GOVERNANCE),
  'GET /v1/statements': listOf('StatementList', log.POLICIES),
  'GET /v1/records': listOf('RecordList', log.RECORDS),
  'GET /v1/decisions/last': view('Record', log.RECORDS[0]),
  'GET /v1/doctor': view('Doctor', story.DOCTOR),
  'POST /v1/decisions': log.DENIED,
  'POST /v1/explain': log.DENIED,
  'POST /v1/invites': story.INVITE,
}) as Readonly<Record<string, unknown>>

const ASK = ['--action', 'tool:read', '--resource', 'repo:acme']
const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['mesh', 'status'],
  ['mesh', 'drift'],
  ['peer', 'list'],
  ['peer', 'show', 'x'],
  ['root', 'show'],
  ['root', 'history'],
  ['policy', 'list'],
  ['sign'],
  ['audit', 'list'],
  ['explain', 'last'],
  ['explain', ...ASK],
  ['authorize', ...ASK],
  ['doctor'],
  ['doctor', '--fix'],
  ['invite', 'create'],
]

for (const words of COMMANDS)
  test(`meshd ${words.join(' ')} prints no control that came with an answer`, async () => {
    const clean = await desk.type(words, ANSWERS)
    assert.ok(clean.includes('\ufffd'), `something was poisoned:\n${clean}`)
    assert.deepEqual(
      clean.split('\n').filter((line) => line !== stripControls(line)),
      [],
    )
    assert.ok(!/^READY/m.test(clean), 'no forged line')
    const colored = await desk.type(words, ANSWERS, { env: { FORCE_COLOR: '1' } })
    const controls = colored.replaceAll(`${ESC}[`, '').replaceAll('\n', '')
    assert.equal(controls, stripControls(controls))
    assert.ok(!colored.includes(`${ESC}[2J`) && !colored.includes(`${ESC}[8m`))
  })

test('a problem that a daemon words is stripped too', async (t) => {
  const body = { code: 'CONFLICT', detail: EVIL, hint: EVIL }
  const said = await desk.type(['peer', 'list'], {}, { problem: { status: 409, body } })
  assert.deepEqual(
    said.split('\n').filter((line) => line !== stripControls(line)),
    [],
  )
  row(t, 101, '0 raw control bytes')
  row(t, 108, '0 raw control bytes')
})

test('JSON carries what was said exactly, escaped', async () => {
  const said = await desk.type(['peer', 'list', '--json'], ANSWERS)
  const json = said.slice(0, said.indexOf('-- '))
  assert.ok(!json.includes(ESC))
  assert.ok(JSON.parse(json).items[1].name.endsWith(EVIL))
})
