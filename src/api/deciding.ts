/** From an Ask to a decision's view, for every route that decides. Nothing that is thrown gets past it: doubt denies. */
import type { DecisionView } from '../client/types.ts'
import type { Malformed } from '../core/malformed.ts'
import type { Request } from '../core/request.ts'
import type { Decided, Decider, Question } from '../daemon/decider.ts'
import { decisionView, type Teller } from './decision-view.ts'
import type { Ask } from './router.ts'

export interface DecidingPorts {
  readonly decider: Decider
  readonly teller: Teller
  /** Each answer of a real decision, for metrics. */
  decided(decided: Decided, gateway: string | null): void
  /** This program failed to decide: said to the operator. */
  bug(error: unknown, path: string): void
}

export class Deciding {
  readonly #ports: DecidingPorts

  constructor(ports: DecidingPorts) {
    this.#ports = ports
  }

  /** @param opens whether an allow opens an execution */
  async decide(
    ask: Ask,
    request: Request | Malformed,
    opens: boolean,
    gateway: string | null = null,
  ): Promise<DecisionView> {
    const { decider, decided, teller, bug } = this.#ports
    const question = questionOf(ask, request, opens, gateway)
    let answer: Decided
    try {
      answer = await decider.decide(question)
    } catch (error) {
      bug(error, ask.path)
      answer = decider.internal(question)
    }
    decided(answer, gateway)
    return decisionView(answer, teller)
  }

  async explain(ask: Ask, request: Request | Malformed): Promise<DecisionView> {
    const { decider, teller, bug } = this.#ports
    const question = questionOf(ask, request, false, null)
    try {
      return decisionView(await decider.explain(question), teller)
    } catch (error) {
      bug(error, ask.path)
      return decisionView(decider.internal(question), teller)
    }
  }
}

function questionOf(
  ask: Ask,
  request: Request | Malformed,
  opens: boolean,
  gateway: string | null,
): Question {
  const { caller, receivedMs } = ask
  return { request, caller, artifact: ask.header('meshd-artifact'), receivedMs, opens, gateway }
}
