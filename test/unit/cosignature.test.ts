import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, fromBase64, toBase64, utf8 } from '../../src/core/bytes.ts'
import { signCheckpoint } from '../../src/core/checkpoint.ts'
import {
  cosign,
  cosignaturesOf,
  verifyCosignature,
  withCosignatures,
  witnessed,
  witnessKeysOf,
  witnessName,
  witnessVkey,
} from '../../src/core/cosignature.ts'
import { parseDid, type Signer, signerOf } from '../../src/core/keys.ts'
import { TIME_S_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { openNote, parseVkey, TYPE_COSIGNATURE, vkey } from '../../src/core/note.ts'
import { atlas, borealis, corvus, NOW_MS, type NodeKeys } from './statements.ts'

/** Keys 01…01, 02…02 and 03…03: node, log, witness. Made with Python's cryptography, from the text of C2SP alone. */
const VECTOR = {
  node: parseDid('did:key:z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX'),
  log: parseDid('did:key:z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH'),
  witness: parseDid('did:key:z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2'),
  timeS: 1_764_000_190,
  note: `example.com/log
0
47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

— example.com/log sH+8d3COsaZ3YKX4O2hrcmTj+ISx2YySxHMukpCORlBLBy4rdOGk11tjy/6o23iAnvsIIJrI5oIWHezObb380Bna+Q8=
`,
  line: '— z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX Af7aUwAAAABpJIG+IwqNQ+LCpMVY8IyXfTnPXYnTA4BSUdx2p+Lvn7yEBtZ6HqlIkeGut3fIafLk3nnJYgJHgHittDLBqeriDgf9CA==\n',
  vkey: 'z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX+01feda53+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR',
}

const note = new TextDecoder().decode(
  signCheckpoint({ origin: 'log.example/1', size: 42, rootHash: new Uint8Array(32) }, corvus.log),
)
const keys = new Map([atlas, borealis].map((n) => [n.identity.did, n.witness.did]))
const lineOf = (by: NodeKeys, of = note, timeMs = NOW_MS) =>
  cosign(of, timeMs, by.identity.did, by.witness)
const found = (text: string) => cosignaturesOf(text, keys, corvus.log.did)
const signedBy = (text: string) => found(text).map(({ witness }) => witness)
const [a, b] = [atlas.identity.did, borealis.identity.did]

test('the vector: the line, its key id and its key text are what another implementation made', () => {
  const { node, witness, timeS } = VECTOR
  const key = signerOf(new Uint8Array(32).fill(3))
  assert.equal(cosign(VECTOR.note, timeS * 1000 + 999, node, key), VECTOR.line)
  assert.equal(witnessVkey(node, witness), VECTOR.vkey)
  assert.deepEqual(parseVkey(VECTOR.vkey, TYPE_COSIGNATURE), {
    name: witnessName(node),
    did: witness,
  })
  assert.throws(() => parseVkey(VECTOR.vkey), Malformed)
  const whole = VECTOR.note + VECTOR.line
  const expected = [{ witness: node, timeMs: timeS * 1000 }]
  assert.deepEqual(cosignaturesOf(whole, new Map([[node, witness]]), VECTOR.log), expected)
  // The log's own signature is untouched by it.
  const logKey = { name: 'example.com/log', did: VECTOR.log }
  assert.deepEqual(openNote(whole, [logKey]).signedBy, [logKey])
})

test('a cosignature is found with its whole second, whatever the time and whoever else signed', () => {
  const times = fc.oneof(fc.integer({ min: 1, max: TIME_S_MAX }), fc.constantFrom(1, TIME_S_MAX))
  fc.assert(
    fc.property(times, fc.nat(999), fc.boolean(), (timeS, ms, other) => {
      const line = lineOf(atlas, note, timeS * 1000 + ms)
      const text = withCosignatures(note, other ? [line, lineOf(corvus)] : [line])
      assert.deepEqual(found(text), [{ witness: a, timeMs: timeS * 1000 }])
      const of = { node: a, key: atlas.witness.did }
      assert.ok(verifyCosignature(note, line, of))
      assert.ok(!verifyCosignature(note, line, { ...of, key: borealis.witness.did }))
      assert.ok(!verifyCosignature(note, line, { ...of, node: b }))
      assert.ok(!verifyCosignature(note.replace('\n42\n', '\n43\n'), line, of))
    }),
  )
})

test('distinct witnesses are counted once each, however often their lines are there', () => {
  const [one, later] = [lineOf(atlas), lineOf(atlas, note, NOW_MS + 5000)]
  assert.deepEqual(found(note + later + one + one), [{ witness: a, timeMs: NOW_MS + 5000 }])
  assert.deepEqual(
    signedBy(withCosignatures(note, [lineOf(borealis), one, one])).sort(),
    [a, b].sort(),
  )
  assert.equal(withCosignatures(note, [one, later, one]), withCosignatures(note, [later, one]))
})

test('a key that two memberships name is one witness', () => {
  const shared = new Map([
    [a, atlas.witness.did],
    [b, atlas.witness.did],
  ])
  const text = note + lineOf(atlas) + cosign(note, NOW_MS, b, atlas.witness)
  assert.equal(cosignaturesOf(text, shared, corvus.log.did).length, 1)
})

test('a log key is nobody’s witness, and its signature of the log is no cosignature', () => {
  const self = new Map([[a, corvus.log.did]])
  const line = cosign(note, NOW_MS, a, corvus.log)
  assert.equal(cosignaturesOf(note + line, self, null).length, 1)
  assert.deepEqual(cosignaturesOf(note + line, self, corvus.log.did), [])
  assert.deepEqual(signedBy(note), [])
})

test('lines of other keys, other names and other types say nothing', () => {
  const named = (key: Signer, name = a) => cosign(note, NOW_MS, name, key)
  assert.deepEqual(signedBy(note + named(corvus.witness)), [])
  assert.deepEqual(signedBy(note + named(atlas.witness, b)), [])
  for (const type of [0x00, 0x01, 0x02, 0x05, 0x06, 0xff])
    assert.deepEqual(signedBy(note + retyped(lineOf(atlas), type)), [], `type ${type}`)
})

test('a line of a witness that does not hold rejects the note', () => {
  const [text, bytes] = [lineOf(atlas), fromBase64(lineOf(atlas).trim().split(' ')[2] ?? '')]
  const line = (changed: Uint8Array) =>
    `${text.slice(0, text.lastIndexOf(' '))} ${toBase64(changed)}\n`
  assert.deepEqual(signedBy(note + line(bytes)), [a])
  for (let at = 4; at < bytes.length; at += 1) {
    const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1)
    assert.throws(() => found(note + line(changed)), Malformed, `byte ${at}`)
    assert.ok(!verifyCosignature(note, line(changed), { node: a, key: atlas.witness.did }))
  }
  for (const end of [5, 11, 12, 13, 75])
    assert.throws(() => found(note + line(bytes.subarray(0, end))), Malformed, `${end} bytes`)
  assert.throws(() => found(note + line(concat(bytes, Uint8Array.of(0)))), Malformed)
  assert.throws(() => found(note.replace('\n42\n', '\n43\n') + text), Malformed)
})

test('no time, a time beyond all dates and one beyond all numbers are refused, well signed or not', () => {
  for (const timeS of [0n, BigInt(TIME_S_MAX) + 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    const time = new Uint8Array(8)
    new DataView(time.buffer).setBigUint64(0, timeS)
    const body = note.slice(0, note.lastIndexOf('\n\n') + 1)
    const signature = atlas.witness.sign(utf8(`cosignature/v1\ntime ${timeS}\n${body}`))
    const keyId = fromBase64(lineOf(atlas).trim().split(' ')[2] ?? '').subarray(0, 4)
    const line = `— ${witnessName(a)} ${toBase64(concat(keyId, time, signature))}\n`
    assert.throws(() => found(note + line), Malformed, `${timeS}`)
  }
})

test('whatever a peer sends as its line, the answer is yes or no', () => {
  const of = { node: a, key: atlas.witness.did }
  const line = lineOf(atlas)
  fc.assert(
    fc.property(fc.string(), fc.nat(line.length), (text, at) => {
      assert.ok(!verifyCosignature(note, line.slice(0, at) + text, of) || text === line.slice(at))
      assert.ok(!verifyCosignature(note, text, of))
      assert.ok(!verifyCosignature(text, line, of))
    }),
  )
  assert.ok(!verifyCosignature(note, line + line, of))
  assert.ok(!verifyCosignature(note, `\n${line}`, of))
})

test('a quorum is `write` of the newest root’s witnesses that are members', () => {
  const members = new Map([[a, { witness: atlas.witness.did }]])
  const root = { witnesses: [a, b], lease: { write: 2 } }
  const distrusted = new Map()
  const governance = { root, members, distrusted } as never
  assert.deepEqual([...witnessKeysOf(governance)], [[a, atlas.witness.did]])
  assert.deepEqual([...witnessKeysOf({ ...(governance as object), root: null } as never)], [])
  const liars = { ...(governance as object), distrusted: new Map([[a, {}]]) } as never
  assert.deepEqual([...witnessKeysOf(liars)], [])
  const one = [{ witness: a, timeMs: 0 }]
  assert.equal(witnessed(one, governance), false)
  assert.equal(witnessed([...one, { witness: b, timeMs: 0 }], governance), true)
  assert.equal(witnessed(one, { root: null }), false)
})

/** The same line, with the key id of a key of another type. */
function retyped(line: string, type: number): string {
  const [dash, name, encoded] = line.trim().split(' ')
  const id = vkey(name ?? '', atlas.witness.did, type as never).split('+')[1] ?? ''
  return `${dash} ${name} ${toBase64(concat(Buffer.from(id, 'hex'), fromBase64(encoded ?? '').subarray(4)))}\n`
}
