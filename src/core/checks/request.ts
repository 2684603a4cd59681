/** Check 1: the request is well formed, and an artifact is there and well formed. */
import { checkForm } from '../chain.ts'
import { shortId } from '../id.ts'
import { Malformed } from '../malformed.ts'
import type { Presented } from '../presented.ts'
import type { Request } from '../request.ts'
import { type CheckResult, failed, passed } from './check.ts'

export function checkRequest(request: Request | Malformed, presented: Presented): CheckResult {
  if (request instanceof Malformed) {
    return failed('request', { code: 'REQUEST_MALFORMED', detail: request.message })
  }
  if (presented.kind !== 'artifact') {
    const code = presented.kind === 'missing' ? 'AUTHORIZATION_MISSING' : 'AUTHORIZATION_MALFORMED'
    return failed('request', { code, detail: presented.detail })
  }
  const malformed = checkForm(presented.links)
  if (malformed !== null) return failed('request', malformed)
  const source = presented.source === 'held' ? 'held for this caller' : 'explicit in the request'
  // The hash of what came, not a word of what it says.
  const short = shortId('art', presented.links.at(-1)?.cid ?? '')
  return passed('request', `well-formed; artifact ${short}, ${source}`)
}
