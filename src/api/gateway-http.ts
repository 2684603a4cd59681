/**
 * HTTP gateways that ask before they pass a request on: nginx auth_request,
 * Traefik forwardAuth, Caddy forward_auth, Envoy ext_authz in its HTTP mode.
 *
 *     200                                             pass it on
 *     403 with Meshd-Reason: SCOPE_EXCEEDED           do not
 *
 * What was asked of the gateway is read from that gateway's own headers and
 * from nowhere else. One that is missing, or came twice, is a denial: two
 * readers would take two different ones. No other status than 200 is a yes to
 * any of them.
 */
import type { DecisionView } from '../client/types.ts'
import { type HttpRequest, readHttpRequest } from '../core/http-target.ts'
import { REQUEST_REMEMBERED_BYTES_MAX, REQUESTS_REMEMBERED_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { Memo } from '../core/memo.ts'
import type { Request } from '../core/request.ts'
import { headersOf } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { type Ask, REMOTE, type Reply, type Route } from './router.ts'

interface HttpGateway {
  /** As records and metrics say it. */
  readonly name: string
  readonly path: string
  /** Whether whoever asked the gateway is given the body of a denial. */
  readonly handsOn: boolean
  /** @throws Malformed */
  asked(ask: Ask): HttpRequest
}

const HTTP_GATEWAYS: readonly HttpGateway[] = [
  byHeaders('nginx', ['x-original-method', 'x-original-host', 'x-original-uri']),
  byHeaders('traefik', ['x-forwarded-method', 'x-forwarded-host', 'x-forwarded-uri']),
  byHeaders('caddy', ['x-forwarded-method', 'x-forwarded-host', 'x-forwarded-uri']),
  {
    name: 'envoy',
    path: '/v1/gateway/envoy/{target*}',
    handsOn: true,
    // Envoy asks by the method and the host of the request, and puts its path behind ours.
    asked: (ask) => ({
      method: ask.method,
      host: only(ask, 'host'),
      target: `/${ask.parameters.get('target') ?? ''}${ask.search}`,
    }),
  },
]

function byHeaders(
  name: string,
  [method, host, uri]: readonly [method: string, host: string, uri: string],
): HttpGateway {
  return {
    name,
    path: `/v1/gateway/${name}`,
    handsOn: name !== 'nginx',
    asked: (ask) => ({
      method: only(ask, method),
      host: only(ask, host),
      target: only(ask, uri),
    }),
  }
}

function only(ask: Ask, header: string): string {
  const [value, ...others] = ask.headers(header)
  if (value === undefined) throw new Malformed(`the header ${header} is missing`)
  if (others.length > 0) throw new Malformed(`the header ${header} came more than once`)
  return value
}

export function httpGatewayRoutes(deciding: Deciding): readonly Route[] {
  return HTTP_GATEWAYS.map((gateway) => ({
    method: 'ANY',
    path: gateway.path,
    roles: REMOTE,
    handle: async (ask) =>
      replyOf(await deciding.decide(ask, requestOf(ask, gateway), false, gateway.name), gateway),
  }))
}

function replyOf({ decision, id, code }: DecisionView, { handsOn }: HttpGateway): Reply {
  const headers = {
    ...(id === null ? {} : { 'meshd-decision': id }),
    ...(code === null ? {} : { 'meshd-reason': code }),
  }
  const status = decision === true ? 200 : 403
  // The code, and no detail. nginx reads no body of such an answer, and gives up a connection that
  // has one: it would ask each time on a new one, of which the kernel has to say whose it is.
  const body = handsOn && status !== 200 ? `${JSON.stringify({ decision, id, code })}\n` : ''
  return { status, type: 'application/json', body, headers }
}

/** Requests as they were read, by their text: the same text gives the same value. */
const remembered = new Memo<string, Request>(REQUESTS_REMEMBERED_MAX)

function requestOf(ask: Ask, gateway: HttpGateway): Request | Malformed {
  const headers = headersOf(ask)
  try {
    const asked = gateway.asked(ask)
    // What carries a trace or a cause is not asked twice.
    if (headers.cause !== null || headers.traceparent !== null)
      return readHttpRequest(asked, headers)
    const { method, host, target } = asked
    const name = `${method} ${host} ${target}`
    const known = remembered.get(name)
    if (known !== undefined) return known
    const request = readHttpRequest(asked)
    if (name.length <= REQUEST_REMEMBERED_BYTES_MAX) remembered.set(name, request)
    return request
  } catch (error) {
    // Untrusted bytes: what they lack is denied and recorded.
    if (error instanceof Malformed) return error
    throw error
  }
}
