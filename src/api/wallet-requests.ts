/** Delegation requests between callers of this host: each sees what it asked for and what it is asked. */
import type { DelegationRequestView } from '../client/wallet-types.ts'
import { isSha256Id, type Sha256Id } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import { formatTime } from '../core/shape.ts'
import type { DelegationRequest, WalletRequests } from '../daemon/wallet-requests.ts'
import { bodyOf, grantBody, wantedBody } from './bodies.ts'
import { type Ask, DECIDE, json, parameter, type Route } from './router.ts'
import { listView, type SeenFrom } from './view.ts'

export interface WalletRequestRoutePorts {
  readonly requests: WalletRequests
  seenFrom(): SeenFrom
}

export function walletRequestRoutes(ports: WalletRequestRoutePorts): readonly Route[] {
  const { requests, seenFrom } = ports
  return [
    {
      method: 'POST',
      path: '/v1/wallet/requests',
      roles: DECIDE,
      handle: (ask) => {
        const { to, ...wanted } = bodyOf(ask, wantedBody)
        return json(viewOf(requests.ask(to, wanted, ask.caller)), 201)
      },
    },
    {
      method: 'GET',
      path: '/v1/wallet/requests',
      roles: DECIDE,
      handle: (ask) => {
        const items = requests.list(whose(ask)).map(viewOf)
        return json(listView('DelegationRequestList', items, seenFrom()))
      },
    },
    {
      method: 'POST',
      path: '/v1/wallet/requests/{id}/grant',
      roles: DECIDE,
      handle: async (ask) => {
        const { artifact: chosen, ttlMs } = bodyOf(ask, grantBody)
        return json(viewOf(await requests.grant(idOf(ask), { chosen, ttlMs }, ask.caller)))
      },
    },
    {
      method: 'POST',
      path: '/v1/wallet/requests/{id}/decline',
      roles: DECIDE,
      handle: (ask) => json(viewOf(requests.decline(idOf(ask), ask.caller))),
    },
    {
      method: 'DELETE',
      path: '/v1/wallet/requests/{id}',
      roles: DECIDE,
      handle: (ask) => {
        requests.withdraw(idOf(ask), ask.caller)
        return json({ id: idOf(ask) })
      },
    },
  ]
}

/** An administrator sees all; who has no key here has none. */
function whose({ role, caller }: Ask): string | null {
  return role === 'admin' ? null : (caller.name ?? '')
}

/** @throws MeshError NOT_FOUND */
function idOf(ask: Ask): Sha256Id {
  const id = parameter(ask, 'id')
  if (isSha256Id(id)) return id
  throw new MeshError('NOT_FOUND', `no request \`${id}\``, { hint: 'meshd artifact requests' })
}

function viewOf({ askedMs, untilMs, ...request }: DelegationRequest): DelegationRequestView {
  return { ...request, askedAt: formatTime(askedMs), until: formatTime(untilMs) }
}
