/** The log as C2SP tlog-tiles has it: a checkpoint, tiles, and entry bundles, for any tool that reads those. */
import { concat } from '../core/bytes.ts'
import { MeshError } from '../core/problems.ts'
import { formatBundle, parseTilePath, TILE_WIDTH, type TilePlace } from '../core/tile.ts'
import type { LogReader } from '../mesh/log-reader.ts'
import { parameter, READ, type Route } from './router.ts'
import type { Services } from './services.ts'

export function tileRoutes({ node }: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/log/tile/{place+}',
      roles: READ,
      handle: async (ask) => {
        const path = `tile/${parameter(ask, 'place')}`
        const place = parseTilePath(path)
        if (place === null) throw new MeshError('NOT_FOUND', `\`${path}\` is no path of a tile`)
        const body = await bytesOf(node.reader, place)
        return { status: 200, type: 'application/octet-stream', body }
      },
    },
  ]
}

/** @throws MeshError NOT_FOUND when the log is not that long */
async function bytesOf(reader: LogReader, { level, n, width }: TilePlace): Promise<Uint8Array> {
  if (level !== null) return concat(...(await reader.tile(level, n, width)))
  const records = await reader.range(n * TILE_WIDTH, width)
  if (records.length < width)
    throw new MeshError('NOT_FOUND', `the log does not have ${n * TILE_WIDTH + width} records`)
  return formatBundle(records.map(({ bytes }) => bytes))
}
