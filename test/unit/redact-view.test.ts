/** What is shown of records that only commit to values: as they were asked while it is disclosed, and no word of it after that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atlas } from '../../scripts/vectors/tokens.ts'
import { recordView } from '../../src/api/view.ts'
import { askedOf, REDACTED, shownLeaf, whoOf } from '../../src/cli/record-text.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { SALT_BYTES } from '../../src/core/commitment.ts'
import {
  commitDraft,
  type Disclosed,
  NOTHING_DISCLOSED,
  parseDisclosure,
  REDACTABLE,
} from '../../src/core/disclosure.ts'
import { idOf } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { ocsfEvent } from '../../src/core/ocsf.ts'
import { openRecord } from '../../src/core/verify/records.ts'
import { canaryDecision } from './canaries.ts'

const CANARY = 'QxZvKjWyHq'
const PLAIN: JsonObject = {
  ...canaryDecision(CANARY).draft,
  ...{ index: 7, epoch: 1, node: atlas.did, time: '2026-11-24T14:03:10.000Z' },
}
const { draft: LEAF, disclosure } = commitDraft(PLAIN, REDACTABLE, () =>
  Buffer.alloc(SALT_BYTES, 3),
)
const BYTES = utf8(formatJson(LEAF))
const OPEN = parseDisclosure(LEAF, disclosure ?? utf8(''))

const viewed = (disclosed: Disclosed, leaf = LEAF) =>
  recordView({ id: idOf(BYTES), leaf }, { of: () => null }, disclosed)

test('while it is disclosed a record is shown like any other, and its leaf is the one that is hashed', () => {
  const [view, plain] = [viewed(OPEN), viewed(NOTHING_DISCLOSED, PLAIN)]
  for (const say of [askedOf, (each: typeof view) => whoOf(each, [])])
    assert.equal(say(view), say(plain))
  assert.equal(formatJson(shownLeaf(view) as JsonObject), formatJson(PLAIN))
  assert.deepEqual([view.leaf, view.committed?.redacted], [LEAF, []])
  assert.equal(plain.committed, undefined)
})

test('what is not disclosed is said to be redacted, and no word of it is shown', () => {
  const view = viewed(NOTHING_DISCLOSED)
  assert.match(askedOf(view), /^tool:read {2}redacted$/)
  assert.equal(view.committed?.redacted.length, 8)
  assert.ok(!JSON.stringify([view, shownLeaf(view)]).includes(CANARY))
  const bare = { ...LEAF, principal: null }
  assert.equal(whoOf(viewed(NOTHING_DISCLOSED, bare), []), REDACTED)
})

test('a SIEM gets what is disclosed, and of the rest neither value nor digest', () => {
  const source = { version: '1.0.0', nodeName: 'atlas', log: 'x' }
  const event = (disclosed: Disclosed) => {
    const record = openRecord(BYTES, disclosed)
    return formatJson(ocsfEvent(record, BYTES, source) ?? assert.fail())
  }
  assert.match(event(OPEN), new RegExp(`"resources":\\[\\{"name":"repo:${CANARY}"`))
  const closed = event(NOTHING_DISCLOSED)
  const { digest } = PLAIN['request'] as JsonObject
  assert.ok(!closed.includes(CANARY) && !closed.includes(String(digest)))
})
