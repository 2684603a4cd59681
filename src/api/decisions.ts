/** Decisions outside of AuthZEN: one real one without an execution, a hypothetical one, and those of the past. */
import { isSha256Id } from '../core/id.ts'
import { SEARCHES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Decisions, PastDecision } from '../daemon/decisions.ts'
import type { RecordStanding } from '../mesh/record-states.ts'
import { requestOf } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { Gate } from './gate.ts'
import { type Ask, json, parameter, REMOTE, type Route } from './router.ts'
import { itemView, recordView, type SeenFrom } from './view.ts'

export interface DecisionRoutePorts {
  readonly deciding: Deciding
  readonly decisions: Decisions
  /** How far each record is. */
  readonly records: { of(index: number): RecordStanding | null }
  seenFrom(): SeenFrom
}

export function decisionRoutes(ports: DecisionRoutePorts): readonly Route[] {
  const { deciding } = ports
  const searches = new Gate(SEARCHES_MAX)
  return [
    {
      method: 'POST',
      path: '/v1/decisions',
      roles: REMOTE,
      // Like an evaluation, for callers that speak for themselves: without a subject, and a deny is no HTTP error.
      handle: async (ask) => json(await deciding.decide(ask, requestOf(ask), false)),
    },
    {
      method: 'POST',
      path: '/v1/explain',
      roles: REMOTE,
      handle: async (ask) => json(await deciding.explain(ask, requestOf(ask))),
    },
    {
      method: 'GET',
      path: '/v1/decisions/{id}',
      roles: REMOTE,
      handle: async (ask) => {
        const found = await find(ports.decisions, ask, searches)
        const disclosed = await ports.decisions.disclosed(found)
        const view = recordView(found, ports.records, disclosed)
        return json(itemView('Record', view, ports.seenFrom()))
      },
    },
  ]
}

function find(decisions: Decisions, ask: Ask, searches: Gate): Promise<PastDecision> {
  const id = parameter(ask, 'id')
  if (id === 'last') return searches.through(() => decisions.last(ask.caller, ask.signal))
  if (!isSha256Id(id)) throw new MeshError('NOT_FOUND', `\`${id}\` is no id of a decision`)
  return decisions.find(id, ask.role === 'admin' ? null : ask.caller)
}
