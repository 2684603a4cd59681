import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import {
  formatCheckpoint,
  logOrigin,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../src/core/checkpoint.ts'
import { idOf, sha256 } from '../../src/core/id.ts'
import { LOG_RECORDS_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { signNote } from '../../src/core/note.ts'
import { ana, atlas, ben } from './statements.ts'

const ORIGIN = logOrigin(idOf(utf8('mesh')), atlas.identity.did, 1)
const HEAD = { origin: ORIGIN, size: 42, rootHash: sha256(utf8('root')) }
const signed = signCheckpoint(HEAD, ana)

test('a checkpoint reads as it was printed, and prints as it was read', () => {
  const sizes = fc.oneof(fc.nat(), fc.constantFrom(0, LOG_RECORDS_MAX))
  fc.assert(
    fc.property(sizes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, rootHash) => {
      const body = formatCheckpoint({ origin: ORIGIN, size, rootHash })
      assert.deepEqual(parseCheckpoint(body), { origin: ORIGIN, size, rootHash })
      assert.match(body, /^meshd\/[0-9a-f]{16}\/z6Mk\w+\/1\n[0-9]+\n[A-Za-z0-9+/=]{44}\n$/)
    }),
  )
})

test('a signed checkpoint opens with its log key under its origin', () => {
  assert.deepEqual(openCheckpoint(signed, ORIGIN, ana.did), HEAD)
})

test('nobody signed a checkpoint: another key, another origin, a changed head, the name of another log', () => {
  assert.equal(openCheckpoint(signed, ORIGIN, ben.did), null)
  assert.equal(openCheckpoint(signed, `${ORIGIN}0`, ana.did), null)
  assert.equal(
    openCheckpoint(utf8(textOf(signed).replace('\n42\n', '\n43\n')), ORIGIN, ana.did),
    null,
  )
  const other = utf8(signNote(formatCheckpoint(HEAD), `${ORIGIN}0`, ana))
  assert.equal(openCheckpoint(other, ORIGIN, ana.did), null)
  assert.equal(openCheckpoint(other, `${ORIGIN}0`, ana.did), null)
  assert.equal(openCheckpoint(Uint8Array.of(0xff), ORIGIN, ana.did), null)
})

test('two epochs, nodes or meshes have two origins', () => {
  const [mesh, node] = [idOf(utf8('mesh')), atlas.identity.did]
  const origins = [
    logOrigin(mesh, node, 1),
    logOrigin(mesh, node, 2),
    logOrigin(mesh, atlas.log.did, 1),
    logOrigin(idOf(utf8('other')), node, 1),
  ]
  assert.equal(new Set(origins).size, origins.length)
})

const body = formatCheckpoint(HEAD)
const malformed: Record<string, string> = {
  'an extension line': `${body}extension\n`,
  'two lines': body.split('\n').slice(0, 2).join('\n'),
  'no line feed at its end': body.slice(0, -1),
  'a size with a zero before it': body.replace('\n42\n', '\n042\n'),
  'a size with a sign': body.replace('\n42\n', '\n+42\n'),
  'a size of no digits': body.replace('\n42\n', '\n\n'),
  'a size in another notation': body.replace('\n42\n', '\n4e1\n'),
  'half a record': body.replace('\n42\n', '\n42.5\n'),
  'more records than a log may have': body.replace('\n42\n', `\n${LOG_RECORDS_MAX + 1}\n`),
  'a size beyond all numbers': body.replace('\n42\n', `\n${'9'.repeat(400)}\n`),
  'a short hash': body.replace(/\n[^\n]{44}\n$/, '\nAAAA\n'),
  'an origin with a space': body.replace('/1\n', '/1 2\n'),
  'an origin with a plus': body.replace('/1\n', '/1+2\n'),
  'no origin': body.slice(body.indexOf('\n')),
}
for (const [what, text] of Object.entries(malformed)) {
  test(`refused: a checkpoint with ${what}`, () => {
    assert.notEqual(text, body)
    assert.throws(() => parseCheckpoint(text), Malformed)
  })
}
