/** The same moment: what was decided, recorded, revoked and published. */

import type { MeshExecutionListView, RunningView } from '../../src/client/execution-types.ts'
import type {
  CandidatesView,
  MeshRecordListView,
  RecordStatsView,
} from '../../src/client/search-types.ts'
import type {
  CheckView,
  DecisionView,
  RecordView,
  SpreadView,
  StatementView,
} from '../../src/client/types.ts'
import { CHECK_NAMES } from '../../src/core/checks/check.ts'
import { ALICE, ago, DIDS, id, listOf, PLANNER } from './story.ts'

export const DECISION_ID = id('5f0c1a7e')
const DETAILS: readonly string[] = [
  'well-formed; artifact explicit in the request',
  '3 of 3 good; alice is an issuer in root v3',
  '3 min 55 s left; nonce not seen before',
  'uid 1001',
  'nothing is asked',
  'no cause named',
  'asks agents at least 7, in force agents@7',
  '42 s left; atlas and borealis (2 of 2)',
  'asked tool:delete, granted tool:read on repo:acme/docs',
  'no policy permits tool:delete on repo:acme/docs',
  'none of 13 revocations, 0 freezes apply',
  'not decided yet',
]
const FAILED: Readonly<Record<number, CheckView['code']>> = {
  9: 'SCOPE_EXCEEDED',
  10: 'POLICY_NO_PERMIT',
}
export const CHECKS: readonly CheckView[] = CHECK_NAMES.map((name, i) => ({
  n: i + 1,
  name,
  ok: i === CHECK_NAMES.length - 1 ? null : FAILED[i + 1] === undefined,
  code: FAILED[i + 1] ?? null,
  detail: DETAILS[i] ?? '',
}))

const decision = {
  id: DECISION_ID,
  leaseRemainingMs: 42_000,
  record: { log: 'prod/atlas/1', index: 88_105 },
  artifact: null,
  principal: PLANNER,
  principalName: 'planner',
  checks: CHECKS,
  mend: [],
  observed: null,
  durationMs: 0.42,
}
export const ALLOWED: DecisionView = {
  ...decision,
  decision: true,
  code: null,
  detail: null,
  leaseUntil: '2026-11-23T14:15:54.000Z',
  policies: [{ bundle: 'agents', version: 7, policy: 'agents-read-docs' }],
}
export const DENIED: DecisionView = {
  ...decision,
  decision: false,
  code: 'SCOPE_EXCEEDED',
  detail: 'asked tool:delete, granted tool:read',
  leaseUntil: null,
  policies: [],
  mend: [
    'a delegation of tool:delete on repo:acme/docs to planner; alice can issue it',
    'a permit for tool:delete in an enforcing bundle',
  ],
}

const record = (index: number, digits: string, leaf: RecordView['leaf']): RecordView => ({
  id: id(digits),
  index,
  epoch: 1,
  time: ago(900),
  type: leaf['type'] as RecordView['type'],
  state: 'mirrored',
  witnesses: { cosigned: 2, need: 2, of: 3 },
  mirrors: { holding: 1, wanted: 1 },
  leaf,
})
const caller = {
  principal: PLANNER,
  name: 'planner',
  uid: 1001,
  gid: 1001,
  pid: 7,
  socket: 'decide',
}
const asked = (action: string) => ({ action, resource: { type: 'repo', id: 'acme/docs' } })
/** Newest first. */
export const RECORDS: readonly RecordView[] = [
  record(88_105, '5f0c1a7e', {
    type: 'decision',
    effect: 'deny',
    code: 'SCOPE_EXCEEDED',
    caller,
    principal: PLANNER,
    request: asked('tool:delete'),
    policies: [],
    checks: CHECKS,
  }),
  record(88_104, 'a2707f15', {
    type: 'decision',
    effect: 'allow',
    code: null,
    caller: { ...caller, name: null },
    principal: ALICE,
    request: asked('tool:read'),
    policies: [{ bundle: 'agents', version: 7, policy: 'agents-read-docs' }],
    checks: CHECKS,
  }),
  record(88_103, '0a77e4c1', {
    type: 'statement',
    kind: 'revocation',
    state: 'effective',
    statement: id('0a77e4c1'),
    from: DIDS.borealis,
    summary: 'principal did:key:z6MkpR',
  }),
  record(88_102, '60aa94d7', {
    type: 'outcome',
    execution: id('a2707f15'),
    outcome: 'stopped',
    status: 143,
    stop: { code: 'REVOKED', detail: 'planner compromised' },
  }),
]

const revoked = (reach: Partial<SpreadView>): SpreadView => ({
  id: id('0a77e4c1'),
  state: 'effective',
  acceptedAt: '2026-11-23T14:15:11.000Z',
  nodes: [
    ['atlas', 3],
    ['borealis', 41],
    ['cygnus', 88],
    ['dorado', null],
  ].map(([name, appliedMs]) => ({
    did: DIDS[name as keyof typeof DIDS],
    name: String(name),
    role: name === 'dorado' ? 'member' : 'witness',
    applied: appliedMs !== null,
    appliedMs: appliedMs as number | null,
    unreachable: appliedMs === null ? 'unreachable' : null,
  })),
  write: 2,
  witnessesHolding: 2,
  committedMs: 41,
  committedAt: '2026-11-23T14:15:11.041Z',
  boundAt: '2026-11-23T14:16:15.041Z',
  stalenessMs: 60_000,
  skewMs: 2000,
  ...reach,
})
export const SPREAD = revoked({})
export const SPREAD_UNCOMMITTED = revoked({
  witnessesHolding: 1,
  committedMs: null,
  committedAt: null,
  boundAt: null,
})

const statement = (rest: Partial<StatementView>): StatementView => ({
  id: id('0a77e4c1'),
  type: 'revocation',
  state: 'effective',
  payload: {},
  signatures: [{ key: ALICE, counts: true }],
  needs: {
    role: 'revoker',
    threshold: 1,
    missing: 0,
    each: [{ root: 3, threshold: 1, missing: 0 }],
  },
  envelope: '{}',
  ...rest,
})
export const REVOCATION = statement({
  payload: { target: { kind: 'principal', did: PLANNER }, message: 'planner compromised' },
})
const policy = (bundle: string, version: number, rest: Partial<StatementView>) =>
  statement({
    type: 'policy',
    needs: {
      role: 'policy',
      threshold: 2,
      missing: 0,
      each: [{ root: 3, threshold: 2, missing: 0 }],
    },
    payload: {
      bundle,
      version,
      mode: 'enforce',
      issued: '2026-11-22T10:00:00.000Z',
      message: 'CHG-812 forks may not deploy',
      policies: {},
    },
    ...rest,
  })
export const POLICIES: readonly StatementView[] = [
  policy('agents', 7, { id: id('c0de07') }),
  policy('agents', 6, { id: id('c0de06') }),
  policy('ci', 4, { id: id('c0de04') }),
  policy('ci', 5, {
    id: id('c0de51ff'),
    state: 'pending',
    needs: {
      role: 'policy',
      threshold: 2,
      missing: 1,
      each: [{ root: 3, threshold: 2, missing: 1 }],
    },
  }),
]

export const STATS: RecordStatsView = {
  by: ['code', 'principal'],
  counted: 88_106,
  unlisted: 4,
  from: '2026-11-20T08:00:00.000Z',
  to: RECORDS[0]?.time ?? null,
  stoppedAt: 120,
  groups: [
    { values: ['ALLOW', PLANNER], count: 81_004 },
    { values: ['SCOPE_EXCEEDED', PLANNER], count: 7_001 },
    { values: [null, null], count: 97 },
  ],
}

const named = (name: keyof typeof DIDS) => ({ did: DIDS[name], name })
export const MESH_RECORDS: MeshRecordListView = {
  ...listOf(
    'MeshRecordList',
    RECORDS.slice(0, 2).map((record, i) => ({
      ...record,
      node: named(i === 0 ? 'borealis' : 'atlas'),
    })),
  ),
  nodes: [
    { ...named('atlas'), why: null, count: 1, more: false },
    { ...named('borealis'), why: null, count: 1, more: true },
    { ...named('cygnus'), why: 'it does not answer', count: 0, more: true },
  ],
}

const searched = (
  results: CandidatesView['results'],
  denied: Readonly<Record<string, number>>,
) => ({
  results,
  page: { next_token: '' },
  context: { meshd: { hypothetical: true as const, judged: 5, denied } },
})

export const CANDIDATES: CandidatesView = searched(
  ['alice', 'erin', 'frank'].map((id) => ({ type: 'user', id })),
  { POLICY_NO_PERMIT: 1, REVOKED: 1 },
)
export const ACTIONS: CandidatesView = searched([], { AUTHORIZATION_MISSING: 5 })
const RUNNING: RunningView = {
  ...{ id: `sha256:9b31c07d${'0'.repeat(56)}`, state: 'running', leaseRemainingMs: 51_040 },
  ...{ principal: PLANNER, principalName: 'worker-9', action: 'tool:search' },
  ...{ resource: 'repo:acme/web', ageMs: 9_120 },
  process: { pid: 20_144, command: 'reindex.sh' },
}
const STOPPING: RunningView = {
  ...{ ...RUNNING, id: `sha256:2e90b4d6${'0'.repeat(56)}`, state: 'stopped' },
  ...{ leaseRemainingMs: null, principalName: null, process: null },
}

export const EXECUTIONS = listOf('ExecutionList', [RUNNING, STOPPING])
export const MESH_EXECUTIONS: MeshExecutionListView = {
  ...listOf('MeshExecutionList', [{ ...RUNNING, node: named('cygnus') }]),
  nodes: [
    { ...named('atlas'), why: null, count: 0, more: false },
    { ...named('borealis'), why: null, count: 0, more: false },
    { ...named('cygnus'), why: null, count: 1, more: false },
    { ...named('dorado'), why: 'no answer in time', count: 0, more: true },
  ],
}
