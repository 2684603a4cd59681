import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOTE_SIGNATURES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { openNote, parseVkey, signNote, vkey } from '../../src/core/note.ts'
import { ana, ben } from './statements.ts'

/** C2SP signed-note, "Example" (FACTS 11). */
const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const NOTE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'

const [A, B] = [
  { name: 'a.example', did: ana.did },
  { name: 'b.example', did: ben.did },
] as const
const BODY = 'one\n\ntwo\n'
const signed = signNote(BODY, A.name, ana)
/** The signature line of a note. */
const lineOf = (note: string) => note.slice(note.lastIndexOf('\n\n') + 2)
const both = signed + lineOf(signNote(BODY, B.name, ben))

test('the example of the specification opens with its key, and prints it again', () => {
  const key = parseVkey(VKEY)
  assert.equal(vkey(key.name, key.did), VKEY)
  const note = openNote(NOTE, [key])
  assert.equal(note.body, 'This is an example message.\n')
  assert.deepEqual(note.signedBy, [key])
})

test('a note opens to what was signed, whatever the text, and names who signed it', () => {
  const line = fc.string().map((text) => text.replaceAll(/\p{Cc}/gu, ''))
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), (lines) => {
      const body = `${lines.join('\n')}\n`
      if (!body.isWellFormed()) return
      const note = openNote(signNote(body, A.name, ana), [A, B])
      assert.deepEqual(note, { body, signedBy: [A] })
    }),
  )
})

test('a key that did not sign is not named, and a key that nobody knows says nothing', () => {
  assert.deepEqual(openNote(both, [A, B]).signedBy, [A, B])
  assert.deepEqual(openNote(both, [B]).signedBy, [B])
  assert.deepEqual(openNote(both, []).signedBy, [])
  assert.deepEqual(openNote(signed, [{ ...A, name: 'other.example' }]).signedBy, [])
})

test('one key counts once, however often its line is there', () => {
  assert.deepEqual(openNote(signed + lineOf(signed), [A]).signedBy, [A])
})

test('a known key that fails rejects the note, whoever else signed it', () => {
  const forged = both.replace(BODY, 'one\n\nthree\n')
  assert.throws(() => openNote(forged, [A]), Malformed)
  const mixed = `${signNote('other\n', A.name, ana).replace('other\n', BODY) + lineOf(both).split('\n')[1]}\n`
  assert.throws(() => openNote(mixed, [A, B]), Malformed)
  assert.deepEqual(openNote(mixed, [B]).signedBy, [B])
})

const malformed: Record<string, string> = {
  'no signature': 'text\n',
  'no body': '— a.example AAAAAAA=\n',
  'an end without a line feed': signed.slice(0, -1),
  'a hyphen for the dash': signed.replace('—', '-'),
  'a signer without name': `${BODY}\n—  AAAAAAA=\n`,
  'a signature with a word more': signed.replace('\n— a.example ', '\n— a.example x '),
  'a signature that is no base64': `${BODY}\n— a.example A\n`,
  'a signature that is only a key id': `${BODY}\n— a.example AAAAAA==\n`,
  'a carriage return': signed.replace('one\n', 'one\r\n'),
  'too many signatures': signed + lineOf(signed).repeat(NOTE_SIGNATURES_MAX),
}
for (const [what, note] of Object.entries(malformed)) {
  test(`refused: a note with ${what}`, () => {
    assert.throws(() => openNote(note, [A]), Malformed)
  })
}

test('any text is a note or malformed', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (text, at) => {
      const changed = signed.slice(0, at % signed.length) + text + signed.slice(at % signed.length)
      try {
        assert.ok(openNote(changed, [A]).signedBy.length <= 1)
      } catch (error) {
        assert.ok(error instanceof Malformed)
      }
    }),
  )
})

test('a key text of another type, with a wrong id, or not in its one spelling is refused', () => {
  for (const text of [
    VKEY.replace('530d903a', '530d903b'),
    VKEY.replace('530d903a', '530D903A'),
    VKEY.replace('+Aeky', '+Beky'),
    VKEY.replace('example.com/foo', 'example.com/bar'),
    `${VKEY}=`,
    VKEY.slice(0, -4),
    '',
  ]) {
    assert.throws(() => parseVkey(text), Malformed, text)
  }
})
