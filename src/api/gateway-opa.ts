/**
 * The shape of OPA's data API, for programs that speak it already:
 *
 *     POST /v1/data/meshd/allow   {"input":{"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}}
 *                                 {"result":false,"decision_id":"sha256:…"}
 *
 * The input is an AuthZEN evaluation whose subject may be left out. The answer
 * always says true or false: an absent result is undefined to OPA's clients,
 * and some of them go on.
 */
import type { DecisionView } from '../client/types.ts'
import type { Json } from '../core/json.ts'
import { Malformed } from '../core/malformed.ts'
import { type Request, type RequestHeaders, readRequest } from '../core/request.ts'
import { isMap } from '../core/selector.ts'
import { headersOf, readJson } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { json, REMOTE, type Route } from './router.ts'

export function opaRoutes(deciding: Deciding): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/data/meshd/allow',
      roles: REMOTE,
      handle: async (ask) => {
        const request = readJson(ask, (body) => readInput(body, headersOf(ask)))
        return json(answerOf(await deciding.decide(ask, request, false, 'opa')))
      },
    },
  ]
}

/** @throws Malformed */
export function readInput(body: Json, headers: RequestHeaders): Request {
  const input = isMap(body) ? body['input'] : undefined
  if (input === undefined) throw new Malformed('`input` is missing')
  return readRequest(input, headers)
}

function answerOf({ decision, id }: DecisionView): object {
  return { result: decision === true, ...(id === null ? {} : { decision_id: id }) }
}
