/** Looking through a log with filters: in pages, newest first, no further than it is worth. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { formatJson } from '../../src/core/json.ts'
import { RECORDS_READ_MAX } from '../../src/core/limits.ts'
import { formatDraft } from '../../src/core/record.ts'
import { formatTime } from '../../src/core/shape.ts'
import { newestRecords, type RecordFilter } from '../../src/daemon/records.ts'
import type { LogReader } from '../../src/mesh/log-reader.ts'
import { atlas } from './statements.ts'

const EVERYTHING: RecordFilter = {
  ...{ type: null, principal: null, action: null, code: null, sinceMs: null, untilMs: null },
}
const BEGAN_MS = 1_795_528_800_000
const here = new AbortController().signal

/** One record a second; every hundredth is an epoch. */
function log(size: number) {
  const pages: number[] = []
  const record = (index: number) => {
    const epoch = index % 100 === 0
    const draft = epoch
      ? formatDraft<'epoch'>({
          ...{ type: 'epoch', statement: `sha256:${'0'.repeat(64)}`, previousSize: index },
          ...{ previousRootHash: '0'.repeat(64), overruled: false },
        })
      : formatDraft<'system'>({ type: 'system', event: 'started', detail: `${index}` })
    const time = formatTime(BEGAN_MS + index * 1000)
    const rest = { index, time, node: atlas.identity.did, epoch: 1 }
    const bytes = utf8(formatJson({ ...draft, ...rest }))
    return { index, id: idOf(bytes), bytes }
  }
  const newest = async (before: number | null, count: number) => {
    const end = Math.min(before ?? size, size)
    const first = Math.max(0, end - count)
    pages.push(end - first)
    return Array.from({ length: end - first }, (_, i) => record(end - 1 - i))
  }
  return { reader: { newest } as Pick<LogReader, 'newest'> as LogReader, pages }
}

const indexes = async (size: number, filter: Partial<RecordFilter>, limit: number) => {
  const { reader, pages } = log(size)
  const found = await newestRecords(reader, { ...EVERYTHING, ...filter }, limit, here)
  return { found: found.map(({ record }) => record.index), pages }
}

test('a filter finds across pages, newest first, and stops with the limit', async () => {
  const { found, pages } = await indexes(1_000, { type: 'epoch' }, 4)
  assert.deepEqual(found, [900, 800, 700, 600])
  assert.equal(pages.length, Math.ceil(400 / RECORDS_READ_MAX))
  const all = await indexes(1_000, { type: 'epoch' }, 50)
  assert.deepEqual(all.found, [900, 800, 700, 600, 500, 400, 300, 200, 100, 0])
})

test('what is older than asked for is not read', async () => {
  const sinceMs = BEGAN_MS + 995_000
  const { found, pages } = await indexes(1_000, { sinceMs }, 50)
  assert.deepEqual(found, [999, 998, 997, 996, 995])
  assert.equal(pages.length, 1)
  const between = await indexes(1_000, { sinceMs, untilMs: sinceMs + 1_000 }, 50)
  assert.deepEqual(between.found, [996, 995])
})

test('an empty log, a limit of nothing, a reader that went away: no record, and no reading for them', async () => {
  assert.deepEqual((await indexes(0, {}, 10)).found, [])
  const nothing = await indexes(1_000, {}, 0)
  assert.deepEqual([nothing.found, nothing.pages], [[], []])
  const gone = new AbortController()
  gone.abort()
  const { reader, pages } = log(1_000)
  assert.deepEqual(await newestRecords(reader, EVERYTHING, 10, gone.signal), [])
  assert.deepEqual(pages, [])
})

test('what decides nothing has no principal, no action and no code to be found by', async () => {
  for (const filter of [{ action: 'tool:read' }, { code: 'ALLOW' }, { principal: atlas.log.did }])
    assert.deepEqual((await indexes(300, filter, 10)).found, [])
})
