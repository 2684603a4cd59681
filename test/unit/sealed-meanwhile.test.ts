/** What becomes of a decision whose log is sealed before it is answered. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { door, shown } from './doorway.ts'

test('S6: a log that is sealed while a record is on its way to it allows nothing', async () => {
  let why: string | null = null
  const at = await door({ unwritable: () => why })
  at.disk = async () => {
    why = 'sealed: record 3 is damaged'
  }
  assert.equal(shown(await at.decide(true)), 'AUDIT_UNAVAILABLE')
})
