/** Records of this node's log, newest first; the log's published head; and the whole of it, checked. */
import type { LogVerifyView } from '../client/types.ts'
import { textOf } from '../core/bytes.ts'
import { isSha256Id } from '../core/id.ts'
import { isDid } from '../core/keys.ts'
import { RECORDS_LISTED_MAX, RECORDS_READ_MAX, SEARCHES_MAX, TAIL_MS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { isReasonCode } from '../core/reasons.ts'
import {
  type Found,
  newestRecords,
  type RecordFilter,
  readFound,
  recordsFrom,
} from '../daemon/records.ts'
import { Gate } from './gate.ts'
import { type Ask, integerQuery, json, parameter, READ, type Reply, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView, listView, recordView } from './view.ts'

const LISTED = 50
const TYPES = ['decision', 'outcome', 'statement', 'artifact', 'system', 'epoch'] as const

export function recordRoutes(services: Services): readonly Route[] {
  const { node } = services
  const searches = new Gate(SEARCHES_MAX)
  const verify = shared(() => verified(services))
  const viewed = (found: Found) => recordView(found, node.publisher.size)
  return [
    {
      method: 'GET',
      path: '/v1/records',
      roles: READ,
      handle: async (ask) => {
        const limit = integerQuery(ask, 'limit', LISTED, RECORDS_LISTED_MAX)
        const [filter, { signal }] = [filterOf(ask), ask]
        const found = await searches.through(() =>
          newestRecords(node.reader, filter, limit, signal),
        )
        return json(listView('RecordList', found.map(viewed), services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/records/tail',
      roles: READ,
      handle: async (ask) => {
        const after = integerQuery(ask, 'after', node.log.tree.size, Number.MAX_SAFE_INTEGER)
        await node.grown(after, integerQuery(ask, 'ms', TAIL_MS_MAX, TAIL_MS_MAX), ask.signal)
        const found = await recordsFrom(node.reader, after, RECORDS_READ_MAX)
        return json(listView('RecordList', found.map(viewed), services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/records/{id}',
      roles: READ,
      handle: async (ask) => {
        const found = await recordById(services, parameter(ask, 'id'))
        return json(itemView('Record', viewed(found), services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/log/verify',
      roles: READ,
      handle: async () => json(itemView('LogVerify', await verify(), services.seenFrom())),
    },
    { method: 'GET', path: '/v1/log/checkpoint', roles: READ, handle: () => checkpoint(services) },
  ]
}

/** @throws MeshError NOT_FOUND */
async function recordById({ node }: Services, id: string): Promise<Found> {
  const found = isSha256Id(id) ? await node.reader.find(id) : null
  if (found === null) throw new MeshError('NOT_FOUND', `no record has the id \`${id}\``)
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

async function verified({ node }: Services): Promise<LogVerifyView> {
  return { ...(await node.reader.verifyLog()), origin: node.origin() ?? '' }
}

/** The signed note, as any C2SP tool reads it. @throws MeshError NOT_FOUND */
function checkpoint({ node }: Services): Reply {
  const note = node.publisher.checkpoint
  if (note === null)
    throw new MeshError('NOT_FOUND', 'this node has not published a checkpoint yet')
  return { status: 200, type: 'text/plain; charset=utf-8', body: textOf(note) }
}

/** @throws MeshError USAGE for what is no filter of this version */
function filterOf({ query }: Ask): RecordFilter {
  const type = query.get('type')
  const found = TYPES.find((each) => each === type) ?? null
  if (type !== null && found === null)
    throw new MeshError('USAGE', `\`type\` is one of ${TYPES.join(', ')}`)
  const principal = query.get('principal')
  if (principal !== null && !isDid(principal))
    throw new MeshError('USAGE', '`principal` is a did:key')
  const code = query.get('code')
  if (code !== null && code !== 'ALLOW' && !isReasonCode(code))
    throw new MeshError('USAGE', '`code` is ALLOW or a reason code', { hint: 'docs/reasons.md' })
  const [sinceMs, untilMs] = [timeOf(query, 'since'), timeOf(query, 'until')]
  return {
    type: found,
    principal,
    action: query.get('action'),
    code,
    sinceMs,
    untilMs,
  }
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function timeOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  if (text === null) return null
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new MeshError('USAGE', `\`${name}\` is a time of RFC 3339`)
  return ms
}
