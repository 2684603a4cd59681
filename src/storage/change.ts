/** What a batch does to the database, in one write: records, tiles, what is kept beside them, and the entry that says so. */
import { assert } from '../core/assert.ts'
import { rootHash } from '../core/merkle.ts'
import type { Batch, Put } from '../mesh/ports.ts'
import type { Database, Operation } from './database.ts'
import { Frontier } from './frontier.ts'
import { exhibitKey, formatMeta, META_KEY, putKey, recordKey, seal, tileKey } from './keyspace.ts'
import { LogValues } from './log-values.ts'
import { SearchIndex } from './search-index.ts'
import type { Tally } from './tally.ts'
import { Tiles } from './tiles.ts'
import type { Verified } from './verify.ts'

/** What is open, as far as a batch changes it. */
export interface Current extends Verified {
  readonly database: Database
  readonly index: SearchIndex
}

export interface Next extends Pick<Current, 'standing' | 'tree' | 'log' | 'tiles' | 'index'> {
  readonly frontier: Frontier
}

/** What a batch puts on disk, and what is true once it is there. @param packs what it changes in packs */
export function changeOf(
  opened: Current,
  batch: Batch,
  packs: readonly Operation[],
): { readonly next: Next; readonly operations: Operation[] } {
  const { database, standing, tally } = opened
  const { epoch, first, records, tree, puts, exhibits = [] } = batch
  const retired = epoch > standing.epoch
  const size = retired ? 0 : standing.size
  assert(epoch >= standing.epoch && first === size, 'a batch continues the log, or begins the next')
  assert(tree.size === size + records.length, 'the tree of a batch is the one after it')
  const frontier = retired ? new Frontier() : opened.tiles.frontier.copy()
  const operations = [...packs]
  const put = (key: Uint8Array, value: Uint8Array) => operations.push({ type: 'put', key, value })
  for (const [i, { bytes, hash, exhibit }] of records.entries()) {
    put(recordKey(epoch, first + i), bytes)
    if (exhibit !== undefined) put(exhibitKey(epoch, first + i), exhibit)
    for (const full of frontier.add(hash)) put(tileKey(epoch, full.level, full.index), full.bytes)
  }
  for (const { index, bytes } of exhibits) {
    assert(index < first, 'what is kept changes beside records that are there')
    // Pruned meanwhile, and gone already; or in a pack.
    if (index < Math.max(opened.tiles.least, opened.log.packed)) continue
    const key = exhibitKey(epoch, index)
    if (bytes === null) operations.push({ type: 'del', key })
    else put(key, bytes)
  }
  const sealed = puts.map(sealedOf)
  // Nothing above may leave the tally half changed. A batch that fails poisons the handle, and the next open counts anew.
  for (const each of sealed) operations.push(operationOf(tally, each))
  const after = {
    commit: standing.commit + 1,
    epoch,
    size: tree.size,
    kept: tally.count,
    sum: tally.sum,
    rootHash: rootHash(tree),
  }
  put(META_KEY, formatMeta({ standing: after, tree }))
  const log = retired ? LogValues.begin(database, epoch) : opened.log
  const tiles = retired ? new Tiles(log, frontier) : opened.tiles
  const index = retired ? SearchIndex.begin(database, epoch) : opened.index
  return { next: { standing: after, tree, log, tiles, index, frontier }, operations }
}

interface Sealed extends Put {
  readonly bytes: Uint8Array
}

/** With its key as it is on disk, and its value under its check. */
function sealedOf({ space, key, value }: Put): Sealed {
  const bytes = putKey(space, key)
  return { space, key, bytes, value: value === null ? null : seal(bytes, value) }
}

/** Also marks it in the tally: all but copies, of which there are as many as others have records. */
function operationOf(tally: Tally, { space, key, bytes, value }: Sealed): Operation {
  const tallied = space !== 'copy'
  if (value === null) {
    if (tallied) tally.delete(space, key)
    return { type: 'del', key: bytes }
  }
  if (tallied) tally.set(space, key, value)
  return { type: 'put', key: bytes, value }
}
