/** Routes without a socket: a router of the real routes, and asks made by hand. */
import { atlas } from '../../scripts/vectors/tokens.ts'
import { artifactRoutes } from '../../src/api/artifacts.ts'
import { authzenRoutes } from '../../src/api/authzen.ts'
import { authzenSearchRoutes } from '../../src/api/authzen-search.ts'
import { callerRoutes } from '../../src/api/callers.ts'
import { Deciding } from '../../src/api/deciding.ts'
import { decisionRoutes } from '../../src/api/decisions.ts'
import { executionRoutes } from '../../src/api/executions.ts'
import { gatewayRoutes } from '../../src/api/gateway.ts'
import { problemReply } from '../../src/api/problem.ts'
import { type Ask, type Reply, Router, type SocketRole } from '../../src/api/router.ts'
import { walletRoutes } from '../../src/api/wallet.ts'
import { walletRequestRoutes } from '../../src/api/wallet-requests.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Artifacts } from '../../src/daemon/artifacts.ts'
import type { Decided } from '../../src/daemon/decider.ts'
import { Decisions } from '../../src/daemon/decisions.ts'
import { WalletRequests } from '../../src/daemon/wallet-requests.ts'
import { BOB_UID, caller, type World } from './deciding.ts'

export interface Call {
  readonly uid?: number | null
  readonly role?: SocketRole
  /** Several values of one name, as it was sent several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** As it is sent; JSON of any other value. */
  readonly body?: unknown
  readonly signal?: AbortSignal
}

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: what a client parses has no type yet
  readonly body: any
  readonly headers: Readonly<Record<string, string>>
}

/** Where the first record stands. */
const PUBLISHED = { state: 'published', cosigned: 1, need: 2, of: 3, mirrors: null } as const

export class Api {
  readonly decided: Decided[] = []
  readonly bugs: unknown[] = []
  readonly #of: World
  readonly #router: Router

  constructor(of: World, publicUrl: string | null = null) {
    this.#of = of
    const deciding = new Deciding({
      decider: of.decider,
      teller: of.node,
      decided: (each) => this.decided.push(each),
      bug: (error) => this.bugs.push(error),
    })
    const artifacts = new Artifacts({
      ...{ node: of.node, wallet: of.wallet, clock: of.clock, random: of.clock.dice },
      append: (draft, puts) => of.log.append(draft, puts),
    })
    const seenFrom = () => ({ name: 'atlas', wallMs: of.clock.wallMs() })
    const { wallet, callers, executions, clock } = of
    this.#router = new Router([
      ...authzenRoutes(deciding, publicUrl),
      ...authzenSearchRoutes({
        ...{ deciding, catalog: of.engine },
        monotonicMs: () => clock.monotonicMs(),
      }),
      ...gatewayRoutes(deciding),
      ...executionRoutes({
        ...{ deciding, executions, seenFrom, monotonicMs: () => clock.monotonicMs() },
        nameOf: (did) => callers.nameOf(did),
      }),
      ...decisionRoutes({
        ...{ deciding, seenFrom, records: { of: (index) => (index === 0 ? PUBLISHED : null) } },
        decisions: new Decisions(of.log),
      }),
      ...walletRoutes({ wallet, artifacts, seenFrom }),
      ...walletRequestRoutes({
        seenFrom,
        requests: new WalletRequests({ wallet, artifacts, clock, random: clock.dice }),
      }),
      ...callerRoutes({ callers, seenFrom }),
      ...artifactRoutes({ artifacts, revocations: () => of.governance.revocations.size }),
    ])
  }

  get(target: string, call: Call = {}): Promise<Answered> {
    return this.send('GET', target, call)
  }

  post(target: string, body: unknown, call: Call = {}): Promise<Answered> {
    return this.send('POST', target, { ...call, body })
  }

  put(target: string, body: unknown, call: Call = {}): Promise<Answered> {
    return this.send('PUT', target, { ...call, body })
  }

  delete(target: string, call: Call = {}): Promise<Answered> {
    return this.send('DELETE', target, call)
  }

  async send(method: string, target: string, call: Call = {}): Promise<Answered> {
    const reply = await this.#reply(method, target, call)
    const { status, headers = {} } = reply
    const text = String(reply.body)
    return { status, headers, body: text === '' ? null : JSON.parse(text) }
  }

  async #reply(method: string, target: string, call: Call): Promise<Reply> {
    const { uid = BOB_UID, role = 'decide', body, signal = new AbortController().signal } = call
    const headers = { 'content-type': 'application/json', ...call.headers }
    const sent = new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat()]))
    const at = target.indexOf('?')
    const [path, search] = at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at)]
    const text =
      typeof body === 'string' || body === undefined ? (body ?? '') : JSON.stringify(body)
    try {
      const { route, parameters } = this.#router.match(method, path, role)
      const ask: Ask = {
        ...{ method, path, search, query: new URLSearchParams(search), parameters, role, signal },
        header: (name) => sent.get(name)?.join(', ') ?? null,
        headers: (name) => sent.get(name) ?? [],
        body: utf8(text),
        caller: caller(this.#of, uid),
        receivedMs: this.#of.clock.monotonicMs(),
      }
      return await route.handle(ask)
    } catch (error) {
      if (!(error instanceof MeshError)) this.bugs.push(error)
      return problemReply(error)
    }
  }
}

export const NODE = atlas.did
