/** GET /v1/events: what happens on this node, as it happens, and what was missed of it from the log. */
import { type EventPlace, parseEventPlace } from '../core/event-place.ts'
import { isSha256Id } from '../core/id.ts'
import { Malformed } from '../core/malformed.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import { RECORD_TYPES } from '../core/record.ts'
import { ownerOf } from '../daemon/caller.ts'
import type { Decisions } from '../daemon/decisions.ts'
import type { Clock } from '../mesh/ports.ts'
import { matches, queryOf } from '../mesh/record-search.ts'
import type { Told } from './event-hub.ts'
import type { EventSources } from './event-sources.ts'
import { EventStream, type Wants } from './event-stream.ts'
import { filtersOf } from './record-filter.ts'
import { ANY, type Ask, type Reply, type Route } from './router.ts'

const LIVE = ['execution', 'peer', 'lease', 'checkpoint', 'problem'] as const
const TYPES: readonly string[] = [...RECORD_TYPES, ...LIVE]
/** What a caller may see of itself; everything else is for who may read all. */
const OWN: readonly string[] = ['decision', 'outcome', 'execution']

export interface EventRoutePorts {
  readonly sources: EventSources
  readonly clock: Clock
  readonly decisions: Pick<Decisions, 'owned' | 'has'>
}

export function eventRoutes(ports: EventRoutePorts): readonly Route[] {
  const handle = (ask: Ask): Reply => {
    const { sources, clock, decisions } = ports
    const after = afterOf(ask)
    const wants = wantsOf(ask, decisions)
    const owner = ownerOf(ask.caller)
    sources.hub.checkRoom(owner)
    const stream = new EventStream({ ...sources, clock }, wants, owner, after)
    const type = 'text/event-stream'
    return { status: 200, type, body: '', follow: (out) => stream.follow(out) }
  }
  return [{ method: 'GET', path: '/v1/events', roles: ANY, handle }]
}

/** What a client that comes back has; it sends the same address again, so the header counts. @throws MeshError USAGE */
function afterOf(ask: Ask): EventPlace | null {
  const text = ask.header('last-event-id') ?? ask.query.get('after')
  if (text === null) return null
  try {
    return parseEventPlace(text)
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause
    throw new MeshError('USAGE', cause.message, { cause })
  }
}

/** @throws MeshError USAGE, SOCKET_FORBIDDEN */
function wantsOf(ask: Ask, decisions: EventRoutePorts['decisions']): Wants {
  const own = ask.role === 'decide'
  if (own && !ask.caller.identified)
    throw new MeshError('SOCKET_FORBIDDEN', 'a caller that nothing identifies has no events')
  const served = own ? OWN : TYPES
  const asked = ask.query.get('types')?.split(',') ?? served
  const unknown = asked.find((type) => !served.includes(type))
  if (unknown !== undefined)
    throw new MeshError('USAGE', `\`types\` is a list of ${served.join(', ')} on this socket`, {
      hint: 'docs/api.md#events',
    })
  const query = queryOf(filtersOf(ask.query))
  return {
    types: new Set(asked),
    matches: ({ found }) => matches(query, found),
    own: own
      ? {
          record: async (told, caller) => isOwn(decisions, told, await caller()),
          live: async ({ owner }, caller) => owner === ownNow(await caller()),
        }
      : null,
  }
}

/** Whose executions a caller may see; those of nobody for one that is nobody. */
function ownNow(caller: Caller): string {
  return caller.identified ? ownerOf(caller) : ''
}

/** A decision that the caller asked for, and how what it was allowed ended. */
async function isOwn(
  decisions: EventRoutePorts['decisions'],
  told: Told,
  caller: Caller,
): Promise<boolean> {
  if (told.type === 'decision') return decisions.owned(told.bytes, caller)
  const execution = String(told.found.leaf['execution'])
  return isSha256Id(execution) && (await decisions.has(execution, caller))
}
