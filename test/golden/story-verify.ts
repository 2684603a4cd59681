/** The log of dorado, whole and held against what the others hold of it: well, and restored from an older image. */
import type { LogPeerView, LogVerifyView } from '../../src/client/verify-types.ts'
import { ago, DIDS } from './story.ts'

const named = (name: keyof typeof DIDS) => ({ did: DIDS[name], name })
const cosigned = [
  { ...named('atlas'), time: ago(1_025_000) },
  { ...named('borealis'), time: ago(1_026_000) },
]
const ROOT_HASH = '5c1e77a0'.padEnd(64, '4b')

const holds = (
  name: keyof typeof DIDS,
  size: number,
  standing: LogPeerView['heads'][number]['standing'],
): LogPeerView => ({
  ...named(name),
  why: null,
  heads: [
    { epoch: 1, size, standing, cosigned: [] },
    { epoch: 1, size, standing, cosigned },
  ],
})
const AWAY: LogPeerView = { ...named('cygnus'), why: 'it is not connected', heads: [] }

export const VERIFIED: LogVerifyView = {
  ...{ origin: 'meshd/9f86d081884c7d65/dorado/1', epoch: 1, size: 1_204, rootHash: ROOT_HASH },
  ...{ published: 1_204, verified: 1_204, pruned: 0, problems: [] },
  others: {
    peers: [holds('atlas', 1_204, 'continued'), holds('borealis', 1_204, 'continued'), AWAY],
    ...{ answered: 2, need: 2, distrusted: [] },
  },
}

export const ROLLED_BACK: LogVerifyView = {
  ...VERIFIED,
  ...{ size: 812, published: 812, verified: 812 },
  problems: [
    'rollback: others hold a checkpoint of this log at size 1204 (epoch 1), which the 812 records here do not continue',
  ],
  others: {
    peers: [holds('atlas', 1_204, 'behind'), holds('borealis', 1_204, 'behind'), AWAY],
    ...{ answered: 2, need: 2, distrusted: [] },
  },
}
