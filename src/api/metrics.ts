/**
 * What is counted and measured, for Prometheus (INTERFACE 6). Base units, and
 * never a principal, an artifact or another node as a label: labels are closed
 * sets, so that nobody outside can make them grow.
 *
 *     meshd_decisions_total{outcome="deny",code="REVOKED",gateway="none"} 3
 *
 * What happens is told by methods as it happens; what is, is asked for at each
 * scrape.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Decided } from '../daemon/decider.ts'
import { READ, type Route } from './router.ts'

/** How things stand at a scrape. */
export interface MetricsSnapshot {
  readonly ready: boolean
  /** 0 when none is held. */
  readonly leaseRemainingMs: number
  readonly leaseWitnesses: number
  readonly statements: readonly {
    readonly type: string
    readonly state: string
    readonly count: number
  }[]
  readonly policies: readonly { readonly bundle: string; readonly version: number }[]
  readonly evidence: number
  readonly peers: Readonly<Record<string, number>>
  readonly executions: Readonly<Record<'running' | 'stopped', number>>
  readonly logSize: number
  readonly logPublishedSize: number
  readonly logWitnessedSize: number
  readonly logMirroredSize: number
  /** Of other nodes' logs, held here. */
  readonly copies: { readonly logs: number; readonly bytes: number }
  readonly logQueue: number
  readonly diskReserveBytes: number
  /** null when no witness answered. */
  readonly clockOffsetMs: number | null
  readonly version: string
}

const MS = 1000
/** 100 µs to 50 ms, and what is worse. */
const DECISION_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.5, 2]
const SPREAD_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]
const COMMIT_BUCKETS = [0, 1, 2, 4, 8, 16, 32, 64, 128]
const DISK_BUCKETS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]

export class Metrics {
  readonly #registry = new Registry()
  readonly #snapshot: () => MetricsSnapshot
  readonly #decisions = this.#counter('decisions_total', 'decisions answered', [
    'outcome',
    'code',
    'gateway',
  ])
  readonly #durations = this.#histogram(
    'decision_duration_seconds',
    'from the arrival of a request to its answer',
    DECISION_BUCKETS,
    ['outcome'],
  )
  readonly #unrecorded = this.#counter('decisions_unrecorded_total', 'denials without a record')
  readonly #unidentified = this.#counter(
    'callers_unidentified_total',
    'connections that neither the kernel nor a socket of its own identified',
  )
  readonly #digests = this.#counter('governance_digest_changes_total', 'changes of governance')
  readonly #applied = this.#histogram(
    'revocation_apply_seconds',
    'from the signing of a revocation to its effect here',
    SPREAD_BUCKETS,
  )
  readonly #committed = this.#histogram(
    'revocation_commit_seconds',
    'from the acceptance of a revocation here to its commit by witnesses',
    SPREAD_BUCKETS,
  )
  readonly #rtt = this.#histogram('peer_rtt_seconds', 'round trips to peers', SPREAD_BUCKETS)
  readonly #syncs = this.#counter('sync_rounds_total', 'rounds of sync', ['result'])
  readonly #syncBytes = this.#counter('sync_bytes_total', 'bytes of sync, both ways')
  readonly #gossip = this.#counter('gossip_messages_total', 'gossip received', ['topic', 'result'])
  readonly #records = this.#counter('log_records_total', 'records appended', ['type'])
  readonly #commits = this.#histogram(
    'log_commit_seconds',
    'group commits of the log',
    DISK_BUCKETS,
  )
  readonly #commitSizes = this.#histogram(
    'log_commit_records',
    'records of one group commit',
    COMMIT_BUCKETS,
  )
  readonly #cosignatures = this.#counter(
    'cosignatures_total',
    'answers to requests to cosign a checkpoint: given here, received for the own log',
    ['side', 'result'],
  )
  readonly #storage = this.#counter('storage_errors_total', 'errors of the disk')
  readonly #reloads = this.#counter('config_reloads_total', 'reloads of the configuration', [
    'result',
  ])
  readonly #gauges = {
    ready: this.#gauge('ready', '1 unless this node fails closed now'),
    leaseRemaining: this.#gauge('lease_remaining_seconds', 'until this node stops allowing'),
    leaseWitnesses: this.#gauge('lease_witnesses', 'witnesses that the lease rests on'),
    statements: this.#gauge('governance_statements', 'statements held', ['type', 'state']),
    policies: this.#gauge('policy_info', 'versions in force', ['bundle', 'version']),
    evidence: this.#gauge('evidence_total', 'logs that have two histories'),
    peers: this.#gauge('peers', 'known nodes', ['state']),
    executions: this.#gauge('executions', 'executions open here', ['state']),
    logSize: this.#gauge('log_size', 'durable records'),
    published: this.#gauge('log_published_size', 'records under a signed checkpoint'),
    witnessed: this.#gauge('log_witnessed_size', 'records under a checkpoint of a quorum'),
    mirrored: this.#gauge('log_mirrored_size', 'records of which enough members hold a copy'),
    copies: this.#gauge('mirror_logs', "other nodes' logs of which this node holds a copy"),
    copyBytes: this.#gauge('mirror_bytes', 'bytes of their records'),
    queue: this.#gauge('log_queue', 'records that wait for the disk'),
    reserve: this.#gauge('disk_reserve_bytes', 'kept free for revocations'),
    clock: this.#gauge('clock_offset_seconds', "this clock against the witnesses' median"),
    build: this.#gauge('build_info', 'always 1', ['version']),
  } as const

  constructor(snapshot: () => MetricsSnapshot) {
    this.#snapshot = snapshot
  }

  decided({ denial, record, durationMs }: Decided, gateway: string | null): void {
    const outcome = denial === null ? 'allow' : 'deny'
    this.#decisions.inc({ outcome, code: denial?.code ?? 'none', gateway: gateway ?? 'none' })
    this.#durations.observe({ outcome }, durationMs / MS)
    if (record === null) this.#unrecorded.inc()
  }

  unidentified(): void {
    this.#unidentified.inc()
  }

  digestChanged(): void {
    this.#digests.inc()
  }

  revocationApplied(ms: number): void {
    this.#applied.observe(ms / MS)
  }

  revocationCommitted(ms: number): void {
    this.#committed.observe(ms / MS)
  }

  peerRtt(ms: number): void {
    this.#rtt.observe(ms / MS)
  }

  synced(result: 'ok' | 'failed', bytes: number): void {
    this.#syncs.inc({ result })
    this.#syncBytes.inc(bytes)
  }

  cosigned(side: 'given' | 'received', result: string): void {
    this.#cosignatures.inc({ side, result })
  }

  gossiped(topic: string, result: 'accept' | 'ignore' | 'reject'): void {
    this.#gossip.inc({ topic, result })
  }

  appended(type: string): void {
    this.#records.inc({ type })
  }

  /** One group commit. */
  committed(records: number, ms: number): void {
    this.#commits.observe(ms / MS)
    this.#commitSizes.observe(records)
  }

  storageFailed(): void {
    this.#storage.inc()
  }

  reloaded(result: 'applied' | 'rejected'): void {
    this.#reloads.inc({ result })
  }

  /** The page of a scrape. */
  async text(): Promise<string> {
    this.#collect(this.#snapshot())
    return this.#registry.metrics()
  }

  get type(): string {
    return this.#registry.contentType
  }

  #collect(now: MetricsSnapshot): void {
    const all = this.#gauges
    all.ready.set(now.ready ? 1 : 0)
    all.leaseRemaining.set(now.leaseRemainingMs / MS)
    all.leaseWitnesses.set(now.leaseWitnesses)
    // What is no longer there must not stay on the page.
    for (const gauge of [all.statements, all.policies, all.peers]) gauge.reset()
    for (const { type, state, count } of now.statements) all.statements.set({ type, state }, count)
    for (const { bundle, version } of now.policies)
      all.policies.set({ bundle, version: String(version) }, 1)
    for (const [state, count] of Object.entries(now.peers)) all.peers.set({ state }, count)
    for (const [state, count] of Object.entries(now.executions))
      all.executions.set({ state }, count)
    all.evidence.set(now.evidence)
    all.logSize.set(now.logSize)
    all.published.set(now.logPublishedSize)
    all.witnessed.set(now.logWitnessedSize)
    all.mirrored.set(now.logMirroredSize)
    all.copies.set(now.copies.logs)
    all.copyBytes.set(now.copies.bytes)
    all.queue.set(now.logQueue)
    all.reserve.set(now.diskReserveBytes)
    // NaN is Prometheus' own word for what is not known.
    all.clock.set(now.clockOffsetMs === null ? Number.NaN : now.clockOffsetMs / MS)
    all.build.set({ version: now.version }, 1)
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[] = []) {
    return new Counter<T>({
      name: `meshd_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    })
  }

  #gauge<T extends string>(name: string, help: string, labelNames: readonly T[] = []) {
    return new Gauge<T>({
      name: `meshd_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    })
  }

  #histogram<T extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly T[] = [],
  ) {
    return new Histogram<T>({
      name: `meshd_${name}`,
      help,
      buckets: [...buckets],
      labelNames: [...labelNames],
      registers: [this.#registry],
    })
  }
}

export function metricsRoutes(metrics: Metrics): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      roles: READ,
      handle: async () => ({ status: 200, type: metrics.type, body: await metrics.text() }),
    },
  ]
}
