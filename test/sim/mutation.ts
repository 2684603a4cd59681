/** What a planted bug is, and what must find it. */
export interface Edit {
  /** Under src/. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/** A checker of the simulation, with the first seed that showed it when they were last counted, which is tried first; or a test, by its file and name. */
export type Catcher =
  | { readonly checker: string; readonly seed: number }
  | { readonly test: string; readonly name: string }

export interface Mutation {
  readonly id: string
  readonly name: string
  readonly edits: readonly Edit[]
  readonly by: Catcher
  /** Whether it is found soon enough for every run of the tests. */
  readonly quick: boolean
}

export const edit = (file: string, from: string, to: string): Edit => ({ file, from, to })
