/** What operators do to the daemon itself: read the configuration again, cut the node off. */
import { flag, object } from '../core/shape.ts'
import { bodyOf } from './bodies.ts'
import { ADMIN, json, type Route } from './router.ts'
import type { Services } from './services.ts'

const isolationBody = object({ isolated: flag })

export function operateRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/isolation',
      roles: ADMIN,
      handle: (ask) => {
        const { isolated } = bodyOf(ask, isolationBody)
        services.isolate(isolated)
        return json({ isolated: services.isolated() })
      },
    },
    {
      method: 'POST',
      path: '/v1/config/reload',
      roles: ADMIN,
      handle: async () => json(await services.reload()),
    },
  ]
}
