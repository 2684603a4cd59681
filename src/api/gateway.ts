/** Whatever asks in the shape of another product: HTTP gateways, hooks of agents, Kubernetes, OPA. */
import type { Deciding } from './deciding.ts'
import { hookRoutes } from './gateway-hook.ts'
import { httpGatewayRoutes } from './gateway-http.ts'
import { kubernetesRoutes } from './gateway-kubernetes.ts'
import { opaRoutes } from './gateway-opa.ts'
import type { Route } from './router.ts'

export function gatewayRoutes(deciding: Deciding): readonly Route[] {
  return [
    ...httpGatewayRoutes(deciding),
    ...hookRoutes(deciding),
    ...kubernetesRoutes(deciding),
    ...opaRoutes(deciding),
  ]
}
