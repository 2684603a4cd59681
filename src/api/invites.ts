/** Invites: made here, redeemed here, once. The line is in the answer that made it and nowhere else. */
import type { InviteView } from '../client/types.ts'
import { LABELS_MAX } from '../core/limits.ts'
import * as shape from '../core/shape.ts'
import type { InviteState } from '../mesh/invites.ts'
import { bodyOf } from './bodies.ts'
import { ADMIN, json, parameter, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { listView } from './view.ts'

const LABEL_BYTES_MAX = 256

const inviteBody = shape.object({
  name: shape.nullable(shape.name),
  ttlMs: shape.integer(1, Number.MAX_SAFE_INTEGER),
  labels: shape.map(shape.text(LABEL_BYTES_MAX), LABELS_MAX),
})

export function inviteRoutes(services: Services): readonly Route[] {
  const { invites } = services.node
  return [
    {
      method: 'GET',
      path: '/v1/invites',
      roles: READ,
      handle: () => {
        const items = invites.list().map((state) => viewOf(state, null))
        return json(listView('InviteList', items, services.seenFrom()))
      },
    },
    {
      method: 'POST',
      path: '/v1/invites',
      roles: ADMIN,
      handle: async (ask) => {
        const { line, ...state } = await invites.create(bodyOf(ask, inviteBody))
        return json(viewOf(state, line), 201)
      },
    },
    {
      method: 'DELETE',
      path: '/v1/invites/{id}',
      roles: ADMIN,
      handle: async (ask) => {
        const id = parameter(ask, 'id')
        await invites.revoke(id)
        return json({ id })
      },
    },
  ]
}

function viewOf({ expiresMs, ...state }: InviteState, line: string | null): InviteView {
  return { ...state, expiresAt: shape.formatTime(Math.floor(expiresMs)), line }
}
