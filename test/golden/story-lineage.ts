/** The same moment: what worker-9 ran on cygnus, below what planner ran on atlas, below one that borealis should have. */
import type { HopDecisionView, HopView, LineageView } from '../../src/client/lineage-types.ts'
import { signerOf } from '../../src/core/keys.ts'
import { ALICE, ago, DIDS, id, PLANNER, SEED } from './story.ts'

const WORKER = signerOf(SEED(7)).did
const [CHILD, PARENT, LOST] = [id('9b31c07d'), id('2e90b4d6'), id('71d0a2b9')]
const cid = (head: string) => `bafyrei${head.padEnd(51, 'a')}a`
const PLANNERS = {
  artifact: cid('bejocdkb'),
  audience: PLANNER,
  revoked: id('0a77e4c1'),
}

const decision = (
  principal: string,
  ms: number,
  more: Partial<HopDecisionView>,
): HopDecisionView => ({
  time: ago(ms),
  effect: 'allow',
  code: null,
  principal,
  action: 'tool:search',
  resource: 'repo:acme/web',
  traceparent: null,
  cosigned: 2,
  outcome: null,
  revoked: null,
  authority: { mesh: 'prod', root: 3, issuer: ALICE, links: [PLANNERS] },
  ...more,
})

const HOPS: readonly HopView[] = [
  {
    ...{ id: CHILD, verified: true, why: null, node: DIDS.cygnus, cause: PARENT },
    decision: decision(WORKER, 14_000, {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      outcome: { outcome: 'stopped', status: 143, code: 'REVOKED' },
      authority: {
        ...{ mesh: 'prod', root: 3, issuer: ALICE },
        links: [PLANNERS, { artifact: cid('gcq5cvfd'), audience: WORKER, revoked: null }],
      },
    }),
  },
  {
    ...{ id: PARENT, verified: true, why: null, node: DIDS.atlas, cause: LOST },
    decision: decision(PLANNER, 21_000, {
      outcome: { outcome: 'ok', status: 0, code: null },
    }),
  },
  {
    ...{ id: LOST, verified: false, node: DIDS.borealis, cause: null, decision: null },
    why: 'it cannot be fetched: borealis: no answer',
  },
]

export const LINEAGE: LineageView = {
  ...{ id: CHILD, direction: 'up', hops: HOPS, silent: [], more: false, need: 2, of: 3 },
  names: { [ALICE]: 'alice', [PLANNER]: 'planner', [WORKER]: 'worker-9' },
}
