/** The log of a daemon, an entry bundle at a time, as any tool could fetch it. */
import { idOf, type RecordId } from '../core/id.ts'
import { type LogRecord, parseRecord } from '../core/record.ts'
import { parseBundle, placePath, TILE_WIDTH, type TilePlace, tilesOf } from '../core/tile.ts'
import type { Client } from './connect.ts'

export interface Listed {
  readonly index: number
  readonly id: RecordId
  /** The leaf. */
  readonly bytes: Uint8Array
  readonly record: LogRecord
}

export interface Page {
  readonly place: TilePlace
  readonly bytes: Uint8Array
  /** Of an entry bundle; [] of a tile. */
  readonly listed: readonly Listed[]
}

/** Tiles and entry bundles of the first `size` records. @param first records below it were pruned: their bundles are left out */
export async function* pagesOf(client: Client, first: number, size: number): AsyncGenerator<Page> {
  for (const place of tilesOf(size)) {
    if (place.level === null && place.n * TILE_WIDTH < first) continue
    const bytes = await client.bytes(`/v1/log/${placePath(place)}`)
    yield { place, bytes, listed: place.level === null ? listedIn(place, bytes) : [] }
  }
}

function listedIn({ n }: TilePlace, bundle: Uint8Array): readonly Listed[] {
  return parseBundle(bundle).map((bytes, i) => ({
    index: n * TILE_WIDTH + i,
    id: idOf(bytes),
    bytes,
    record: parseRecord(bytes),
  }))
}
