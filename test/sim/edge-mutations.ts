/** Planted bugs at the edges of a node: of what runs, of who asks, of who is outside, and of what is printed. */
import { edit, type Mutation } from './mutation.ts'

export const EDGES: readonly Mutation[] = [
  {
    id: 'N1',
    name: 'a revocation does not reach what runs',
    edits: [edit('mesh/executions.ts', 'return standing.recheck()', 'return null')],
    by: { checker: 'S23', seed: 1 },
    quick: true,
  },
  {
    id: 'N2',
    name: 'the outcome of what a former start left is not recorded',
    edits: [edit('mesh/executions.ts', 'await this.#tell()', 'await Promise.resolve()')],
    by: { checker: 'S23', seed: 1 },
    quick: false,
  },
]
