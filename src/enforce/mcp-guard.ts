/**
 * One request of MCP that is decided: asked, carried to the server only if the
 * mesh says yes, watched while it runs, cut when it must stop, its outcome
 * recorded. It knows neither streams nor HTTP: whoever carries it does.
 */
import type { DecisionView } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import {
  MCP_CALLS_MAX,
  MCP_WATCH_AFTER_MS,
  OUTCOME_MS_MAX,
  REQUEST_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type Asked, type Asking, bodyOf, CALL } from './mcp-ask.ts'
import { type DenyAs, denialResponse, type Refusal, refusalFrom, refusalOf } from './mcp-denial.ts'
import { errorResponse, type Request, type Response } from './mcp-message.ts'
import type { Change } from './mcp-seen.ts'
import { type Opened, openedBy, type Poll, pause, untilStopped } from './watch.ts'

export type OutcomeKind = 'ok' | 'failed' | 'stopped' | 'unknown'

/** The daemon, as an enforcement point of MCP asks it; bodies are those of AuthZEN. */
export interface McpApi {
  open(body: string): Promise<DecisionView>
  /** Hypothetical: never recorded, never usable. */
  explain(body: string, signal: AbortSignal): Promise<DecisionView>
  readonly watch: Poll
  outcome(id: string, kind: OutcomeKind, signal: AbortSignal): Promise<void>
  /** Tools that are not said to do what they were: a record each. */
  changed(tools: readonly Change[], signal: AbortSignal): Promise<void>
}

export interface GuardPorts {
  readonly api: McpApi
  readonly asking: Asking
  /** Of the caller, in every body: a subject, a receipt. */
  readonly more: JsonObject
  readonly denyAs: DenyAs
  /** Why a tool is not called, whatever the mesh says; null for one that may be. */
  readonly refuses: (tool: string) => Refusal | null
  readonly monotonicMs: () => number
  /** For whoever runs it, on stderr. */
  readonly say: (line: string) => void
}

/** Takes a request to the server and gives its answer. The signal means that it was stopped: what comes after that is nobody's. */
export type Carry = (stopped: AbortSignal) => Promise<Response>

/** Kinds of results after which a server has nothing more to do; null of the era that had no kinds. */
const FINAL = [undefined, 'complete', 'input_required']

export class Guard {
  readonly #ports: GuardPorts
  readonly #reports = new Set<Promise<void>>()
  #calls = 0

  constructor(ports: GuardPorts) {
    this.#ports = ports
  }

  /** @param unwanted nobody waits for the answer any more. Gives null then, and never rejects */
  async call(request: Request, carry: Carry, unwanted: AbortSignal): Promise<Response | null> {
    const { asking, denyAs } = this.#ports
    let asked: Asked
    try {
      asked = asking.about(request)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      return errorResponse(request.id, 'params', error.message)
    }
    const refused = request.method === CALL ? this.#ports.refuses(asked.name) : null
    if (refused !== null) return denialResponse(request, refused, denyAs)
    if (this.#calls >= MCP_CALLS_MAX) {
      const detail = `${MCP_CALLS_MAX} calls are running already`
      return denialResponse(request, { code: 'TOO_MANY', detail, id: null, hint: null }, denyAs)
    }
    this.#calls += 1
    try {
      const opened = await this.#open(asked)
      if ('code' in opened) return denialResponse(request, opened, denyAs)
      if (!unwanted.aborted) return await this.#run(request, opened, carry, unwanted)
      this.#report(opened.id, 'failed')
      return null
    } finally {
      this.#calls -= 1
    }
  }

  /** Resolves once every outcome was recorded, or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#reports)
  }

  async #open(asked: Asked): Promise<Opened | Refusal> {
    const { api, more, monotonicMs } = this.#ports
    const body = bodyOf(asked, more)
    if (body === null) {
      const detail = `what is asked is larger than ${REQUEST_BYTES_MAX} bytes`
      return { code: 'TOO_LARGE', detail, id: null, hint: null }
    }
    try {
      const askedMs = monotonicMs()
      const decision = await api.open(body)
      const opened = openedBy(decision, askedMs)
      if (opened === null) return refusalOf(decision)
      if (monotonicMs() < opened.untilMs) return opened
      this.#report(opened.id, 'failed')
      const detail = 'the answer came after its own end'
      return { code: 'GOVERNANCE_STALE', detail, id: opened.id, hint: null }
    } catch (error) {
      // Whatever kept it from being asked: it is not allowed.
      return refusalFrom(error)
    }
  }

  async #run(
    request: Request,
    opened: Opened,
    carry: Carry,
    unwanted: AbortSignal,
  ): Promise<Response | null> {
    const { api, denyAs, monotonicMs } = this.#ports
    const answered = new AbortController()
    const cut = new AbortController()
    const carried = carry(cut.signal).then(
      (response) => ({ response }),
      (error: unknown) => ({
        response: errorResponse(request.id, 'internal', `the server: ${messageOf(error)}`),
        lost: true,
      }),
    )
    const watching = AbortSignal.any([answered.signal, unwanted])
    const stop = pause(Math.min(MCP_WATCH_AFTER_MS, opened.untilMs - monotonicMs()), watching).then(
      () => untilStopped(api.watch, opened, monotonicMs, watching),
    )
    const end = await Promise.race([carried, stop])
    answered.abort()
    if (end === null) {
      this.#report(opened.id, 'unknown')
      return null
    }
    if ('code' in end) {
      cut.abort()
      this.#report(opened.id, 'stopped')
      const refusal = { ...end, id: opened.id, hint: null, stopped: true } as const
      this.#ports.say(`STOPPED ${shortId('dec', opened.id)}  ${end.code} ${end.detail}`)
      return denialResponse(request, refusal, denyAs)
    }
    return this.#answered(request, opened, end.response, 'lost' in end)
  }

  #answered(request: Request, { id }: Opened, response: Response, lost: boolean): Response {
    const { result, error } = response
    const kind = result?.['resultType']
    if (!FINAL.some((each) => each === kind)) {
      this.#report(id, 'unknown')
      const says = 'its answer is a ticket for work that nobody would watch: not passed on'
      return errorResponse(request.id, 'internal', `the server: ${says}`)
    }
    const failed = error !== null || result?.['isError'] === true
    this.#report(id, lost ? 'unknown' : failed ? 'failed' : 'ok')
    return response
  }

  /** In the background: the answer is the caller's as soon as it is there. */
  #report(id: string, kind: OutcomeKind): void {
    const report = this.#ports.api
      .outcome(id, kind, AbortSignal.timeout(OUTCOME_MS_MAX))
      // The daemon records it as unknown when nobody watches any more.
      .catch(() => this.#ports.say(`the outcome of ${shortId('dec', id)} could not be recorded`))
      .finally(() => this.#reports.delete(report))
    this.#reports.add(report)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
