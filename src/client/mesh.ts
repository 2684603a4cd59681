/**
 * `meshd/client`: asks this host's meshd, and takes nothing but its yes for one.
 *
 *     const mesh = new Mesh()
 *     const d = await mesh.decide({ action: 'tool:read', resource: 'repo:acme/docs' })
 *     if (d.allow) read(); else report(d.code, d.reason, d.id)
 *
 * No daemon, a late answer or a bad one is a denial. There is no option that
 * allows then, and an allow is never kept for the next question.
 */
import { MeshError } from '../core/problems.ts'
import { bodyOf, type Decision, Denied, decisionOf, type Question } from './decision.ts'
import { type EventOptions, listen, type MeshEvent } from './events.ts'
import { type Execution, guarded } from './guard.ts'
import { ask, type Line, socketOf } from './line.ts'

export interface MeshOptions {
  /** Else $MESHD_SOCKET, /run/meshd/meshd.sock, $XDG_RUNTIME_DIR/meshd/meshd.sock. */
  readonly socket?: string
  /** For one answer; 10 seconds. */
  readonly timeoutMs?: number
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/** What a tool's call is asked as. */
export interface Mapping<Input> {
  readonly action: string
  readonly resource: string | ((input: Input) => string)
  /** All of the input when absent. */
  readonly args?: (input: Input) => object
}

const ANSWER_MS = 10_000

export class Mesh {
  readonly #line: Line

  constructor({ socket, timeoutMs = ANSWER_MS }: MeshOptions = {}) {
    this.#line = { socket: socket ?? socketOf(process.env), timeoutMs }
  }

  /** One decision about now. Never throws: what goes wrong is a denial. */
  decide(question: Question, { signal }: CallOptions = {}): Promise<Decision> {
    return this.#decide('/v1/decisions', question, signal)
  }

  /**
   * Runs something only if it is allowed, and as long as it is: `exe.signal` aborts when it no longer is. Waits for it to end.
   * @throws Denied when it was not allowed or was stopped, else what run throws
   */
  async guard<T>(
    question: Question,
    run: (exe: Execution) => T | Promise<T>,
    { signal }: CallOptions = {},
  ): Promise<T> {
    const decision = await this.#decide('/v1/executions', question, signal)
    if (!decision.allow) throw new Denied(decision)
    return guarded(this.#line, decision, run, signal)
  }

  /** The same function, each call of it guarded. Its input is copied as JSON first: what is decided is what runs. */
  tool<Input extends object, Result>(
    run: (input: Input, exe: Execution) => Result | Promise<Result>,
    { action, resource, args = (input) => input }: Mapping<Input>,
  ): (input: Input, options?: CallOptions) => Promise<Result> {
    return async (given, options) => {
      const input: Input = JSON.parse(JSON.stringify(given))
      const on = typeof resource === 'string' ? resource : resource(input)
      const question = { action, resource: on, args: args(input) }
      return this.guard(question, (exe) => run(input, exe), options)
    }
  }

  /** What happens on the node, until the signal aborts: on `meshd.sock` what is this caller's own. */
  events(options: EventOptions = {}): AsyncGenerator<MeshEvent> {
    return listen(this.#line, options)
  }

  async #decide(path: string, question: Question, signal?: AbortSignal): Promise<Decision> {
    const askedMs = performance.now()
    const { artifact, cause = process.env['MESHD_EXECUTION'] } = question
    const headers = {
      ...(artifact === undefined ? {} : { 'meshd-artifact': artifact }),
      ...(cause === undefined ? {} : { 'meshd-cause': cause }),
    }
    try {
      const call = { method: 'POST', path, headers, body: bodyOf(question) } as const
      return decisionOf(await ask(this.#line, call, signal), askedMs)
    } catch (error) {
      // Whatever it is, it is no allow.
      return { allow: false, id: null, ...whyOf(error) }
    }
  }
}

function whyOf(error: unknown): { readonly code: string; readonly reason: string } {
  if (!(error instanceof MeshError)) return { code: 'REQUEST_MALFORMED', reason: String(error) }
  const known = error.code === 'UNREACHABLE' || error.code === 'TIMEOUT'
  return { code: known ? error.code : 'INVALID_ANSWER', reason: error.message }
}
