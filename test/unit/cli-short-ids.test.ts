/** Short forms at the command line (INTERFACE 1.2). */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { shortId } from '../../src/core/id.ts'
import { Desk } from '../golden/screen.ts'
import { listOf, NOW, view } from '../golden/story.ts'
import { RECORDS } from '../golden/story-log.ts'

const desk = new Desk(NOW)
before(() => desk.open())
after(() => desk.close())

const [first, second] = RECORDS
const record = (id: string) => ({ ...second, id, leaf: { type: 'system', event: 'x', detail: '' } })
const show = (items: readonly unknown[], id: string) => ({
  'GET /v1/records': listOf('RecordList', items),
  [`GET /v1/records/${encodeURIComponent(id)}`]: view('Record', record(id)),
})

test('reading accepts a short form, and finds the one record that it means', async () => {
  const id = first?.id ?? ''
  const said = await desk.type(['audit', 'show', shortId('rec', id)], show(RECORDS, id))
  assert.ok(said.startsWith(id), said)
})

test('a short form that fits two names both, and exits 4', async () => {
  const twins = [record(`sha256:${'a'.repeat(64)}`), record(`sha256:${'a'.repeat(63)}b`)]
  const said = await desk.type(['audit', 'show', 'rec_aaaaaaaa'], show(twins, twins[0]?.id ?? ''))
  assert.match(said, /`rec_aaaaaaaa` is sha256:a{64} or sha256:a{63}b {2}\[AMBIGUOUS\]/)
  assert.match(said, /exit 4 --\n$/)
  const longer = await desk.type(
    ['audit', 'show', `rec_${'a'.repeat(64)}`],
    show(twins, twins[0]?.id ?? ''),
  )
  assert.match(longer, /exit 0 --\n$/)
})

test('what fits nothing, is too short, has a strange tag or strange digits is refused', async () => {
  for (const text of [
    'rec_00000000',
    'rec_5f0c1a7',
    'xyz_5f0c1a7e',
    'rec_5F0C1A7E',
    'art_5f0c1a7e',
  ])
    assert.match(await desk.type(['audit', 'show', text], show(RECORDS, '')), /exit 4 --\n$/, text)
})

test('without a terminal a change takes a full id alone', async () => {
  const answers = {
    'GET /v1/wallet': listOf('HeldArtifactList', [
      { cid: `bafyrei${'a'.repeat(52)}`, caller: 'uid=1', principal: '' },
    ]),
    [`DELETE /v1/wallet/bafyrei${'a'.repeat(52)}`]: {},
  }
  const refused = await desk.type(['artifact', 'drop', 'art_aaaaaaaa'], answers)
  assert.match(refused, /a change takes a full id, not `art_aaaaaaaa` {2}\[USAGE\]/)
  assert.match(refused, /exit 64 --\n$/)
  const dropped = await desk.type(['artifact', 'drop', `bafyrei${'a'.repeat(52)}`], answers)
  assert.match(dropped, /exit 0 --\n$/)
})
