/** What records only commit to: bound, hidden, given up; and the log proves what it proved. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas } from '../../scripts/vectors/tokens.ts'
import { concat, utf8 } from '../../src/core/bytes.ts'
import { commitTo, SALT_BYTES } from '../../src/core/commitment.ts'
import {
  commitDraft,
  committedIn,
  discloseLeaf,
  parseDisclosure,
  REDACTABLE,
  type Redactable,
  redact,
} from '../../src/core/disclosure.ts'
import { sha256Hex } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { parseRecord, readRecord } from '../../src/core/record.ts'
import { termsOf } from '../../src/core/terms.ts'
import { canaryDecision } from './canaries.ts'
import { views as json } from './generators.ts'

/** A denial, whose words quote what was asked. */
const DECISION: JsonObject = {
  ...canaryDecision('canary').draft,
  ...{ index: 7, epoch: 1, node: atlas.did, time: '2026-11-24T14:03:10.000Z' },
}

const salts = () => {
  let n = 0
  return () => {
    n += 1
    return new Uint8Array(SALT_BYTES).fill(n)
  }
}
const fields = fc.uniqueArray(fc.constantFrom(...REDACTABLE), { minLength: 1 })
const committed = (of: readonly Redactable[], draft = DECISION) => {
  const made = commitDraft(draft, of, salts())
  assert.ok(made.disclosure !== null)
  return { leaf: made.draft, disclosure: made.disclosure }
}

test('a commitment has one value, one salt and one place', () => {
  const salt = fc.uint8Array({ minLength: SALT_BYTES, maxLength: SALT_BYTES })
  fc.assert(
    fc.property(json, json, salt, salt, (value, other, one, two) => {
      const { sha256 } = commitTo('request.args', one, value)
      assert.notEqual(commitTo('request.claims', one, value).sha256, sha256)
      const same = formatJson(value) === formatJson(other)
      assert.equal(commitTo('request.args', one, other).sha256 === sha256, same)
      const again = Buffer.compare(one, two) === 0
      assert.equal(commitTo('request.args', two, value).sha256 === sha256, again)
    }),
  )
})

test('a commitment is the hash of its domain, its place, its salt and its value, as the page of evidence says', () => {
  const salt = new Uint8Array(32).fill(7)
  const before = utf8('meshd/commitment/v1\nrequest.args\n')
  const bytes = concat(before, salt, utf8('{"a":1,"b":"x"}'))
  assert.equal(commitTo('request.args', salt, { b: 'x', a: 1 }).sha256, sha256Hex(bytes))
})

test('with what is disclosed a record is what it was before, and it is read either way', () => {
  fc.assert(
    fc.property(fields, (of) => {
      const { leaf, disclosure } = committed(of)
      assert.equal(
        formatJson(discloseLeaf(leaf, parseDisclosure(leaf, disclosure))),
        formatJson(DECISION),
      )
      assert.equal(readRecord(leaf).type, 'decision')
      assert.equal(parseRecord(utf8(formatJson(leaf))).index, DECISION['index'])
    }),
  )
})

test('nothing of a value that is committed to stands elsewhere in the record, nor among what finds it', () => {
  const { leaf } = committed(REDACTABLE)
  const text = `${formatJson(leaf)} ${termsOf(leaf).join(' ')}`
  assert.ok(!text.includes('canary'), text)
  assert.ok(formatJson(DECISION).split('canary').length > 6)
})

test('the same value never has the same commitment twice: nothing is told by two records that are equal', () => {
  const [one, two] = [
    committed(['args']),
    commitDraft(DECISION, ['args'], () => Buffer.alloc(SALT_BYTES, 9)),
  ]
  assert.notEqual(formatJson(one.leaf['request'] ?? null), formatJson(two.draft['request'] ?? null))
})

test('every changed byte of a disclosure is refused', () => {
  const { leaf, disclosure } = committed(REDACTABLE)
  for (const [at, byte] of disclosure.entries()) {
    const changed = disclosure.slice()
    changed[at] = byte ^ (1 << (at % 8))
    assert.throws(() => parseDisclosure(leaf, changed), Malformed, `byte ${at}`)
  }
  assert.throws(() => parseDisclosure(leaf, disclosure.subarray(1)), Malformed)
})

test('a disclosure of another record, or of what is not committed to, is refused', () => {
  const { leaf } = committed(['args'])
  const other = commitDraft(DECISION, ['args', 'resource'], () => Buffer.alloc(SALT_BYTES, 7))
  assert.throws(() => parseDisclosure(leaf, other.disclosure ?? utf8('')), Malformed)
  const plain = parseDisclosure.bind(null, DECISION)
  assert.throws(() => plain(committed(['args']).disclosure), /commits to nothing/)
})

test('what was redacted is not in what is left, and the rest still opens; the record is the same', () => {
  fc.assert(
    fc.property(fields, fields, (of, gone) => {
      const { leaf, disclosure } = committed(of)
      const before = formatJson(leaf)
      const left = redact(leaf, disclosure, gone)
      const open = left.disclosure === null ? new Map() : parseDisclosure(leaf, left.disclosure)
      assert.equal(formatJson(leaf), before)
      const all = committedIn(leaf)
      assert.deepEqual([...open.keys(), ...left.places].sort(), [...all].sort())
      const hit = gone.some((field) => of.includes(field))
      assert.equal(left.places.includes('texts'), hit, 'words that quote it go with it')
      if (gone.includes('args') && of.includes('args')) {
        assert.ok(!open.has('request.args') && !open.has('request.digest') && left.invocation)
        assert.ok(!Buffer.from(left.disclosure ?? []).includes('"path":"canary"'))
      }
    }),
  )
})

test('a record without a request commits to who asked, and one of another type to nothing else', () => {
  const bare = { ...DECISION, request: null }
  assert.deepEqual(committedIn(committed(REDACTABLE, bare).leaf), ['caller', 'facts', 'texts'])
  const { draft, disclosure } = commitDraft({ type: 'system', event: 'x' }, REDACTABLE, salts())
  assert.deepEqual([draft, disclosure], [{ type: 'system', event: 'x' }, null])
})
