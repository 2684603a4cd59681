/** Guards for express and fastify: a handler runs only if the mesh says yes to what was made of its request. */
import type { Deny, Question } from './decision.ts'
import type { Mesh } from './mesh.ts'

interface ExpressResponse {
  status(status: number): { json(body: object): unknown }
}

/** Middleware of express. */
export function expressGuard<Request>(mesh: Mesh, ask: (request: Request) => Question) {
  return async (request: Request, response: ExpressResponse, next: () => void): Promise<void> => {
    const denied = await denialOf(mesh, () => ask(request))
    if (denied === null) next()
    else response.status(denied.status).json(denied.body)
  }
}

interface FastifyReply {
  code(status: number): { send(body: object): unknown }
}

/** A `preHandler` of fastify. */
export function fastifyGuard<Request>(mesh: Mesh, ask: (request: Request) => Question) {
  return async (request: Request, reply: FastifyReply): Promise<unknown> => {
    const denied = await denialOf(mesh, () => ask(request))
    return denied === null ? undefined : reply.code(denied.status).send(denied.body)
  }
}

const BROKEN = ['UNREACHABLE', 'TIMEOUT', 'INVALID_ANSWER']

/** The code and the id alone: what is held and why is not for whoever sends requests. */
async function denialOf(mesh: Mesh, ask: () => Question) {
  let denial: Pick<Deny, 'code' | 'id'> = { code: 'REQUEST_MALFORMED', id: null }
  try {
    const decision = await mesh.decide(ask())
    if (decision.allow) return null
    denial = decision
  } catch {
    // No question could be made of it, so nothing was allowed.
  }
  const { code, id } = denial
  return { status: BROKEN.includes(code) ? 503 : 403, body: { code, id } }
}
