import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddCheckpoint, parseAddCheckpoint } from '../../src/core/add-checkpoint.ts'
import {
  ADD_CHECKPOINT_BYTES_MAX,
  CONSISTENCY_HASHES_MAX,
  LOG_RECORDS_MAX,
} from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const NOTE = 'log.example/1\n42\nAAAA\n\n— log.example/1 AAAAAAAA\n'

test('a request reads as it was printed, and has one spelling', () => {
  const sizes = fc.oneof(fc.nat(), fc.constantFrom(0, LOG_RECORDS_MAX))
  const proofs = fc.array(hash, { maxLength: CONSISTENCY_HASHES_MAX })
  fc.assert(
    fc.property(sizes, proofs, (old, proof) => {
      const text = formatAddCheckpoint({ old, proof, note: NOTE })
      assert.deepEqual(parseAddCheckpoint(text), { old, proof, note: NOTE })
      assert.equal(formatAddCheckpoint(parseAddCheckpoint(text)), text)
    }),
  )
})

test('any text is a request in its one spelling, or malformed', () => {
  const good = formatAddCheckpoint({ old: 20, proof: [new Uint8Array(32)], note: NOTE })
  fc.assert(
    fc.property(fc.string(), fc.nat(good.length), (text, at) => {
      const changed = good.slice(0, at) + text + good.slice(at)
      try {
        assert.equal(formatAddCheckpoint(parseAddCheckpoint(changed)), changed)
      } catch (error) {
        assert.ok(error instanceof Malformed)
      }
    }),
  )
})

const line = `${Buffer.alloc(32).toString('base64')}\n`
const malformed: Record<string, string> = {
  'no size': `\n${NOTE}`,
  'a size with a zero before it': `old 020\n\n${NOTE}`,
  'a size with a sign': `old +20\n\n${NOTE}`,
  'half a record': `old 2.5\n\n${NOTE}`,
  'a size of 2^32': `old ${2 ** 32}\n\n${NOTE}`,
  'a size of 2^63': `old 9223372036854775808\n\n${NOTE}`,
  'a size beyond all numbers': `old ${'9'.repeat(400)}\n\n${NOTE}`,
  'a word in front': ` old 20\n\n${NOTE}`,
  'no empty line': `old 20\n${line}`,
  'a hash too many': `old 20\n${line.repeat(CONSISTENCY_HASHES_MAX + 1)}\n${NOTE}`,
  'a short hash': `old 20\nAAAA\n\n${NOTE}`,
  'a hash that is no base64': `old 20\n${line.replace('=', '')}\n${NOTE}`,
  'more than there is room for': `old 20\n\n${'x'.repeat(ADD_CHECKPOINT_BYTES_MAX)}`,
}
for (const [what, text] of Object.entries(malformed))
  test(`refused: a request with ${what}`, () => {
    assert.throws(() => parseAddCheckpoint(text), Malformed)
  })
