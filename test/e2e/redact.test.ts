/** A word that one daemon was asked with, from its record to an auditor, and then given up: nowhere on its disk, and proven all the same. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RecordListView } from '../../src/client/search-types.ts'
import { ASK, eventually, grant, Lab } from './lab.ts'

const CANARY = 'QxZvKjWyHqJwPzXkVbGn'

test('what a record only commits to is shown, proven and judged again, until it is redacted; then the rest is', async () => {
  await using lab = new Lab()
  const atlas = lab.host('atlas')
  await atlas.do('init', '--mesh', 'prod')
  const config = atlas.env['MESHD_CONFIG'] ?? ''
  const text = readFileSync(config, 'utf8')
  const named = '[args, claims, subject, resource, caller]'
  writeFileSync(config, text.replace('audit: {', `audit: { redactable: ${named},`))
  atlas.start()
  await atlas.answers()
  await grant(atlas)
  const told = () => atlas.ask<RecordListView>('audit', 'list', '--type', 'statement')
  await eventually(
    'the log tells of the root, the member, the policy',
    told,
    ({ items }) => items.length === 3,
  )
  const root = join(lab.dir, 'root.json')
  await atlas.do('root', 'show', '-f', root)
  await atlas.do('authorize', ...ASK, '--arg', `ticket=${CANARY}`)
  assert.match(await atlas.do('explain', 'last'), /job:deploy {2}env:staging/)
  assert.match(await atlas.do('audit', 'show', 'last'), new RegExp(CANARY))

  const files = ['open', 'closed', 'after'].map((name) => join(lab.dir, `${name}.evidence`))
  const [open = '', closed = '', after = ''] = files
  await atlas.do('audit', 'export', '-f', open)
  await atlas.do('audit', 'export', '-f', closed, '--no-disclosures')
  const holds = (file: string) => readFileSync(file).includes(CANARY)
  assert.deepEqual([holds(open), holds(closed)], [true, false])
  const verify = (file: string) => atlas.do('verify', file, '--trust', root, '--replay')
  assert.match(
    await verify(open),
    /disclosed fields 10 {3}redacted fields 0 .*\n.*1 decision: 1 same/,
  )
  assert.match(await verify(closed), /redacted fields \d+ \(commitments hold\)/)
  assert.match(await verify(closed), /! 1 decision not replayed: a value is redacted/)

  assert.equal((await atlas.run('audit', 'redact', 'last', '--yes')).status, 64, 'it says why')
  const redact = ['audit', 'redact', '--before', '0s', '--yes', '-m', 'erasure request 12'] as const
  assert.match(await atlas.do(...redact), /10 values of 3 records: redacted/)
  assert.match(await atlas.do(...redact), /nothing of it is disclosed here/)
  const [row] = (await atlas.ask<RecordListView>('audit', 'list', '--type', 'decision')).items
  assert.deepEqual(row?.committed?.disclosed, {})
  assert.match(await atlas.do('audit', 'show', row?.id ?? ''), /redacted: .*request\.args/)
  assert.match(await atlas.do('audit', 'list', '--type', 'decision'), /job:deploy {2}redacted/)
  const [note] = (await atlas.ask<RecordListView>('audit', 'list', '--type', 'system')).items
  assert.match(String(note?.leaf['detail']), /by uid \d+|by .*: erasure request 12/)
  await atlas.do('audit', 'verify')
  await atlas.do('audit', 'export', '-f', after)
  assert.ok(!holds(after))
  assert.match(await verify(after), /disclosed fields 0 {3}redacted fields/)

  const data = join(atlas.dir, 'data')
  await eventually(
    'no file of the node holds it',
    async () => where(data),
    (found) => found.length === 0,
  )
})

/** Files below a folder that hold the canary. */
function where(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = names
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
  return files.filter((file) => {
    try {
      return readFileSync(file).includes(CANARY)
    } catch {
      // Gone between the list and the look: the next look has the list that is true then.
      return true
    }
  })
}
