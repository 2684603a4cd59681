/** The log as C2SP tlog-tiles has it: a checkpoint, tiles, and entry bundles, for any tool that reads those. */
import { concat, toBase64 } from '../core/bytes.ts'
import { LOG_RECORDS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { formatBundle, parseTilePath, TILE_WIDTH, type TilePlace } from '../core/tile.ts'
import type { LogReader } from '../mesh/log-reader.ts'
import { integerQuery, json, parameter, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { listView } from './view.ts'

export function tileRoutes(services: Services): readonly Route[] {
  const { node } = services
  return [
    {
      method: 'GET',
      path: '/v1/log/exhibits',
      roles: READ,
      handle: async (ask) => {
        const first = integerQuery(ask, 'first', 0, LOG_RECORDS_MAX)
        const found = await node.reader.exhibits(first, TILE_WIDTH)
        const items = found.map((bytes) => (bytes === null ? null : toBase64(bytes)))
        return json(listView('ExhibitList', items, services.seenFrom()))
      },
    },
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
