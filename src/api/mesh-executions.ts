/** What runs in the whole mesh: here, and on every node that shows it; who showed nothing is named. */
import type { MeshExecutionListView, MeshRunningView } from '../client/execution-types.ts'
import { formatEntity } from '../core/command.ts'
import type { JsonObject } from '../core/json.ts'
import { type Did, isDid } from '../core/keys.ts'
import { SEARCHES_MAX } from '../core/limits.ts'
import { isMap } from '../core/selector.ts'
import type { ProvenExecution } from '../mesh/mesh-search.ts'
import { runningView } from './executions.ts'
import { Gate } from './gate.ts'
import { json, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { listView } from './view.ts'

export function meshExecutionRoutes(services: Services): readonly Route[] {
  const searches = new Gate(SEARCHES_MAX)
  return [
    {
      method: 'GET',
      path: '/v1/mesh/executions',
      roles: READ,
      handle: async ({ signal }) =>
        json(await searches.through(() => meshExecutions(services, signal))),
    },
  ]
}

async function meshExecutions(
  services: Services,
  signal: AbortSignal,
): Promise<MeshExecutionListView> {
  const { node, clock } = services
  const others = await node.meshSearch.running(signal)
  const names = {
    nameOf: (did: Did) => services.nameOf(did),
    monotonicMs: () => clock.monotonicMs(),
  }
  const nameOf = (did: Did) => ({ did, name: services.nameOf(did) })
  const self = nameOf(node.self)
  const own = node.executions.list().map((each) => ({ ...runningView(each, names), node: self }))
  const items: MeshRunningView[] = [
    ...own,
    ...others.flatMap(({ records }) => records).map((each) => provenView(each, nameOf)),
  ]
  const nodes = [
    { ...self, why: null, count: own.length, more: false },
    ...others.map(({ node: did, why, records, more }) => ({
      ...{ ...nameOf(did), why, count: records.length, more },
    })),
  ]
  return { ...listView('MeshExecutionList', items, services.seenFrom()), nodes }
}

/** Who does what is what its log proves; the rest is its word. */
function provenView(
  { id, leaf, live, node }: ProvenExecution,
  nameOf: (did: Did) => { did: Did; name: string | null },
): MeshRunningView {
  const { state, ageMs, leaseMs, process } = live
  const principal = typeof leaf['principal'] === 'string' ? leaf['principal'] : null
  return {
    ...{ id, state, principal, ageMs, leaseRemainingMs: leaseMs, process },
    principalName: principal !== null && isDid(principal) ? nameOf(principal).name : null,
    ...askedIn(leaf),
    node: nameOf(node),
  }
}

/** Its operator may have kept values back: then they are not shown here either. */
function askedIn({ request = null }: JsonObject): {
  readonly action: string
  readonly resource: string
} {
  const { action = null, resource = null } = isMap(request) ? request : {}
  const { type, id } = isMap(resource) ? resource : {}
  const whole = typeof type === 'string' && typeof id === 'string'
  return {
    action: typeof action === 'string' ? action : WITHHELD,
    resource: whole ? formatEntity({ type, id }) : WITHHELD,
  }
}

const WITHHELD = 'redacted'
