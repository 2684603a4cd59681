import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat } from '../../src/core/bytes.ts'
import { RECORD_BYTES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import {
  entriesPath,
  formatBundle,
  parseBundle,
  parseTilePath,
  placePath,
  TILE_WIDTH,
  tilePath,
  tilesOf,
} from '../../src/core/tile.ts'

test('paths are those of C2SP tlog-tiles', () => {
  assert.equal(tilePath(0, 0), 'tile/0/000')
  assert.equal(tilePath(1, 999), 'tile/1/999')
  assert.equal(tilePath(0, 1_000), 'tile/0/x001/000')
  assert.equal(tilePath(0, 1_234_067), 'tile/0/x001/x234/067')
  assert.equal(tilePath(2, 1_234_067, 12), 'tile/2/x001/x234/067.p/12')
  assert.equal(tilePath(0, 0, TILE_WIDTH), 'tile/0/000')
  assert.equal(entriesPath(0, 1), 'tile/entries/000.p/1')
  assert.equal(entriesPath(16_777_215), 'tile/entries/x016/x777/215')
})

test('every tile has a path of its own', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: TILE_WIDTH }), (a, b, width) => {
      assert.equal(tilePath(0, a, width) === tilePath(0, b, width), a === b)
      const digits = entriesPath(a, width)
        .replace(/\.p\/.*$/, '')
        .replaceAll(/[^0-9]/g, '')
      assert.equal(Number(digits), a)
    }),
  )
})

test('a path is read as it was printed, and nothing else is a path', () => {
  const place = fc.record({
    level: fc.oneof(fc.constant(null), fc.nat(63)),
    n: fc.nat(),
    width: fc.integer({ min: 1, max: TILE_WIDTH }),
  })
  fc.assert(
    fc.property(place, (each) => assert.deepEqual(parseTilePath(placePath(each)), { ...each })),
  )
  const wrong = ['tile/0/0', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/01', 'tile/00/000']
  for (const path of [...wrong, 'tile/0/x000/001', 'tile/0/x001', 'tile/x/000', '/tile/0/000', ''])
    assert.equal(parseTilePath(path), null, path)
})

test('the tiles of a log cover each level as far as it is complete', () => {
  const paths = (size: number) => [...tilesOf(size)].map(placePath)
  assert.deepEqual(paths(0), [])
  assert.deepEqual(paths(1), ['tile/entries/000.p/1', 'tile/0/000.p/1'])
  assert.deepEqual(paths(257), [
    ...['tile/entries/000', 'tile/0/000', 'tile/entries/001.p/1', 'tile/0/001.p/1'],
    'tile/1/000.p/1',
  ])
  assert.equal(paths(256 * 256).at(-1), 'tile/2/000.p/1')
})

test('a tile that is empty, too wide or before the first is a bug', () => {
  assert.throws(() => tilePath(0, 0, 0), /never empty/)
  assert.throws(() => entriesPath(0, TILE_WIDTH + 1), /never empty/)
  assert.throws(() => tilePath(0, -1), /counted from zero/)
  assert.throws(() => tilePath(0, 0.5), /counted from zero/)
})

const record = fc.uint8Array({ maxLength: 600 })
const bundle = fc.array(record, { minLength: 1, maxLength: 20 })

test('a bundle reads as it was printed, and whatever is read prints as the same bytes', () => {
  fc.assert(
    fc.property(bundle, fc.nat(), fc.nat(255), (records, at, byte) => {
      const bytes = formatBundle(records)
      assert.deepEqual(parseBundle(bytes), records)
      const changed = bytes.with(at % bytes.length, byte)
      let read: readonly Uint8Array[]
      try {
        read = parseBundle(changed)
      } catch (error) {
        assert.ok(error instanceof Malformed)
        return
      }
      assert.deepEqual(formatBundle(read), changed)
    }),
  )
})

test('the length of a record is two bytes, the larger first', () => {
  assert.deepEqual(formatBundle([Uint8Array.of(7)]), Uint8Array.of(0, 1, 7))
  assert.deepEqual(formatBundle([new Uint8Array(258)]).subarray(0, 2), Uint8Array.of(1, 2))
  const largest = new Uint8Array(RECORD_BYTES_MAX).fill(7)
  assert.deepEqual(parseBundle(formatBundle([largest])), [largest])
})

test('a bundle of nothing, of too much, or cut anywhere is malformed', () => {
  const empty = (count: number) => new Uint8Array(2 * count)
  assert.throws(() => parseBundle(empty(0)), Malformed)
  assert.equal(parseBundle(empty(TILE_WIDTH)).length, TILE_WIDTH)
  assert.throws(() => parseBundle(empty(TILE_WIDTH + 1)), Malformed)
  const bytes = formatBundle([Uint8Array.of(1, 2, 3)])
  for (let end = 1; end < bytes.length; end++) {
    assert.throws(() => parseBundle(bytes.subarray(0, end)), Malformed)
  }
  assert.throws(() => parseBundle(concat(bytes, Uint8Array.of(0))), Malformed)
})

test('what is read is a copy', () => {
  const bytes = formatBundle([Uint8Array.of(1)])
  const [read] = parseBundle(bytes)
  bytes.fill(0)
  assert.deepEqual(read, Uint8Array.of(1))
})

test('a record too long for its length, and a bundle of none or too many, are bugs', () => {
  assert.throws(() => formatBundle([]), /as wide as a tile/)
  assert.throws(
    () => formatBundle(Array(TILE_WIDTH + 1).fill(new Uint8Array())),
    /as wide as a tile/,
  )
  assert.throws(() => formatBundle([new Uint8Array(RECORD_BYTES_MAX + 1)]), /fits its length/)
})
