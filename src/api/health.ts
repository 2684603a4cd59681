/** Is it alive, is it ready, and if not, why: for supervisors and load balancers. */
import { ANY, json, type Route } from './router.ts'
import type { Services } from './services.ts'

export function healthRoutes({ node }: Pick<Services, 'node'>): readonly Route[] {
  return [
    { method: 'GET', path: '/livez', roles: ANY, handle: () => json({ live: true }) },
    {
      method: 'GET',
      path: '/readyz',
      roles: ANY,
      handle: ({ query }) => {
        const reasons = node.notReady()
        const ready = reasons.length === 0
        const why = query.has('verbose') ? { reasons } : {}
        return json({ ready, ...why }, ready ? 200 : 503)
      },
    },
  ]
}
