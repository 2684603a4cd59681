/** A mesh as a file: read back whole or not at all, and taken by a node as if a peer had brought it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { type FileStatement, formatMeshFile, parseMeshFile } from '../../src/core/mesh-file.ts'
import { Control } from './control.ts'
import { atlas, borealis, cy, type Made, NOW_MS, nextRoot, rootOf, World } from './statements.ts'

const world = new World(rootOf())
const second = nextRoot(world.first)
const MADE = [world.first, second, world.policy(), world.freeze(), world.revocation()]
const HEADS = [
  { node: borealis.identity.did, note: 'meshd/0a77/z6Mk/1\n8\nAAAA\n\n— x AAAA\n' },
  { node: atlas.identity.did, note: 'meshd/0a77/z6Mk/1\n9\nAAAA\n\n— x AAAA\n' },
]
const entry = ({ id, envelope, bytes }: Made): FileStatement => ({ id, type: envelope.type, bytes })
const fileOf = (made: readonly Made[], heads = HEADS) =>
  formatMeshFile({
    ...{ mesh: world.mesh, node: atlas.identity.did, timeMs: NOW_MS, digest: '5c'.repeat(32) },
    ...{ statements: made.map(entry), heads },
  })

/** With a last line that is right again. */
const resealed = (text: string) => {
  const body = utf8(text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1))
  return utf8(`${textOf(body)}${idOf(body)}\n`)
}

test('it is the exact inverse, roots first and the others by their ids, whatever the order before', () => {
  const bytes = fileOf(MADE)
  const file = parseMeshFile(bytes)
  const ids = file.statements.map(({ id }) => id)
  assert.deepEqual(ids.slice(0, 2), [world.first.id, second.id])
  assert.deepEqual(ids.slice(2), ids.slice(2).toSorted())
  assert.deepEqual(formatMeshFile(file), bytes)
  const [first, next, ...rest] = MADE as [Made, Made, ...Made[]]
  const shuffled = fc.shuffledSubarray(rest, { minLength: rest.length })
  fc.assert(
    fc.property(shuffled, (others) => {
      assert.deepEqual(fileOf([first, ...others, next], HEADS.toReversed()), bytes)
    }),
    { numRuns: 20 },
  )
})

test('its lines are those of the page of the protocol', () => {
  const lines = textOf(fileOf([world.first, second])).split('\n')
  const [magic, header = '', one, two, ...rest] = lines
  assert.equal(magic, 'meshd-mesh/1')
  const fields = ['digest', 'heads', 'mesh', 'node', 'statements', 'time']
  assert.deepEqual(Object.keys(JSON.parse(header)), fields)
  assert.deepEqual(
    [one, two],
    [world.first, second].map(({ bytes }) => textOf(bytes)),
  )
  const [head, next, last, end, ...none] = rest
  const sorted = HEADS.map(({ node, note }) => JSON.stringify({ node, note })).sort()
  assert.deepEqual([head, next], sorted)
  assert.equal(last, idOf(utf8(`${lines.slice(0, -2).join('\n')}\n`)))
  assert.deepEqual([end, none], ['', []])
})

test('one that was cut, or of which any byte is another, is refused whole', () => {
  const bytes = fileOf([world.first], HEADS.slice(0, 1))
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = bytes.with(at, (bytes[at] as number) ^ 1)
    assert.throws(() => parseMeshFile(changed), Malformed, `byte ${at}`)
    assert.throws(() => parseMeshFile(bytes.subarray(0, at)), Malformed, `${at} bytes`)
  }
  assert.throws(() => parseMeshFile(new Uint8Array([...bytes, 0x0a])), Malformed)
})

test('one that was changed and hashed again is refused where it says what no printer of ours would', () => {
  const text = textOf(fileOf(MADE))
  const lines = text.split('\n')
  const edits: Record<string, string[]> = {
    'another version': ['meshd-mesh/2', ...lines.slice(1)],
    'a statement less': lines.toSpliced(3, 1),
    'a statement twice': lines.toSpliced(3, 0, lines[3] as string),
    'another order': lines.with(4, lines[5] as string).with(5, lines[4] as string),
    'a root behind the others': [
      ...lines.slice(0, 3),
      ...lines.slice(4, 7),
      lines[3] as string,
      ...lines.slice(7),
    ],
    'heads in another order': lines.with(7, lines[8] as string).with(8, lines[7] as string),
    'json of another print': lines.with(1, (lines[1] as string).replace(':', ': ')),
    'an empty line': lines.toSpliced(2, 0, ''),
  }
  parseMeshFile(resealed(text))
  for (const [what, changed] of Object.entries(edits))
    assert.throws(() => parseMeshFile(resealed(changed.join('\n'))), Malformed, what)
})

const piece = (file: ReturnType<typeof parseMeshFile>) => ({
  mesh: file.mesh,
  statements: file.statements.map(({ bytes }) => textOf(bytes)),
  heads: file.heads,
})
const results = (items: { what: string; result: string }[], what: string) =>
  items.filter((item) => item.what === what).map(({ result }) => result)

test('what one node knows another takes, and takes once; governance is the same afterwards', async () => {
  await using from = await Control.open([borealis])
  await using into = await Control.open([borealis])
  const freeze = from.world.freeze()
  await from.clock.until(from.node.statements.submit(freeze.bytes))
  const { body } = await from.ask('GET /v1/mesh/export', null, { role: 'read' })
  const file = parseMeshFile(utf8(body))
  assert.equal(file.digest, from.node.statements.governance.digest)
  const taken = await into.ask('POST /v1/mesh/import', piece(file))
  assert.equal(taken.status, 200)
  assert.deepEqual(results(taken.body.items, 'statement').toSorted(), [
    'known',
    'known',
    'known',
    'new',
  ])
  assert.equal(into.node.statements.governance.digest, file.digest)
  const again = await into.ask('POST /v1/mesh/import', piece(file))
  assert.deepEqual(new Set(results(again.body.items, 'statement')), new Set(['known']))
  assert.deepEqual([from.bugs, into.bugs], [[], []])
})

test('what is not good is refused with its reason, what waits is held, and the rest is taken all the same', async () => {
  await using control = await Control.open()
  const { world: here } = control
  const forged = here.freeze({ version: 7 }, [cy])
  const broken = textOf(forged.bytes).replace(/"sig":"[^"]{4}/, '"sig":"AAAA')
  const later = here.freeze({ version: 2 }, undefined, 9)
  const good = here.freeze({ version: 3 })
  const statements = [broken, textOf(later.bytes), textOf(good.bytes), 'nothing of ours']
  const heads = [{ node: borealis.identity.did, note: 'no note' }]
  const { body } = await control.ask('POST /v1/mesh/import', { mesh: here.mesh, statements, heads })
  assert.deepEqual(results(body.items, 'statement'), ['refused', 'held', 'new', 'refused'])
  assert.deepEqual(results(body.items, 'head'), ['refused'])
  for (const { result, why } of body.items) assert.equal(why === null, result === 'new')
  const other = await control.ask('POST /v1/mesh/import', { mesh: good.id, statements: [], heads })
  assert.equal(other.body.code, 'WRONG_MESH')
})

test('a head of its own log that a node does not continue ends that log', async () => {
  await using twin = await Control.open()
  await using control = await Control.open()
  // The other machine with these keys went on.
  await twin.clock.until(twin.node.statements.submit(twin.world.freeze().bytes))
  await twin.clock.advance(3_000)
  const { body } = await twin.ask('GET /v1/mesh/export')
  const file = parseMeshFile(utf8(body))
  assert.ok(file.heads.length > 0)
  assert.equal(control.node.log.sealed, null)
  await control.ask('POST /v1/mesh/import', { ...piece(file), statements: [] })
  assert.match(control.node.log.sealed ?? '', /rollback/)
})
