/**
 * AuthZEN Authorization API 1.0: evaluation, evaluations, and its discovery
 * document (INTERFACE 6).
 *
 *     {"subject":{…},"action":{"name":"tool:read"},"resource":{…}}  →  200 {"decision":false,"context":{…}}
 *
 * A deny is 200. A body that is no evaluation is 400, and is denied and
 * recorded as REQUEST_MALFORMED all the same. Whatever goes wrong inside is
 * `decision: false`, INTERNAL.
 */
import type { DecisionView } from '../client/types.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { EVALUATIONS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type Request, readEvaluation } from '../core/request.ts'
import { isList, isMap } from '../core/selector.ts'
import { headersOf, readJson, requestOf } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { malformedReply } from './problem.ts'
import { ANY, type Ask, json, REMOTE, type Reply, type Route } from './router.ts'

/** Told to whoever asks: it says where to ask, and nothing else. */
export const DISCOVERY = '/.well-known/authzen-configuration'

const SEMANTICS = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const
type Semantic = (typeof SEMANTICS)[number]

/** @param publicUrl under which somebody serves this over https; null: it is not, and is not advertised */
export function authzenRoutes(deciding: Deciding, publicUrl: string | null): readonly Route[] {
  const evaluate = (ask: Ask) => evaluation(deciding, ask)
  const routes: readonly Route[] = [
    { method: 'POST', path: '/access/v1/evaluation', roles: REMOTE, handle: evaluate },
    {
      method: 'POST',
      path: '/access/v1/evaluations',
      roles: REMOTE,
      handle: (ask) => evaluations(deciding, ask),
    },
  ]
  return publicUrl === null ? routes : [...routes, wellKnown(publicUrl)]
}

function wellKnown(publicUrl: string): Route {
  const url = publicUrl.replace(/(?<!\/)\/+$/, '')
  const document = {
    policy_decision_point: url,
    access_evaluation_endpoint: `${url}/access/v1/evaluation`,
    access_evaluations_endpoint: `${url}/access/v1/evaluations`,
    search_subject_endpoint: `${url}/access/v1/search/subject`,
    search_resource_endpoint: `${url}/access/v1/search/resource`,
    search_action_endpoint: `${url}/access/v1/search/action`,
  }
  return { method: 'GET', path: DISCOVERY, roles: [...ANY, 'tcp'], handle: () => json(document) }
}

async function evaluation(deciding: Deciding, ask: Ask): Promise<Reply> {
  return one(deciding, ask, requestOf(ask, readEvaluation))
}

async function one(deciding: Deciding, ask: Ask, request: Request | Malformed): Promise<Reply> {
  const view = await deciding.decide(ask, request, false)
  return request instanceof Malformed ? malformedReply(request) : json(answerOf(view))
}

async function evaluations(deciding: Deciding, ask: Ask): Promise<Reply> {
  const batch = readJson(ask, readBatch)
  if (batch instanceof Malformed) return one(deciding, ask, batch)
  const { items, semantic } = batch
  // Absent or empty, it behaves as a single evaluation of the defaults.
  if (items.length === 0) return evaluation(deciding, ask)
  const requests = items.map((item) => readItem(item, ask))
  return json({ evaluations: await decideAll(deciding, ask, requests, semantic) })
}

export interface Batch {
  readonly items: readonly Json[]
  readonly semantic: Semantic
}

/** @throws Malformed */
export function readBatch(body: Json): Batch {
  if (!isMap(body)) throw new Malformed('the request is an object')
  const { evaluations: items = [], options = {} } = body
  if (!isList(items)) throw new Malformed('`evaluations` is a list')
  if (items.length > EVALUATIONS_MAX) {
    throw new Malformed(`there are more than ${EVALUATIONS_MAX} evaluations`)
  }
  if (!isMap(options)) throw new Malformed('`options` is an object')
  const { evaluations_semantic: wanted = 'execute_all' } = options
  const semantic = SEMANTICS.find((each) => each === wanted)
  if (semantic === undefined) throw new Malformed(`the semantic is one of ${SEMANTICS.join(', ')}`)
  return { items: items.map((item) => inherit(item, body)), semantic }
}

/** Whole members are inherited, never field by field. */
function inherit(item: Json, { subject, action, resource, context }: JsonObject): Json {
  if (!isMap(item)) return item
  const defaults = Object.entries({ subject, action, resource, context })
  const kept = defaults.filter(([key, value]) => value !== undefined && !Object.hasOwn(item, key))
  return Object.assign(Object.create(null), item, Object.fromEntries(kept)) as JsonObject
}

function readItem(item: Json, ask: Ask): Request | Malformed {
  try {
    return readEvaluation(item, headersOf(ask))
  } catch (error) {
    // Untrusted bytes: a bad item is its own deny, not a failed batch.
    if (error instanceof Malformed) return error
    throw error
  }
}

async function decideAll(
  deciding: Deciding,
  ask: Ask,
  requests: readonly (Request | Malformed)[],
  semantic: Semantic,
): Promise<readonly object[]> {
  const decide = async (request: Request | Malformed) => {
    const answer = answerOf(await deciding.decide(ask, request, false))
    return request instanceof Malformed ? withError(answer, request) : answer
  }
  // They rest on nothing of each other, and share their commits.
  if (semantic === 'execute_all') return Promise.all(requests.map(decide))
  const answers: object[] = []
  for (const request of requests) {
    const answer = await decide(request)
    answers.push(answer)
    if (answer.decision === (semantic === 'permit_on_first_permit')) break
  }
  return answers
}

interface Evaluated {
  readonly decision: boolean
  readonly context: object
}

function answerOf(view: DecisionView): Evaluated {
  const { decision, id, detail } = view
  const reasons = decision
    ? {}
    : {
        reason_user: { en: 'This action is not allowed.' },
        ...(detail === null ? {} : { reason_admin: { en: detail } }),
      }
  return { decision, context: { id, ...reasons, meshd: view } }
}

function withError({ decision, context }: Evaluated, { message }: Malformed): Evaluated {
  return { decision, context: { ...context, error: { status: 400, message } } }
}
