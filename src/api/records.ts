/** Records of this node's log, newest first; the log's published head; and the whole of it, checked. */
import type { RecordListView } from '../client/search-types.ts'
import type { LogVerifyView } from '../client/verify-types.ts'
import { textOf } from '../core/bytes.ts'
import { isSha256Id } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  LOG_RECORDS_MAX,
  RECORDS_LISTED_MAX,
  RECORDS_READ_MAX,
  SEARCHES_MAX,
  TAIL_MS_MAX,
} from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { disclosedOf } from '../mesh/disclosures.ts'
import { type Found, readFound, recordsFrom, searchRecords } from '../mesh/record-search.ts'
import { Gate } from './gate.ts'
import { filterOf, statsByOf } from './record-filter.ts'
import { countRecords } from './record-stats.ts'
import { flagQuery, integerQuery, json, parameter, READ, type Reply, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView, listView, recordView } from './view.ts'

const LISTED = 50
const INDEX_MAX = LOG_RECORDS_MAX

type Others = NonNullable<LogVerifyView['others']>

export function recordRoutes(services: Services): readonly Route[] {
  const { node } = services
  const searches = new Gate(SEARCHES_MAX)
  const verify = shared(() => verified(services))
  const viewed = async (found: Found) =>
    recordView(found, node.records, await disclosedOf(node.reader, found.leaf))
  const allViewed = (found: readonly Found[]) => Promise.all(found.map(viewed))
  return [
    {
      method: 'GET',
      path: '/v1/records',
      roles: READ,
      handle: async (ask) => {
        const limit = integerQuery(ask, 'limit', LISTED, RECORDS_LISTED_MAX)
        const before = ask.query.has('before') ? integerQuery(ask, 'before', 0, INDEX_MAX) : null
        const asked = { filter: filterOf(ask), before, limit, signal: ask.signal }
        const { found, ...page } = await searches.through(() => searchRecords(node.reader, asked))
        const view = listView('RecordList', await allViewed(found), services.seenFrom())
        const pruned = node.reader.least
        return json({ ...view, ...page, pruned } satisfies RecordListView)
      },
    },
    {
      method: 'GET',
      path: '/v1/records/tail',
      roles: READ,
      handle: async (ask) => {
        const after = integerQuery(ask, 'after', node.log.tree.size, INDEX_MAX)
        const filter = filterOf(ask)
        await node.grown(after, integerQuery(ask, 'ms', TAIL_MS_MAX, TAIL_MS_MAX), ask.signal)
        const { found, next } = await recordsFrom(node.reader, filter, after, RECORDS_READ_MAX)
        const view = listView('RecordList', await allViewed(found), services.seenFrom())
        const pruned = node.reader.least
        return json({ ...view, next, stopped: false, pruned } satisfies RecordListView)
      },
    },
    {
      method: 'GET',
      path: '/v1/records/stats',
      roles: READ,
      handle: async (ask) => {
        const [by, filter] = [statsByOf(ask), filterOf(ask)]
        const stats = await searches.through(() =>
          countRecords(node.reader, by, filter, ask.signal),
        )
        return json(itemView('RecordStats', stats, services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/records/{id}',
      roles: READ,
      handle: async (ask) => {
        const found = await recordById(services, parameter(ask, 'id'))
        return json(itemView('Record', await viewed(found), services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/log/verify',
      roles: READ,
      handle: async (ask) => {
        // Others first: what they show may be a problem of this log.
        const others = flagQuery(ask, 'peers')
          ? await searches.through(() => heldByOthers(services, ask.signal))
          : null
        const item = { ...(await verify()), ...(others === null ? {} : { others }) }
        return json(itemView('LogVerify', item, services.seenFrom()))
      },
    },
    { method: 'GET', path: '/v1/log/checkpoint', roles: READ, handle: () => checkpoint(services) },
  ]
}

/** @throws MeshError NOT_FOUND */
async function recordById({ node }: Services, id: string): Promise<Found> {
  const found = isSha256Id(id) ? await node.reader.find(id) : null
  if (found === null)
    throw new MeshError('NOT_FOUND', `no record has the id \`${id}\``, {
      hint: 'meshd audit list -o id',
    })
  return readFound(found)
}

/** Whoever asks while it runs gets its answer: all of a log is read once at a time. */
function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return () => {
    running ??= look().finally(() => {
      running = null
    })
    return running
  }
}

async function verified(services: Services): Promise<LogVerifyView> {
  const { node } = services
  const found = await node.reader.verifyLog()
  const problems = [...found.problems, ...rolledBack(services, found.size)]
  return { ...found, problems, origin: node.origin() ?? '' }
}

/** All of a log may be what was written, and others may know of more: every answer of a peer says so. */
function rolledBack({ node }: Services, size: number): readonly string[] {
  const { rollback } = node.boot
  if (rollback === null) return []
  return [
    `rollback: others hold a checkpoint of this log at size ${rollback.size} (epoch ${rollback.epoch}), which the ${size} records here do not continue`,
  ]
}

/** What every other member holds of this log, now. */
async function heldByOthers(services: Services, signal: AbortSignal): Promise<Others> {
  const { node } = services
  const { peers, answered, need } = await node.ownHeads.ask(signal)
  const named = (did: Did) => ({ did, name: services.nameOf(did) })
  return {
    peers: peers.map(({ peer, why, heads }) => ({
      ...named(peer),
      why,
      heads: heads.map(({ epoch, size, standing, cosignatures }) => ({
        ...{ epoch, size, standing },
        cosigned: cosignatures.map(({ witness, timeMs }) => ({
          ...named(witness),
          time: new Date(timeMs).toISOString(),
        })),
      })),
    })),
    ...{ answered, need },
    distrusted: [...node.statements.governance.distrusted.keys()].map(named),
  }
}

/** The signed note, as any C2SP tool reads it. @throws MeshError NOT_FOUND */
function checkpoint({ node }: Services): Reply {
  const note = node.publisher.checkpoint
  if (note === null)
    throw new MeshError('NOT_FOUND', 'this node has not published a checkpoint yet')
  return { status: 200, type: 'text/plain; charset=utf-8', body: textOf(note) }
}
