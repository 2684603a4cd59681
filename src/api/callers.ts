/** Local callers and the keys that the daemon keeps for them. */
import type { CallerView } from '../client/types.ts'
import type { Callers } from '../daemon/callers.ts'
import { bodyOf, callerBody } from './bodies.ts'
import { ADMIN, json, READ, type Route } from './router.ts'
import { listView, type SeenFrom } from './view.ts'

export interface CallerRoutePorts {
  readonly callers: Callers
  seenFrom(): SeenFrom
}

export function callerRoutes({ callers, seenFrom }: CallerRoutePorts): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/callers',
      roles: READ,
      handle: () =>
        json(listView<'CallerList', CallerView>('CallerList', callers.list(), seenFrom())),
    },
    {
      method: 'POST',
      path: '/v1/callers',
      roles: ADMIN,
      handle: async (ask) => {
        const { name, caller } = bodyOf(ask, callerBody)
        return json(await callers.create(name, caller), 201)
      },
    },
  ]
}
