/**
 * Statements: one door for every type. What is posted is a finished envelope;
 * the daemon signs nothing here. Spread and drift tell how far they came.
 */
import type { DriftView, SpreadView, StatementState, StatementView } from '../client/types.ts'
import { textOf } from '../core/bytes.ts'
import { formatEnvelope } from '../core/dsse.ts'
import { isSha256Id, type StatementId } from '../core/id.ts'
import { type JsonObject, parseCanonical } from '../core/json.ts'
import {
  LISTED_BYTES_MAX,
  LISTINGS_MAX,
  SPREAD_WAIT_MS_MAX,
  SPREADS_MAX,
  STATEMENT_BYTES_MAX,
} from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { formatTime } from '../core/shape.ts'
import type { Known } from '../mesh/learned.ts'
import type { SpreadOf, WaitFor } from '../mesh/spread-view.ts'
import { Turn } from '../mesh/turn.ts'
import { Gate } from './gate.ts'
import { ADMIN, type Ask, integerQuery, json, parameter, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView, listView } from './view.ts'

const TYPES = ['root', 'member', 'policy', 'revocation', 'freeze', 'epoch', 'evidence'] as const
const STATES = ['effective', 'pending', 'disarmed', 'conflict'] as const
const WAITS = ['none', 'committed', 'all'] as const

export function statementRoutes(services: Services): readonly Route[] {
  const { node } = services
  const [listings, spreads] = [new Gate(LISTINGS_MAX), new Gate(SPREADS_MAX)]
  return [
    {
      method: 'GET',
      path: '/v1/statements',
      roles: READ,
      handle: async (ask) => {
        const [type, state] = [oneOf(ask, 'type', TYPES), oneOf(ask, 'state', STATES)]
        const wanted = (known: Known) =>
          (type === null || known.statement.type === type) &&
          (state === null || known.state === state)
        const items = await listings.through(() => statementViews(services, wanted, ask.signal))
        return json(listView('StatementList', items, services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/statements/{id}',
      roles: READ,
      handle: (ask) => {
        const view = statementView(services, known(services, parameter(ask, 'id')))
        return json(itemView('Statement', view, services.seenFrom()))
      },
    },
    {
      method: 'POST',
      path: '/v1/statements',
      roles: ADMIN,
      handle: async (ask) => {
        const taken = await node.statements.submit(ask.body)
        return json(itemView('Statement', statementView(services, taken), services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/spread',
      roles: READ,
      handle: async (ask) => {
        const { id } = known(services, ask.query.get('id') ?? '')
        const wait: WaitFor = oneOf(ask, 'wait', WAITS) ?? 'none'
        const ms = integerQuery(ask, 'ms', SPREAD_WAIT_MS_MAX, SPREAD_WAIT_MS_MAX)
        const spread = () => node.spreadView.view(id, wait, ms, ask.signal)
        return json(spreadView(services, await spreads.through(spread)))
      },
    },
    {
      method: 'GET',
      path: '/v1/drift',
      roles: READ,
      handle: async (ask) => {
        const items = await spreads.through(() => driftViews(services, ask.signal))
        return json(listView('DriftList', items, services.seenFrom()))
      },
    },
  ]
}

/** null when the query does not say. @throws MeshError USAGE */
function oneOf<const T extends string>(ask: Ask, name: string, values: readonly T[]): T | null {
  const text = ask.query.get(name)
  if (text === null) return null
  const found = values.find((value) => value === text)
  if (found === undefined)
    throw new MeshError('USAGE', `\`${name}\` is one of ${values.join(', ')}`)
  return found
}

/** @throws MeshError NOT_FOUND */
function known({ node }: Services, id: string): Known {
  const found = isSha256Id(id) ? node.statements.get(id as StatementId) : null
  if (found === null)
    throw new MeshError('NOT_FOUND', `no statement has the id \`${id}\``, {
      hint: 'meshd sign, or meshd audit list --type statement',
    })
  return found
}

/** In turns: there may be very many, and decisions wait for none of them. @throws MeshError TOO_LARGE */
async function statementViews(
  services: Services,
  wanted: (known: Known) => boolean,
  signal: AbortSignal,
): Promise<readonly StatementView[]> {
  const turn = new Turn(services.clock)
  const views: StatementView[] = []
  let bytes = 0
  for (const each of services.node.statements.all()) {
    if (signal.aborted) break
    if (turn.over) await turn.next()
    if (!wanted(each)) continue
    const view = statementView(services, each)
    bytes += view.envelope.length
    if (bytes > LISTED_BYTES_MAX)
      throw new MeshError('TOO_LARGE', 'there are more statements than fit into one answer', {
        hint: 'narrow it by type and state',
      })
    views.push(view)
  }
  return views
}

function statementView({ node }: Services, known: Known): StatementView {
  const { id, envelope, statement, state } = known
  const needs = node.statements.needs(id)
  return {
    id,
    type: statement.type,
    state: state satisfies StatementState,
    payload: parseCanonical(envelope.payload, STATEMENT_BYTES_MAX) as JsonObject,
    signatures: envelope.signatures.map(({ key }) => ({ key, counts: true })),
    needs,
    envelope: textOf(formatEnvelope(envelope)),
  }
}

async function driftViews(services: Services, signal: AbortSignal): Promise<DriftView[]> {
  const drifting = await services.node.drift.view(signal)
  const timeOf = (ms: number | null) => (ms === null ? null : formatTime(Math.floor(ms)))
  return drifting
    .filter(({ cause }) => cause !== 'none')
    .map(({ node: did, missing, missingCount, sinceMs, deniesFromMs, cause }) => ({
      did,
      name: services.nameOf(did),
      missing,
      missingCount,
      since: timeOf(sinceMs),
      deniesFrom: timeOf(deniesFromMs),
      cause,
    }))
}

function spreadView(services: Services, spread: SpreadOf): SpreadView {
  const { node } = services
  const { id, holders, write, witnessesHolding, stalenessMs, skewMs } = spread
  const timeOf = (ms: number | null) => (ms === null ? null : formatTime(Math.floor(ms)))
  const rounded = (ms: number | null) => (ms === null ? null : Math.round(ms))
  return {
    id,
    state: node.statements.get(id)?.state ?? 'pending',
    acceptedAt: timeOf(spread.acceptedAtMs),
    nodes: holders.map(({ node: did, role, applied, appliedMs, unreachable }) => ({
      did,
      name: services.nameOf(did),
      role,
      applied,
      appliedMs: rounded(appliedMs),
      unreachable,
    })),
    write,
    witnessesHolding,
    committedMs: rounded(spread.committedMs),
    committedAt: timeOf(spread.committedAtMs),
    boundAt: timeOf(spread.boundAtMs),
    stalenessMs,
    skewMs,
  }
}
