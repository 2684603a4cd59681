/** One version of a policy bundle (design 2). */
import type { StatementId } from '../id.ts'
import type { Json } from '../json.ts'
import type { Common } from './common.ts'

export interface Policy extends Common {
  readonly type: 'policy'
  readonly bundle: string
  readonly version: number
  /** None for version 1; several resolve a conflict. */
  readonly previous: readonly StatementId[]
  readonly mode: 'enforce' | 'observe'
  /** File name → Cedar text. */
  readonly policies: ReadonlyMap<string, string>
  readonly schema: string
  readonly entities: Json
  readonly tests: Json
}
