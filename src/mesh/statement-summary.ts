/** A statement in one line for people: `policy agents@7 (enforce)`, `mesh frozen`. */
import { RECORD_TEXT_BYTES_MAX } from '../core/limits.ts'
import { scopeKey } from '../core/statement/freeze.ts'
import type { Target } from '../core/statement/revocation.ts'
import type { Statement } from '../core/statement/statement.ts'

/** At most RECORD_TEXT_BYTES_MAX bytes: what may be long is cut by its own bounds. */
export function summaryOfStatement(statement: Statement): string {
  return textOfStatement(statement)
    .slice(0, RECORD_TEXT_BYTES_MAX / 4)
    .toWellFormed()
}

function textOfStatement(statement: Statement): string {
  switch (statement.type) {
    case 'root':
      return `root ${statement.mesh}@${statement.version}`
    case 'member':
      return `member ${statement.name}@${statement.version} ${statement.principal}`
    case 'policy':
      return `policy ${statement.bundle}@${statement.version} (${statement.mode})`
    case 'revocation':
      return `revocation of ${textOfTarget(statement.target)}`
    case 'freeze':
      return `${scopeKey(statement.scope)} ${statement.frozen ? 'frozen' : 'released'}`
    case 'epoch':
      return `log epoch ${statement.epoch} of ${statement.node}`
    case 'evidence':
      return `evidence against log epoch ${statement.epoch} of ${statement.node}`
  }
}

function textOfTarget(target: Target): string {
  switch (target.kind) {
    case 'link':
      return `link ${target.cid}`
    case 'policy':
      return `policy ${target.bundle}@${target.version}`
    case 'execution':
      return `execution ${target.record}`
    default:
      return `${target.kind} ${target.did}`
  }
}
