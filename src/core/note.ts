/**
 * The signed note of C2SP (FACTS 11): a text, an empty line, and signatures.
 *
 *   This is an example message.
 *
 *   — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi…
 *
 * A signature line is `— <name> <base64(key id ‖ signature)>`. The key id, 4
 * bytes, binds name and key; lines of keys that the reader does not know say nothing to him.
 */
import { assert } from './assert.ts'
import { concat, equalBytes, fromBase64, toBase64, toHex, utf8 } from './bytes.ts'
import { sha256 } from './id.ts'
import { type Did, didOf, publicKeyOf, type Signer, verifySignature } from './keys.ts'
import { KEYS_REMEMBERED_MAX, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { Memo } from './memo.ts'

/** Who signs notes, under which name. */
export interface NoteKey {
  readonly name: string
  readonly did: Did
}

/** What an opened note says, and which of the known keys signed it, each once. */
export interface Note {
  readonly body: string
  readonly signedBy: readonly NoteKey[]
}

/** One signature line: nobody has looked at the signature yet. */
export interface NoteLine {
  readonly name: string
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

/** Signature types; 0x06, ML-DSA-44, is not read: whoever does not know a type ignores its lines. */
export const TYPE_ED25519 = 0x01
export const TYPE_COSIGNATURE = 0x04
type NoteKeyType = typeof TYPE_ED25519 | typeof TYPE_COSIGNATURE

const KEY_ID_BYTES = 4
/** By type, name and key: a node reads the notes of the same few logs again and again. */
const keyIds = new Memo<string, Uint8Array>(KEYS_REMEMBERED_MAX)
const MARK = '\u2014 '
const NAME = /^[^\s+]+$/u
/** Controls other than the line feed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\0-\x09\x0b-\x1f]/

/** @param body ends with a line feed */
export function signNote(body: string, name: string, signer: Signer): string {
  assert(body.endsWith('\n') && !CONTROL.test(body), 'the body of a note is lines of text')
  const keyId = noteKeyId({ name, did: signer.did }, TYPE_ED25519)
  return `${body}\n${formatNoteLine({ name, keyId, signature: signer.sign(utf8(body)) })}`
}

/** With its line feed. */
export function formatNoteLine({ name, keyId, signature }: NoteLine): string {
  return `${MARK}${name} ${toBase64(concat(keyId, signature))}\n`
}

/**
 * Reads a note. None of the keys need have signed it: the caller looks at
 * signedBy. @throws Malformed, also when a signature by one of the keys is bad
 */
export function openNote(text: string, keys: readonly NoteKey[]): Note {
  const { body, lines } = splitNote(text)
  const known = keys.map((key) => ({ key, keyId: noteKeyId(key, TYPE_ED25519) }))
  const signedBy = new Set<NoteKey>()
  for (const line of lines) {
    const signer = known.find((k) => k.key.name === line.name && equalBytes(k.keyId, line.keyId))
    if (signer === undefined) continue
    // A known key that fails rejects the note, and not just the line (signed-note, "Verifying").
    if (!verifySignature(signer.key.did, utf8(body), line.signature)) {
      throw new Malformed('a signature of a note does not hold')
    }
    signedBy.add(signer.key)
  }
  return { body, signedBy: [...signedBy] }
}

/** The note with the one signature of that key alone, unverified; null when there is none by it. @throws Malformed */
export function bareNote(text: string, key: NoteKey): string | null {
  const { body, lines } = splitNote(text)
  const keyId = noteKeyId(key, TYPE_ED25519)
  const own = lines.find((line) => line.name === key.name && equalBytes(line.keyId, keyId))
  if (own === undefined) return null
  return `${body}\n${formatNoteLine(own)}`
}

/** The text of a key for other programs: `example.com/foo+530d903a+AekyeRrm…`. */
export function vkey(name: string, did: Did, type: NoteKeyType = TYPE_ED25519): string {
  const keyId = toHex(noteKeyId({ name, did }, type))
  return `${name}+${keyId}+${toBase64(concat(Uint8Array.of(type), publicKeyOf(did)))}`
}

/** The inverse of vkey. @throws Malformed */
export function parseVkey(text: string, type: NoteKeyType = TYPE_ED25519): NoteKey {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(text)
  if (match === null) throw new Malformed('a note key is `name+id+base64`')
  const [, name, , encoded] = match as unknown[] as [string, string, string, string]
  const key = fromBase64(encoded)
  if (key[0] !== type) throw new Malformed('a note key is of another type')
  const noteKey = { name, did: didOf(key.subarray(1)) }
  if (vkey(name, noteKey.did, type) !== text) throw new Malformed('the id of a note key is wrong')
  return noteKey
}

/** SHA-256(name ‖ 0A ‖ type ‖ public key), the first 4 bytes. */
export function noteKeyId({ name, did }: NoteKey, type: NoteKeyType): Uint8Array {
  const text = `${type} ${did} ${name}`
  const known = keyIds.get(text)
  if (known !== undefined) return known
  assert(NAME.test(name), 'the name of a note key has no spaces and no plus')
  const key = concat(utf8(`${name}\n`), Uint8Array.of(type), publicKeyOf(did))
  const keyId = sha256(key).slice(0, KEY_ID_BYTES)
  keyIds.set(text, keyId)
  return keyId
}

/** What a note says, up to its last empty line. @param text a note that was read before */
export function noteBody(text: string): string {
  const end = text.lastIndexOf('\n\n')
  assert(end >= 0, 'a note has a body')
  return text.slice(0, end + 1)
}

/** Says nothing about the signatures. @throws Malformed */
export function splitNote(text: string): { body: string; lines: readonly NoteLine[] } {
  if (text.length > NOTE_BYTES_MAX) throw new Malformed('a note is too long')
  if (CONTROL.test(text)) throw new Malformed('a note holds a control character')
  // The last empty line: the body may hold others.
  const end = text.lastIndexOf('\n\n')
  if (end < 0 || !text.endsWith('\n')) throw new Malformed('a note has a body and signatures')
  const lines = text.slice(end + 2, -1).split('\n')
  if (lines.length > NOTE_SIGNATURES_MAX) throw new Malformed('a note has too many signatures')
  return { body: text.slice(0, end + 1), lines: lines.map(parseNoteLine) }
}

/** @param line without its line feed @throws Malformed */
export function parseNoteLine(line: string): NoteLine {
  const [name, encoded, rest] = line.slice(MARK.length).split(' ')
  if (!line.startsWith(MARK) || encoded === undefined || rest !== undefined) {
    throw new Malformed('a signature of a note is `— name base64`')
  }
  if (name === undefined || !NAME.test(name))
    throw new Malformed('a note has a signer without name')
  const bytes = fromBase64(encoded)
  if (bytes.length <= KEY_ID_BYTES) throw new Malformed('a signature of a note is too short')
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_BYTES),
    signature: bytes.subarray(KEY_ID_BYTES),
  }
}
