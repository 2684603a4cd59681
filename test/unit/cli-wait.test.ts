/** Waiting: what is not there yet may come, and what was typed wrong never will. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Desk } from '../golden/screen.ts'
import { NOW, STATUS, STATUS_NOT_READY, view } from '../golden/story.ts'
import { RECORDS, SPREAD } from '../golden/story-log.ts'

const desk = new Desk(NOW)
before(() => desk.open())
after(() => desk.close())

const wait = (condition: string, ...more: string[]) => ['wait', '--for', condition, ...more]

test('a statement that is not here yet is waited for', async () => {
  const problem = { status: 404, body: { code: 'NOT_FOUND', detail: 'not yet', hint: '' } }
  const late = await desk.type(
    wait(`statement=${SPREAD.id}`, '--timeout', '1s'),
    {},
    {
      problem,
    },
  )
  assert.match(late, /not statement=sha256:\w+ within 1 s {2}\[TIMEOUT\]/)
  assert.match(late, /exit 124 --\n$/)
  const found = await desk.type(wait(`statement=${SPREAD.id}`), { 'GET /v1/spread': SPREAD })
  assert.match(found, /exit 0 --\n$/)
})

test('a record is waited for until it is witnessed', async () => {
  const [record] = RECORDS
  const path = `GET /v1/records/${encodeURIComponent(record?.id ?? '')}`
  const condition = `witnessed=${record?.id}`
  assert.match(await desk.type(wait(condition), { [path]: view('Record', record) }), /exit 0 --\n$/)
  const published = view('Record', { ...record, state: 'published' })
  const late = await desk.type(wait(condition, '--timeout', '1s'), { [path]: published })
  assert.match(late, /not witnessed=sha256:\w+ within 1 s {2}\[TIMEOUT\]/)
})

test('what cannot come is refused at once', async () => {
  for (const condition of [
    'peers=some',
    'peers=',
    'statement=rev_0a77e4c1',
    'statement=',
    'rain',
  ]) {
    const said = await desk.type(wait(condition), {})
    assert.match(said, /\[USAGE\]/, condition)
    assert.match(said, /exit 64 --\n$/, condition)
  }
})

test('ready says so to people, and to a program by its exit status alone', async () => {
  const ready = { 'GET /v1/status': view('Status', STATUS) }
  assert.equal(await desk.type(wait('ready'), ready), 'READY\n-- exit 0 --\n')
  assert.equal(await desk.type(wait('ready', '--json'), ready), '-- exit 0 --\n')
  const not = { 'GET /v1/status': view('Status', STATUS_NOT_READY) }
  const said = await desk.type(wait('ready', '--timeout', '1s'), not)
  assert.match(said, /not ready: GOVERNANCE_STALE.* within 1 s {2}\[TIMEOUT\]/)
})
