/** What is brought into a daemon as a file of a mesh is: signed by who may sign it, by no command of ours. */
import type { Host } from '../../src/cli/stage.ts'
import { textOf } from '../../src/core/bytes.ts'
import { formatEnvelope } from '../../src/core/dsse.ts'
import type { StatementId } from '../../src/core/id.ts'
import type { Signer } from '../../src/core/keys.ts'
import type { Target } from '../../src/core/statement/revocation.ts'
import { raw, request, socketOf, statusOf } from '../e2e/raw.ts'
import { signed } from './artisan.ts'

const DAY_MS = 86_400_000
const WAIT_MS = 60_000

/** The status of the answer. */
export async function bring(
  host: Host,
  mesh: StatementId,
  statements: readonly string[],
): Promise<number> {
  const body = JSON.stringify({ mesh, statements, heads: [] })
  const asked = request('POST', '/v1/mesh/import', body)
  return statusOf(await raw(socketOf(host, 'admin'), asked, WAIT_MS))
}

export function revocationOf(mesh: StatementId, target: Target, by: Signer): string {
  const common = { mesh, root: 1, issuedMs: Date.now(), message: null }
  const rest = { target, untilMs: Date.now() + DAY_MS, chain: [] }
  return textOf(formatEnvelope(signed({ type: 'revocation', ...common, ...rest }, [by])))
}
