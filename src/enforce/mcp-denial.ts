/**
 * A denial, as an answer to the request that was denied.
 *
 *     {"jsonrpc":"2.0","id":3,"result":{"isError":true,"resultType":"complete",
 *       "content":[{"type":"text","text":"meshd denied read_file: REVOKED: … [sha256:…]"}],
 *       "_meta":{"meshd/decision":{"code":"REVOKED","id":"sha256:…"}}}}
 *
 * A tool's result, because clients show that to the model and hide the errors
 * of the protocol (FACTS 10.3); `resultType` is of the era of 2026-07-28, and
 * nothing to the one before.
 */
import type { DecisionView } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { RESOURCE_BYTES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { isReasonCode, REASONS } from '../core/reasons.ts'
import { stripControls } from '../core/text.ts'
import { CALL } from './mcp-ask.ts'
import { errorResponse, type Request, type Response } from './mcp-message.ts'

export type DenyAs = 'result' | 'error'

/** Why not: a reason of the mesh, or a problem that kept it from being asked. */
export interface Refusal {
  readonly code: string
  readonly detail: string
  /** Of the decision; null where none was recorded. */
  readonly id: string | null
  readonly hint: string | null
  /** It had begun, and was ended. */
  readonly stopped?: true
}

export function refusalOf(decision: DecisionView): Refusal {
  const code = decision.code ?? 'INVALID_ANSWER'
  const mends = Array.isArray(decision.mend) ? decision.mend : []
  const hint = mends[0] ?? (isReasonCode(code) ? REASONS[code].mend : null)
  return { code, detail: decision.detail ?? 'no reason was given', id: decision.id, hint }
}

/** What was asked got no answer, so there is no allow. */
export function refusalFrom(error: unknown): Refusal {
  // Anything else is a bug, and an allow neither.
  if (!(error instanceof MeshError))
    return { code: 'BUG', detail: String(error), id: null, hint: null }
  return { code: error.code, detail: error.message, id: null, hint: error.hint }
}

export function denialResponse(request: Request, refusal: Refusal, as: DenyAs): Response {
  const { code, id } = refusal
  const text = textOf(request, refusal)
  // What is no call has no other place for it than an error.
  if (as === 'error' || request.method !== CALL)
    return errorResponse(request.id, 'denied', text, { code, id })
  const result = {
    resultType: 'complete',
    isError: true,
    content: [{ type: 'text', text }],
    _meta: { 'meshd/decision': { code, id } },
  }
  return { kind: 'response', id: request.id, result, error: null }
}

/** For a model to read, and for whoever reads over its shoulder. */
function textOf({ method, params }: Request, refusal: Refusal): string {
  const name = params?.['name'] ?? params?.['uri']
  const what = typeof name === 'string' ? name.slice(0, RESOURCE_BYTES_MAX) : method
  const { code, detail, id, hint, stopped } = refusal
  const why = id === null ? [] : [`Why: meshd explain ${shortId('dec', id)} [${id}]`]
  return [
    `meshd ${stopped === true ? 'stopped' : 'denied'} ${what}: ${code}: ${detail}.`,
    ...(hint === null ? [] : [`What would change it: ${hint}.`]),
    ...why,
  ]
    .map(stripControls)
    .join(' ')
}
