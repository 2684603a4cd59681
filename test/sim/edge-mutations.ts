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
    by: { checker: 'S23', seed: 3 },
    quick: false,
  },
  {
    id: 'N3',
    name: 'a revocation is said to be committed once one witness holds it',
    edits: [
      edit(
        'mesh/spread-view.ts',
        'if (this.#holding(watched) >= root.lease.write)',
        'if (this.#holding(watched) >= 1)',
      ),
    ],
    by: { checker: 'Q7', seed: 2 },
    quick: true,
  },
  {
    id: 'N4',
    name: 'whoever answers is shown to have applied it',
    edits: [
      edit(
        'mesh/spread-view.ts',
        'if (answer.held[0] === true) this.#holds(answer, watched)',
        'this.#holds(answer, watched)',
      ),
    ],
    by: { checker: 'Q7', seed: 5 },
    quick: false,
  },
  {
    id: 'N5',
    name: 'the bound that is printed is the commit',
    edits: [
      edit(
        'mesh/spread-view.ts',
        'committed.wallMs + stalenessMs + 2 * skewMs',
        'committed.wallMs',
      ),
    ],
    by: { checker: 'Q7', seed: 34 },
    quick: false,
  },
  {
    id: 'N6',
    name: "a bundle's shorter staleness is not heeded",
    edits: [
      edit(
        'core/matter.ts',
        'return own.held && (!asked.held || asked.untilMs < own.untilMs) ? asked : own',
        'return own.held || !asked.held || asked.untilMs < own.untilMs ? own : asked',
      ),
    ],
    by: { checker: 'Q9', seed: 8 },
    quick: false,
  },
]
