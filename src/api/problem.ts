/** A failure as RFC 9457 `application/problem+json`, with our code and hint. */
import type { Problem } from '../client/types.ts'
import type { Malformed } from '../core/malformed.ts'
import { MeshError, PROBLEMS, type ProblemCode } from '../core/problems.ts'
import type { Reply } from './router.ts'

const STATUS: Record<ProblemCode, number> = {
  USAGE: 400,
  CONFIG_INVALID: 400,
  NOT_FOUND: 404,
  AMBIGUOUS: 409,
  UNREACHABLE: 502,
  SOCKET_FORBIDDEN: 403,
  UNAUTHENTICATED: 401,
  NOT_READY: 503,
  NOT_ADMITTED: 403,
  WRONG_MESH: 409,
  KEY_UNAVAILABLE: 409,
  ROLE_MISSING: 403,
  STATEMENT_INVALID: 422,
  POLICY_INVALID: 422,
  PROOF_INVALID: 422,
  LOG_DAMAGED: 500,
  CONFLICT: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  TIMEOUT: 504,
  INVALID_ANSWER: 502,
  BUG: 500,
}

function problemOf(error: unknown): Problem {
  const known = error instanceof MeshError ? error : new MeshError('BUG', 'a fault inside meshd')
  return {
    type: `https://meshd.invalid/problems/${known.code}`,
    title: PROBLEMS[known.code].says,
    status: STATUS[known.code],
    detail: known.message,
    code: known.code,
    hint: known.hint,
  }
}

export function problemReply(error: unknown): Reply {
  const problem = problemOf(error)
  return {
    status: problem.status,
    type: 'application/problem+json',
    body: `${JSON.stringify(problem)}\n`,
    // RFC 9110, 15.5.2: a 401 names what would be taken.
    ...(problem.status === 401 ? { headers: { 'www-authenticate': 'Bearer' } } : {}),
  }
}

/** What was to be decided, and could not be read. */
export function malformedReply({ message }: Malformed): Reply {
  return problemReply(new MeshError('USAGE', message, { hint: 'docs/api.md' }))
}
