/** What looking through records answers: pages, and counts. */
import type { ListView, RecordView } from './types.ts'

/** GET /v1/records, GET /v1/records/tail */
export interface RecordListView extends ListView<'RecordList', RecordView> {
  /** Of a list the `before` of its next page, null at the beginning of the log; of a tail its next `after`. */
  readonly next: number | null
  /** The search ended at a bound: records below `next` were not looked at. */
  readonly stopped: boolean
  /** Records below this index were pruned. */
  readonly pruned: number
}

export const STATS_BY = ['code', 'principal', 'action', 'resource', 'type', 'outcome'] as const
export type StatsBy = (typeof STATS_BY)[number]

/** GET /v1/records/stats: how many records share what is asked for, the most first. */
export interface RecordStatsView {
  readonly by: readonly StatsBy[]
  /** Records that match the filter, each in one group. */
  readonly counted: number
  /** Those of groups that are not listed. */
  readonly unlisted: number
  /** The first and the last record that was counted; null for none. */
  readonly from: string | null
  readonly to: string | null
  /** The search ended at a bound: records below this index were not counted; null when all were. */
  readonly stoppedAt: number | null
  readonly groups: readonly RecordGroup[]
}

export interface RecordGroup {
  /** In the order of `by`; null where a record has none. */
  readonly values: readonly (string | null)[]
  readonly count: number
}

/** POST /v1/log/prune */
export interface PruneView {
  /** Records [from, to) would go, or went. */
  readonly from: number
  readonly to: number
  /** Records below it are under a checkpoint that the quorum cosigned: only those may go. */
  readonly witnessed: number
  readonly size: number
  /** What `audit.retention` keeps. */
  readonly retentionMs: number
  /** Whether it was carried out. */
  readonly done: boolean
}

/** POST /v1/log/redact */
export interface RedactionView {
  /** Records of which something is disclosed, and goes or went; and how many values of them. */
  readonly records: number
  readonly values: number
  readonly done: boolean
}

export interface MeshRecordView extends RecordView {
  /** In whose log it is proven to be. */
  readonly node: { readonly did: string; readonly name: string | null }
}

export interface MeshNodeView {
  readonly did: string
  readonly name: string | null
  /** Why nothing of it is shown; null for one that answered. */
  readonly why: string | null
  /** Records of it that were proven. */
  readonly count: number
  /** It has more that match, or nobody knows. */
  readonly more: boolean
}

/** GET /v1/mesh/records: what a node leaves out nobody can prove. */
export interface MeshRecordListView extends ListView<'MeshRecordList', MeshRecordView> {
  readonly nodes: readonly MeshNodeView[]
}

/** POST /access/v1/search/subject, resource, action: AuthZEN's answer, and how it came about. */
export interface CandidatesView {
  readonly results: readonly CandidateView[]
  /** '' at the end. */
  readonly page: { readonly next_token: string }
  readonly context: {
    readonly meshd: {
      /** Nothing was recorded, and nothing of it may be acted on. */
      readonly hypothetical: true
      readonly judged: number
      /** How many of them would be denied, by reason code. */
      readonly denied: { readonly [code: string]: number }
    }
  }
}

/** A subject or a resource by its type and id, an action by its name. */
export interface CandidateView {
  readonly type?: string
  readonly id?: string
  readonly name?: string
}
