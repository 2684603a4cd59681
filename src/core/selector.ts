/**
 * UCAN selectors, the paths of predicates: `.args.path`, `.args["a b"]`,
 * `.args.list[0]`, `[-1]`, `[1:3]`, `[]`, each with an optional `?`.
 */

export type Step =
  | { readonly kind: 'key'; readonly key: string; readonly optional: boolean }
  | { readonly kind: 'index'; readonly index: number; readonly optional: boolean }
  | {
      readonly kind: 'slice'
      readonly from: number | null
      readonly to: number | null
      readonly optional: boolean
    }
  | { readonly kind: 'values'; readonly optional: boolean }

export interface Selector {
  readonly text: string
  readonly steps: readonly Step[]
}
