/** What every statement but a root carries. */
import type { StatementId } from '../id.ts'

export interface Common {
  /** Hash of the payload. */
  readonly id: StatementId
  readonly mesh: StatementId
  /** The version of the root it was signed under. */
  readonly root: number
  readonly issuedMs: number
  /** Why, in the words of who signed it. */
  readonly message: string | null
}
