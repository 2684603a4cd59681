/**
 * UCAN predicates, as a delegation carries them: `["==", ".args.env", "staging"]`.
 */
import type { Json } from './json.ts'
import type { Selector } from './selector.ts'

export type Predicate =
  | { readonly op: '==' | '!='; readonly selector: Selector; readonly value: Json }
  | { readonly op: '<' | '<=' | '>' | '>='; readonly selector: Selector; readonly value: number }
  | { readonly op: 'like'; readonly selector: Selector; readonly pattern: string }
  | { readonly op: 'and' | 'or'; readonly operands: readonly Predicate[] }
  | { readonly op: 'not'; readonly operand: Predicate }
  | { readonly op: 'all' | 'any'; readonly selector: Selector; readonly operand: Predicate }
