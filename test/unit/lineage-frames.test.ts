/** The frames of `/meshd/lineage/1`: each has one spelling, and nothing else is read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { DESCENDANTS_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { formatFrame } from '../../src/mesh/frames.ts'
import {
  formatLineageAnswer,
  formatLineageRequest,
  type LineageAnswer,
  parseLineageAnswer,
  parseLineageRequest,
} from '../../src/mesh/lineage-frames.ts'

const ID = idOf(utf8('an execution'))
const blob = fc.uint8Array({ maxLength: 64 })
const id = fc.string().map((text) => idOf(utf8(text)))
const plain = { noNullPrototype: true }
const answers: fc.Arbitrary<LineageAnswer> = fc.oneof(
  fc
    .constantFrom('unwitnessed' as const, 'unknown' as const, 'busy' as const)
    .map((say) => ({ say })),
  id.map((by) => ({ say: 'superseded' as const, by })),
  fc.record(
    {
      say: fc.constant('receipt' as const),
      receipt: blob,
      outcome: fc.option(blob, { nil: null }),
    },
    plain,
  ),
  fc.record(
    {
      say: fc.constant('descendants' as const),
      ids: fc.array(id, { maxLength: 5 }),
      more: fc.boolean(),
    },
    plain,
  ),
)

test('frames read as they were printed', () => {
  fc.assert(
    fc.property(fc.constantFrom('receipt' as const, 'descendants' as const), id, (ask, id) => {
      assert.deepEqual(parseLineageRequest(formatLineageRequest({ ask, id })), { ask, id })
    }),
  )
  fc.assert(
    fc.property(answers, (answer) => {
      assert.deepEqual(parseLineageAnswer(formatLineageAnswer(answer)), answer)
    }),
  )
})

test('what is no frame is refused', () => {
  const bytes = utf8('x')
  for (const request of [
    formatFrame({ ask: 'receipt' }, []),
    formatFrame({ ask: 'everything', id: ID }, []),
    formatFrame({ ask: 'receipt', id: ID, of: 'atlas' }, []),
    formatFrame({ ask: 'receipt', id: ID.slice(1) }, []),
    formatFrame({ ask: 'receipt', id: ID }, [bytes]),
    bytes,
  ])
    assert.throws(() => parseLineageRequest(request), Malformed)
  const ids = Array.from({ length: DESCENDANTS_MAX + 1 }, () => ID)
  for (const answer of [
    formatFrame({ say: 'receipt' }, []),
    formatFrame({ say: 'receipt' }, [bytes, bytes, bytes]),
    formatFrame({ say: 'unknown' }, [bytes]),
    formatFrame({ say: 'superseded' }, []),
    formatFrame({ say: 'descendants', ids, more: true }, []),
    formatFrame({ say: 'yes' }, []),
  ])
    assert.throws(() => parseLineageAnswer(answer), Malformed)
})
