/**
 * One small world to judge in: alice is an issuer, bob holds what she gave him,
 * atlas is the node that decides. Everything is in order until a test changes it.
 */
import {
  ARGS,
  atlas,
  borealis,
  close,
  type Fields,
  link,
  NOW_S,
  person,
} from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { logOrigin } from '../../src/core/checkpoint.ts'
import { parseDelegation } from '../../src/core/delegation.ts'
import { type Facts, NO_HOST, NO_PROCESS } from '../../src/core/facts.ts'
import { idOf } from '../../src/core/id.ts'
import { parseInvocation } from '../../src/core/invocation.ts'
import type { Json } from '../../src/core/json.ts'
import type { JudgeInput, Judgement } from '../../src/core/judgement.ts'
import type { Did } from '../../src/core/keys.ts'
import type { LeaseStatus } from '../../src/core/lease.ts'
import type { Caller, Governed, Presented } from '../../src/core/presented.ts'
import { type Request, readRequest } from '../../src/core/request.ts'
import type { Evidence } from '../../src/core/statement/evidence.ts'
import { type Freeze, type Scope, scopeKey } from '../../src/core/statement/freeze.ts'
import type { Member } from '../../src/core/statement/member.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import type { Revocation, Target } from '../../src/core/statement/revocation.ts'
import type { Root } from '../../src/core/statement/root.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { PERMIT, policyOf } from './bundles.ts'

export const [ALICE, BOB] = [person(0).did, person(1).did] as const
export const NOW_MS = NOW_S * 1000
const HOUR_MS = 3_600_000
export const MESH = idOf(utf8('mesh'))

export const OPEN = `
  entity principal; entity Any;
  action "*" appliesTo { principal: [principal, Any], resource: [Any] };`

export const GRANTED = policyOf(PERMIT, { bundle: 'agents', version: 7, schema: OPEN })

const role = (...keys: Did[]) => ({ keys, threshold: 1 })

export const ROOT: Root = {
  type: 'root',
  id: MESH,
  mesh: 'prod',
  version: 3,
  previous: null,
  issuedMs: NOW_MS - HOUR_MS,
  expiresMs: NOW_MS + HOUR_MS,
  roles: {
    root: role(ALICE),
    policy: role(ALICE),
    issuer: role(ALICE),
    revoker: role(ALICE),
    admitter: role(ALICE),
    breakglass: role(ALICE),
  },
  witnesses: [atlas.did, borealis.did],
  lease: { read: 1, write: 2, faults: 0, stalenessMs: 60_000, skewMs: 2_000 },
  limits: { artifactTtlMs: 30 * 24 * HOUR_MS },
  keeps: [],
  lifts: [],
  floors: new Map(),
  message: null,
}

/** What the tests set of governance. */
export interface GovernanceFields {
  readonly root?: Root | null
  readonly disputed?: Governed['disputed']
  readonly members?: readonly Did[]
  readonly memberExpiresMs?: number
  readonly policies?: readonly Policy[]
  readonly conflict?: string
  readonly revoked?: readonly Target[]
  readonly untilMs?: number
  readonly frozen?: readonly Scope[]
  readonly distrusted?: readonly Did[]
  /** Whose first log has two histories, and a root lifted it. */
  readonly lifted?: readonly Did[]
}

const common = { mesh: MESH, root: 3, issuedMs: NOW_MS - 1000, message: 'INC-9' }

export function governance(fields: GovernanceFields = {}): Governed {
  const { root = ROOT, disputed = [], frozen = [], members = [atlas.did, borealis.did] } = fields
  return {
    mesh: MESH,
    root,
    disputed,
    digest: '5c1e09aa'.repeat(8),
    arriving: [],
    members: new Map(members.map((did) => [did, member(did, fields.memberExpiresMs)])),
    bundles: new Map(
      (fields.policies ?? [GRANTED]).map((inForce) => {
        const { bundle } = inForce
        const conflict = fields.conflict ?? null
        return [bundle, { bundle, inForce, observed: null, conflict, versions: [] }]
      }),
    ),
    freezes: new Map(frozen.map((scope) => [scopeKey(scope), freeze(scope)])),
    revocations: revocations(fields.revoked ?? [], fields.untilMs ?? NOW_MS + HOUR_MS),
    distrusted: new Map((fields.distrusted ?? []).map((did) => [did, evidence(did)])),
    evidence: new Map(
      (fields.lifted ?? []).map((did) => [
        logOrigin(MESH, did, 1),
        { evidence: evidence(did), lifted: true },
      ]),
    ),
  }
}

function member(principal: Did, expiresMs = NOW_MS + HOUR_MS): Member {
  const keys = { principal, log: principal, witness: principal }
  const rest = { version: 1, name: 'atlas', labels: new Map(), expiresMs, witnessEligible: true }
  return { type: 'member', id: MESH, ...common, ...keys, ...rest }
}

/** As much of it as a judgement shows. */
function evidence(node: Did): Evidence {
  const whose = { mesh: MESH, node, log: node, origin: 'a log', epoch: 1 }
  const said = { first: '', second: '', firstSize: 7, secondSize: 7, proof: [] }
  return { type: 'evidence', id: MESH, ...whose, ...said }
}

function freeze(scope: Scope): Freeze {
  return { type: 'freeze', id: MESH, ...common, scope, version: 1, frozen: true }
}

function revocations(targets: readonly Target[], untilMs: number): Governed['revocations'] {
  const find = (wanted: (target: Target) => boolean): Revocation | null => {
    const target = targets.find(wanted)
    if (target === undefined) return null
    return { type: 'revocation', id: MESH, ...common, target, untilMs, chain: [] }
  }
  return {
    size: targets.length,
    covers: () => false,
    link: (cid) => find((t) => t.kind === 'link' && t.cid === cid),
    did: (kind, did) => find((t) => t.kind === kind && 'did' in t && t.did === did),
    policy: (bundle, version) =>
      find((t) => t.kind === 'policy' && t.bundle === bundle && t.version === version),
    execution: (record) => find((t) => t.kind === 'execution' && t.record === record),
  }
}

export function facts(
  env: Readonly<Record<string, string>> = {},
  bundles: Readonly<Record<string, number>> = { agents: 7 },
): Facts {
  return {
    node: { id: atlas.did, name: 'atlas', labels: new Map([['site', 'a']]) },
    runtime: {
      ...NO_PROCESS,
      attested: new Map(),
      uid: 1001,
      gid: 1001,
      pid: 77,
      socket: '/run/meshd/meshd.sock',
    },
    env: { ...NOTHING_MEASURED, labels: new Map(Object.entries(env)) },
    gov: { mesh: MESH, root: 3, digest: '0'.repeat(64), bundles: new Map(Object.entries(bundles)) },
  }
}

/** Of a host without labels, files and collectors, whose kernel says nothing. */
export const NOTHING_MEASURED: Facts['env'] = {
  labels: new Map(),
  files: new Map(),
  host: NO_HOST,
  collected: new Map(),
}

export const HELD: LeaseStatus = {
  held: true,
  witnesses: [atlas.did, borealis.did],
  need: 2,
  of: 2,
  untilMs: 42_000,
  clockOffsetMs: 3,
  clockTrusted: true,
  why: null,
}
export const LOST: LeaseStatus = {
  ...HELD,
  held: false,
  witnesses: [atlas.did],
  untilMs: 0,
  why: '1 of 2 witnesses confirmed this state in the last 60 s',
}

export const CALLER: Caller = {
  principal: BOB,
  name: 'bob',
  uid: 1001,
  gid: 1001,
  pid: 77,
  socket: '/run/meshd/meshd.sock',
  asserts: [],
  identified: true,
}

/** What alice gave bob, and bob's word on what he asks for. */
export function presented(delegation: Fields = {}, invocation: Fields = {}): Presented {
  const tokens = [link(0, delegation)]
  return presentedOf(tokens, close(tokens, invocation))
}

export function presentedOf(tokens: readonly Uint8Array[], invocation: Uint8Array): Presented {
  return {
    kind: 'artifact',
    links: tokens.map(parseDelegation),
    invocation: parseInvocation(invocation),
    source: 'explicit',
  }
}

const BODY = {
  action: { name: ARGS.action, properties: ARGS.args },
  resource: ARGS.resource,
}

export function request(
  over: { readonly [member: string]: Json } = {},
  cause: string | null = null,
): Request {
  return readRequest({ ...BODY, ...over }, { cause, traceparent: null })
}

const engines = new Map<string, CedarEngine>()

/** The same one for the same policies: what it costs is to compile them. */
function engineOf(policies: readonly Policy[]): CedarEngine {
  const key = policies.map(({ id }) => id).join(' ')
  const known = engines.get(key)
  if (known !== undefined) return known
  const engine = new CedarEngine()
  engine.load(policies, [])
  engines.set(key, engine)
  return engine
}

/** A judgement's input in which everything is in order. */
export function input(over: Partial<JudgeInput> = {}): JudgeInput {
  const given = over.governance ?? governance()
  return {
    request: request(),
    presented: presented(),
    parent: null,
    caller: CALLER,
    governance: given,
    facts: facts(),
    lease: HELD,
    leaseWithin: () => HELD,
    seen: () => false,
    nowMs: NOW_MS,
    monotonicMs: 0,
    policy: engineOf([...given.bundles.values()].flatMap(({ inForce }) => inForce ?? [])),
    nameOf: (did) => NAMES.get(did) ?? null,
    ...over,
  }
}

const NAMES = new Map<string, string>([
  [ALICE, 'alice'],
  [BOB, 'bob'],
  [atlas.did, 'atlas'],
  [borealis.did, 'borealis'],
])

/** For the message of a failed assertion. */
export function why({ denial }: Judgement): string {
  return denial === null ? 'allowed' : `${denial.code}: ${denial.detail}`
}
