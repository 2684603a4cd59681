/** Frozen vectors of the strict profile: artifacts, and what the checks of the chain say of each. */
import { formatTime } from '../../src/core/shape.ts'
import { malformed } from './malformed.ts'
import { narrowing } from './narrowing.ts'
import { predicates } from './predicates.ts'
import { atlas, NOW_S, person, SKEW_MS, TTL_MS } from './tokens.ts'

export interface Vector {
  readonly comment: string
  /** OK, or the first reason code. */
  readonly expect: string
  readonly artifact: string
  /** Seconds after `now`; 0 if absent. */
  readonly later?: number
}

/** The `.meshd` object, as every vector finds it. */
const FACTS = {
  node: { id: atlas.did, name: 'atlas', labels: { rack: 'r1' } },
  runtime: { uid: 1001, gid: 1001, socket: '/run/meshd/meshd.sock' },
  env: { labels: { env: 'staging', 'a.b': 'c' }, files: {} },
  gov: { mesh: 'prod', root: 3, digest: '5c1e09aa', bundles: { agents: 7 } },
}

export function artifactVectors() {
  return {
    comment:
      'What meshd says of artifacts under its strict UCAN profile: the first reason code of checks 1 to 9, or OK. Checks 6 and 8 need more than the artifact; of 6 the continuity of the chain is tested here.',
    now: formatTime(NOW_S * 1000),
    skewMs: SKEW_MS,
    artifactTtlMs: TTL_MS,
    node: atlas.did,
    issuers: [person(0).did],
    facts: FACTS,
    vectors: [...narrowing(), ...predicates(), ...malformed()],
  }
}
