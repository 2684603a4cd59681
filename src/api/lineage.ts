/** What an execution descends from, and what descends from it: hops proven here, whatever node has them. */
import type { HopDecisionView, HopView, LineageView } from '../client/lineage-types.ts'
import { openValue } from '../core/commitment.ts'
import { isSha256Id, type Sha256Id } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { LINEAGE_VIEW_MS_MAX, LINEAGES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { LogRecord } from '../core/record.ts'
import { formatTime } from '../core/shape.ts'
import type { Revocation } from '../core/statement/revocation.ts'
import {
  type Graph,
  type Hop,
  lineageAbove,
  lineageBelow,
  type ProvenHop,
} from '../mesh/lineage-graph.ts'
import { Gate } from './gate.ts'
import { type Ask, integerQuery, json, parameter, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView } from './view.ts'

const DIRECTIONS = { up: lineageAbove, down: lineageBelow } as const

export function lineageRoutes(services: Services): readonly Route[] {
  const looks = new Gate(LINEAGES_MAX)
  return [
    {
      method: 'GET',
      path: '/v1/lineage/{id}',
      roles: READ,
      handle: async (ask) => {
        const view = await looks.through(() => lineage(services, ask))
        return json(itemView('Lineage', view, services.seenFrom()))
      },
    },
  ]
}

/** @throws MeshError USAGE for what is no id */
async function lineage(services: Services, ask: Ask): Promise<LineageView> {
  const { node, clock } = services
  const id = parameter(ask, 'id')
  if (!isSha256Id(id)) throw new MeshError('USAGE', `\`${id}\` is no id of an execution`)
  const direction = ask.query.get('direction') ?? 'up'
  if (direction !== 'up' && direction !== 'down')
    throw new MeshError('USAGE', '`direction` is up or down')
  const untilMs = clock.monotonicMs() + integerQuery(ask, 'ms', WAIT_MS, LINEAGE_VIEW_MS_MAX)
  const graph = await DIRECTIONS[direction](id, untilMs, {
    self: node.self,
    lineage: node.lineage,
    governance: () => node.statements.governance,
  })
  const { root } = node.statements.governance
  return {
    id,
    direction,
    hops: graph.hops.map((hop) => hopView(services, hop)),
    silent: graph.silent,
    more: graph.more,
    need: root?.lease.write ?? 0,
    of: root?.witnesses.length ?? 0,
    names: namesIn(services, graph),
  }
}

function namesIn({ nameOf }: Services, { hops, silent }: Graph): LineageView['names'] {
  const nodes = hops.flatMap(({ node }) => node ?? [])
  const principals = hops.flatMap(({ proven }) => proven?.record.principals ?? [])
  const dids = new Set<Did>([...silent, ...nodes, ...principals])
  return Object.fromEntries(
    [...dids].flatMap((did) => {
      const name = nameOf(did)
      return name === null ? [] : [[did, name]]
    }),
  )
}

const WAIT_MS = 4_000

function hopView(services: Services, { id, proven, why, node, cause }: Hop): HopView {
  return {
    id,
    verified: proven !== null,
    why,
    node,
    cause,
    decision: proven === null ? null : decisionView(services, id, proven),
  }
}

function decisionView(services: Services, id: Sha256Id, hop: ProvenHop): HopDecisionView {
  const { record, outcome, cosigned } = hop
  const { governance } = services.node.statements
  const { request, principal } = record
  return {
    time: formatTime(record.time),
    effect: record.effect,
    code: record.code,
    principal,
    action: request?.action ?? null,
    resource: resourceOf(record),
    traceparent: request?.traceparent ?? null,
    cosigned: cosigned.length,
    outcome:
      outcome === null
        ? null
        : {
            outcome: outcome.outcome,
            status: outcome.status,
            code: outcome.stop?.code ?? null,
          },
    revoked: inForce(services, governance.revocations.execution(id)),
    authority: authorityOf(services, record),
  }
}

/** null where there is none, and where the record only commits to it: a receipt discloses nothing. */
function resourceOf({ request }: LogRecord<'decision'>): string | null {
  const resource = request === null ? null : openValue(request.resource)
  return resource === null ? null : `${resource.type}:${resource.id}`
}

/** The keys of a chain stand in its order: who signed the first link, then whom each link names. */
function authorityOf(
  services: Services,
  { links, principals, governance }: LogRecord<'decision'>,
): HopDecisionView['authority'] {
  const { revocations, root } = services.node.statements.governance
  const [issuer] = links.length === 0 ? [] : principals
  return {
    mesh: root?.mesh ?? null,
    root: governance.root,
    issuer: issuer ?? null,
    links: links.flatMap((artifact, i) => {
      const audience = principals[i + 1]
      if (audience === undefined) return []
      return [{ artifact, audience, revoked: inForce(services, revocations.link(artifact)) }]
    }),
  }
}

function inForce({ clock }: Services, revocation: Revocation | null): string | null {
  return revocation !== null && clock.wallMs() < revocation.untilMs ? revocation.id : null
}
