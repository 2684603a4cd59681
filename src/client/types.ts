/**
 * The JSON of the local API, version meshd/v1: what the daemon answers, what
 * the command line and other programs read. A field is never removed or
 * re-typed within v1. Ids are full, times are RFC 3339 UTC with milliseconds,
 * durations are milliseconds.
 */

import type { ProblemCode } from '../core/problems.ts'
import type { ReasonCode } from '../core/reasons.ts'
import type { PeerView } from './peer-types.ts'

/** RFC 9457, with our code and hint. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ProblemCode
  readonly hint: string
}

/** A list or a view: what it is, when and where it was seen from. */
export interface View<Kind extends string, Body> {
  readonly apiVersion: 'meshd/v1'
  readonly kind: Kind
  readonly generatedAt: string
  /** Name of the node that answered; a partial view never pretends to be the mesh's. */
  readonly seenFrom: string
  readonly item: Body
}
export interface ListView<Kind extends string, Item> extends Omit<View<Kind, never>, 'item'> {
  readonly items: readonly Item[]
}

export interface LeaseView {
  readonly held: boolean
  readonly witnesses: number
  readonly need: number
  readonly of: number
  /** Of the lease as it stands; null when none is held. */
  readonly remainingMs: number | null
  readonly stalenessMs: number
  readonly skewMs: number
  readonly why: string | null
  readonly clockOffsetMs: number | null
  readonly clockTrusted: boolean
}

export interface BundleView {
  readonly bundle: string
  readonly version: number | null
  readonly mode: 'enforce' | 'observe' | null
  readonly id: string | null
  readonly observing: number | null
  /** The revocation of the version in force, which so allows nothing; null when there is none. */
  readonly revoked: string | null
  /** Why this bundle denies everything; null when it does not. */
  readonly conflict: string | null
}

/** GET /v1/status; on meshd.sock without peers, addresses and sockets. */
export interface StatusView {
  readonly node: {
    readonly name: string
    readonly did: string
    readonly pid: number
    readonly version: string
    readonly startedAt: string
  }
  readonly ready: boolean
  /** Each reason why this node fails closed now, as `CODE: sentence`. */
  readonly notReady: readonly string[]
  readonly alone: boolean
  readonly mesh: { readonly id: string; readonly name: string } | null
  readonly root: {
    readonly version: number
    readonly id: string
    readonly expiresAt: string
  } | null
  readonly governance: {
    readonly digest: string
    readonly size: number
    readonly revocations: number
    readonly freezes: number
    readonly bundles: readonly BundleView[]
    readonly conflicts: number
    readonly evidence: number
    readonly pending: number
    readonly disputed: readonly string[]
  }
  readonly lease: LeaseView
  readonly log: {
    readonly origin: string | null
    readonly epoch: number
    readonly size: number
    readonly published: number
    /** Under a checkpoint that a quorum of witnesses cosigned. */
    readonly witnessed: number
    /** Of those, held by as many members as `audit.mirror` asks for; null where it asks for none. */
    readonly mirrored: number | null
    readonly sealed: string | null
    /** Records that this disk had lost, or had damaged, and that came back from mirrors since the start. */
    readonly restored: number
    readonly scrubbed: number
    readonly low: boolean
  }
  readonly listen: readonly string[]
  readonly sockets: readonly { readonly path: string; readonly mode: string }[]
  readonly peers: readonly PeerView[]
  readonly isolated: boolean
  readonly executions: number
}

export type StatementState = 'effective' | 'pending' | 'disarmed' | 'conflict'

/** GET /v1/statements?type=&state=, /v1/statements/{id}; POST /v1/statements takes an envelope. */
export interface StatementView {
  readonly id: string
  readonly type: 'root' | 'member' | 'policy' | 'revocation' | 'freeze' | 'epoch' | 'evidence'
  readonly state: StatementState
  /** The payload as it was signed. */
  readonly payload: { readonly [field: string]: unknown }
  readonly signatures: readonly { readonly key: string; readonly counts: boolean }[]
  /** Of the roles that have to sign the one that misses most; and each, for a root its own and the last one's. */
  readonly needs: {
    readonly role: string
    readonly threshold: number
    readonly missing: number
    readonly each: readonly {
      readonly root: number
      readonly threshold: number
      readonly missing: number
    }[]
  }
  /** The DSSE envelope, canonical JSON. */
  readonly envelope: string
}

/** GET /v1/spread?id=…: who applied a statement, asked of every member now; committed counts witnesses of the newest root. */
export interface SpreadView {
  readonly id: string
  readonly state: StatementState
  /** null when that was before this start of the daemon. */
  readonly acceptedAt: string | null
  readonly nodes: readonly {
    readonly did: string
    readonly name: string | null
    readonly role: 'witness' | 'member'
    readonly applied: boolean
    readonly appliedMs: number | null
    readonly unreachable: string | null
  }[]
  readonly write: number
  readonly witnessesHolding: number
  readonly committedMs: number | null
  readonly committedAt: string | null
  /** No node allows what it covers later than this; null before the commit. */
  readonly boundAt: string | null
  readonly stalenessMs: number
  readonly skewMs: number
}

/** GET /v1/governance */
export interface GovernanceView {
  readonly mesh: string | null
  readonly meshName: string | null
  readonly digest: string
  readonly size: number
  readonly rootVersion: number | null
  readonly bundles: readonly BundleView[]
  readonly disputed: readonly string[]
  readonly freezes: readonly {
    readonly scope: string
    readonly version: number
    readonly frozen: boolean
    readonly id: string
    readonly message: string | null
  }[]
  readonly revocations: number
  readonly pending: number
  readonly opened: number | null
  readonly bootCheck: string | null
}

/** GET /v1/root: the newest root and the chain to it. */
export interface RootView {
  readonly mesh: string
  readonly name: string
  readonly version: number
  readonly id: string
  readonly previous: string | null
  readonly issuedAt: string
  readonly expiresAt: string
  readonly roles: {
    readonly [role: string]: { readonly keys: readonly string[]; readonly threshold: number }
  }
  readonly witnesses: readonly string[]
  readonly lease: {
    readonly read: number
    readonly write: number
    readonly faults: number
    readonly stalenessMs: number
    readonly skewMs: number
  }
  readonly limits: { readonly artifactTtlMs: number }
  readonly history: readonly {
    readonly version: number
    readonly id: string
    readonly issuedAt: string
    readonly signatures: number
    readonly message: string | null
  }[]
}

/** GET /v1/drift */
export interface DriftView {
  readonly did: string
  readonly name: string | null
  readonly missing: readonly string[]
  readonly missingCount: number | null
  readonly since: string | null
  readonly deniesFrom: string | null
  readonly cause: 'syncing' | 'unreachable' | 'none'
}

export interface CheckView {
  readonly n: number
  readonly name: string
  /** null: it rests on a check that failed. */
  readonly ok: boolean | null
  readonly code: ReasonCode | null
  readonly detail: string
}

/** `context.meshd` of an AuthZEN answer, POST /v1/executions, POST /v1/explain. */
export interface DecisionView {
  readonly decision: boolean
  /** Record id; null when a deny could not be recorded, and for a hypothetical one. */
  readonly id: string | null
  readonly code: ReasonCode | null
  readonly detail: string | null
  readonly leaseUntil: string | null
  /** The same, from when the daemon answered; callers count from when they asked. */
  readonly leaseRemainingMs: number | null
  readonly record: { readonly log: string; readonly index: number } | null
  readonly artifact: string | null
  readonly principal: string | null
  readonly principalName: string | null
  readonly policies: readonly {
    readonly bundle: string
    readonly version: number
    readonly policy: string
  }[]
  readonly checks: readonly CheckView[]
  readonly mend: readonly string[]
  readonly observed: { readonly decision: boolean; readonly policies: readonly string[] } | null
  readonly durationMs: number
}

/** GET /v1/records?…, /v1/records/{id}; GET /v1/decisions/{id|last} has the same shape. */
export interface RecordView {
  readonly id: string
  readonly index: number
  readonly epoch: number
  readonly time: string
  readonly type: 'decision' | 'outcome' | 'statement' | 'artifact' | 'system' | 'epoch'
  /** A checkpoint covers what is published; `need` witnesses cosigned one that covers what is witnessed; `wanted` members hold a copy of what is mirrored. */
  readonly state: 'durable' | 'published' | 'witnessed' | 'mirrored'
  /** How many cosigned a checkpoint that covers it, of how many; null where nobody knows. */
  readonly witnesses: {
    readonly cosigned: number
    readonly need: number
    readonly of: number
  } | null
  /** How many members hold a copy of it, of how many that `audit.mirror` asks for; null where none is wanted, or nobody knows. */
  readonly mirrors: { readonly holding: number; readonly wanted: number } | null
  /** The leaf, exactly. */
  readonly leaf: { readonly [field: string]: unknown }
  /** Where the leaf only commits to values: those that are disclosed, checked, by their place in it; and the places of the others. */
  readonly committed?: {
    readonly disclosed: { readonly [place: string]: unknown }
    readonly redacted: readonly string[]
  }
}

/** GET /v1/records/{id}/receipt */
export interface ReceiptView {
  readonly record: string
  readonly index: number
  /** Records under the checkpoint. */
  readonly size: number
  readonly cosigned: readonly { readonly witness: string; readonly time: string }[]
  /** The file, as C2SP tlog-proof has it (docs/evidence.md). */
  readonly receipt: string
}

/** GET /v1/trust */
export interface TrustView {
  /** The file, for `meshd verify --trust` (docs/evidence.md). */
  readonly trust: string
}

/** POST /v1/executions answers a DecisionView with `execution`; GET /v1/executions/{id}/watch long-polls. */
export interface ExecutionView {
  readonly id: string
  readonly state: 'running' | 'stopped' | 'ended'
  readonly leaseRemainingMs: number | null
  readonly stop: {
    readonly code: ReasonCode
    readonly detail: string
    readonly statement: string | null
  } | null
  readonly outcome: {
    readonly kind: 'ok' | 'failed' | 'stopped' | 'unknown'
    readonly status: number | null
  } | null
}

/** GET /v1/wallet */
export interface HeldArtifactView {
  readonly cid: string
  readonly caller: string
  readonly principal: string
  readonly actions: readonly string[]
  readonly resource: string
  readonly expiresAt: string
  readonly state: 'valid' | 'expired' | 'revoked' | 'not yet valid'
}

/** GET, POST /v1/invites; the line is shown once, when it is made. */
export interface InviteView {
  readonly id: string
  readonly name: string | null
  readonly expiresAt: string
  readonly state: 'open' | 'redeemed' | 'expired' | 'revoked'
  readonly redeemedBy: string | null
  readonly line: string | null
}

/** GET /v1/callers: local callers and the keys the daemon keeps for them. */
export interface CallerView {
  readonly caller: string
  readonly name: string | null
  readonly principal: string
}

/** POST /v1/config/reload: what took effect, what waits for a restart, and why nothing did. */
export interface ReloadView {
  readonly applied: readonly string[]
  readonly restart: readonly string[]
  readonly rejected: string | null
}

/** POST /v1/policies/check */
export interface PolicyCheckView {
  readonly policies: number
  readonly tests: number
  readonly problems: readonly {
    readonly where: string
    readonly says: string
    readonly kind: 'syntax' | 'schema' | 'rule' | 'test'
  }[]
}

/** GET /v1/doctor */
export interface DoctorView {
  readonly groups: readonly {
    readonly name: string
    readonly findings: readonly {
      readonly level: 'ok' | 'warning' | 'error'
      readonly says: string
      readonly fix: string | null
    }[]
  }[]
}
