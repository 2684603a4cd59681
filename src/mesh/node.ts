/**
 * One node of a mesh: its parts (node-parts.ts), the loops that keep them
 * going, and what is asked of all of them together. It decides nothing.
 *
 * A loop that ends with an error is a node that no longer does its part. It is
 * told once and the node stops: what is gone cannot be doubted away.
 */
import { toHex } from '../core/bytes.ts'
import { checkStanding } from '../core/checks/governance.ts'
import { leaseDenial } from '../core/checks/lease.ts'
import type { Did } from '../core/keys.ts'
import {
  BOOT_RETRY_MS,
  EPOCH_LOOK_MS,
  NONCES_EXPIRE_MS,
  NONCES_EXPIRED_MAX,
  NONCES_REST_MS,
} from '../core/limits.ts'
import { rootHash } from '../core/merkle.ts'
import type { Denial } from '../core/reasons.ts'
import { formatDraft } from '../core/record.ts'
import type { Epoch } from '../core/statement/epoch.ts'
import type { Joined, JoinOptions } from './join.ts'
import type { Lineage } from './lineage.ts'
import type { MeshSearch } from './mesh-search.ts'
import {
  type Deciding,
  type Freshness,
  type Knowledge,
  type NodePorts,
  openDeciding,
  openFreshness,
  openKnowledge,
  openLineage,
  openOwnHeads,
  openWitnessing,
  originOf,
  unwritable,
  type Witnessing,
} from './node-parts.ts'
import { openMend, openRefetch } from './node-recovery.ts'
import { Pace } from './pace.ts'
import { Scrub } from './scrub.ts'

export type { NodePorts, NodeTeller } from './node-parts.ts'

export class MeshNode {
  readonly self: Did
  readonly log: Knowledge['log']
  readonly reader: Knowledge['reader']
  readonly statements: Knowledge['statements']
  readonly publisher: Knowledge['publisher']
  readonly addresses: Knowledge['addresses']
  readonly invites: Knowledge['invites']
  readonly door: Knowledge['door']
  readonly heard: Freshness['heard']
  readonly heads: Freshness['heads']
  readonly ownHeads: ReturnType<typeof openOwnHeads>
  readonly boot: Freshness['boot']
  readonly handover: Freshness['handover']
  readonly voice: Freshness['voice']
  readonly lease: Freshness['lease']
  readonly spreadView: Freshness['spreadView']
  readonly drift: Freshness['drift']
  readonly lineage: Lineage
  readonly meshSearch: MeshSearch
  readonly nonces: Deciding['nonces']
  readonly executions: Deciding['executions']
  readonly authorizer: Deciding['authorizer']
  readonly witness: Witnessing['witness']
  readonly cosigned: Knowledge['cosigned']
  readonly mirror: Witnessing['mirror']
  readonly mirroring: Witnessing['mirroring']
  readonly records: Witnessing['records']
  readonly scrub: Scrub
  readonly refetch: ReturnType<typeof openRefetch>
  readonly mend: ReturnType<typeof openMend>
  /** Loops that show this log to others, and theirs to this node. */
  readonly #vouching: readonly { run(signal: AbortSignal): Promise<void> }[]
  readonly #ports: NodePorts
  readonly #knowledge: Knowledge
  readonly #history: Freshness['history']
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** Who waits for the log to grow. */
  readonly #waiting = new Set<Pace>()

  private constructor(
    ports: NodePorts,
    known: Knowledge,
    fresh: Freshness,
    witnessing: Witnessing,
    deciding: Deciding,
  ) {
    this.#ports = ports
    this.#knowledge = known
    this.self = ports.network.self
    this.log = known.log
    this.reader = known.reader
    this.statements = known.statements
    this.publisher = known.publisher
    this.addresses = known.addresses
    this.invites = known.invites
    this.door = known.door
    this.heard = fresh.heard
    this.heads = fresh.heads
    this.ownHeads = openOwnHeads(ports, known, fresh)
    this.#history = fresh.history
    this.boot = fresh.boot
    this.handover = fresh.handover
    this.voice = fresh.voice
    this.lease = fresh.lease
    this.spreadView = fresh.spreadView
    this.drift = fresh.drift
    this.cosigned = known.cosigned
    this.witness = witnessing.witness
    this.mirror = witnessing.mirror
    this.mirroring = witnessing.mirroring
    this.records = witnessing.records
    const { lineage, meshSearch } = openLineage(ports, known, witnessing, deciding)
    this.lineage = lineage
    this.meshSearch = meshSearch
    const { cosigning, exchange, mirroring } = witnessing
    this.#vouching = [cosigning, mirroring, exchange, fresh.equivocation]
    this.nonces = deciding.nonces
    this.executions = deciding.executions
    this.authorizer = deciding.authorizer
    this.refetch = openRefetch(ports, known, fresh, deciding)
    this.mend = openMend(ports, known, (indexes) => this.#mended(indexes))
    known.log.onDurable(() => {
      for (const pace of this.#waiting) pace.wake()
    })
    this.scrub = Scrub.open({ store: ports.store, clock: ports.clock, log: known.log })
  }

  /** Opens what is on disk and checks it; listens to nobody yet. @throws MeshError LOG_DAMAGED */
  static async open(ports: NodePorts): Promise<MeshNode> {
    const knowledge = await openKnowledge(ports)
    const freshness = await openFreshness(ports, knowledge)
    const witnessing = await openWitnessing(ports, knowledge, freshness)
    const deciding = await openDeciding(ports, knowledge, witnessing)
    return new MeshNode(ports, knowledge, freshness, witnessing, deciding)
  }

  /** Listens, dials, and runs every loop. @throws MeshError NOT_READY when it cannot listen */
  async start(): Promise<void> {
    const { network } = this.#ports
    await network.start(this.door)
    this.addresses.start()
    const { signal } = this.#stopping
    const { sync, announcer, chronicle } = this.#knowledge
    const loops = [this.boot, this.refetch, this.handover, this.lease, this.executions]
    const spreading = [sync, announcer, this.door]
    const own = [chronicle, this.publisher, this.scrub, this.mend]
    const all = [...loops, ...spreading, ...own, ...this.#vouching]
    const runs = [
      ...all.map((part) => part.run(signal)),
      this.#retire(signal),
      this.#forgetUsed(signal),
    ]
    this.#running = Promise.all(runs).then(() => {})
  }

  /** Rejects with what ended a loop; resolves after stop. */
  get running(): Promise<void> {
    return this.#running
  }

  /** Lets nothing new begin, and waits for what was begun. The store stays open. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ports.network.stop()
    // What ended a loop was told where it was run.
    await this.#running.catch(() => {})
    await this.log.close()
  }

  /** Each reason why it would deny everything now, in the order of the checks; [] when there is none. */
  notReady(): readonly Denial[] {
    const { clock } = this.#ports
    const { governance } = this.statements
    const standing = checkStanding(governance, this.self, clock.wallMs())
    const lease = leaseDenial({ lease: this.lease.status(), policy: null }, clock.monotonicMs())
    const policy: Denial | null =
      governance.root !== null && governance.bundles.size === 0
        ? { code: 'POLICY_NO_PERMIT', detail: 'no policy is in force' }
        : null
    const why = unwritable(this.#ports, this.#knowledge)
    const audit: Denial | null = why === null ? null : { code: 'AUDIT_UNAVAILABLE', detail: why }
    return [standing, lease, policy, audit].filter((each) => each !== null)
  }

  /** The name of its log; null without a mesh. */
  origin(): string | null {
    return originOf(this.statements, this.self, this.log.epoch)
  }

  pendingCount(): number {
    let count = 0
    for (const { state } of this.statements.all()) if (state === 'pending') count += 1
    return count
  }

  /** Dials a node, says hello, and pins its mesh if that is wanted. @throws MeshError */
  join(target: string, options: JoinOptions): Promise<Joined> {
    return this.door.join(target, options)
  }

  /** How many statements a node lacked when it last spoke; null when that is not known. */
  behind(node: Did): number | null {
    if (node === this.self) return 0
    const word = this.heard.last(node)
    const place = word === null ? null : this.#history.placeOf(word.digest)
    return place === null ? null : this.#history.newest - place
  }

  /** Why only governance is written, for want of room; null while there is enough. */
  get low(): string | null {
    return this.#ports.store.low
  }

  /** Resolves when the log is longer than size, or after ms. */
  async grown(size: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.log.tree.size > size) return
    const pace = new Pace(this.#ports.clock)
    this.#waiting.add(pace)
    await pace.wait(ms, AbortSignal.any([signal, this.#stopping.signal]))
    this.#waiting.delete(pace)
  }

  /** From here on it may append: nothing that was signed before can contradict it. */
  #open(): void {
    this.log.openForAppends()
    const { root } = this.statements.governance
    const detail = `epoch ${this.log.epoch}, ${this.log.tree.size} records, root v${root?.version ?? 0}`
    this.#record('started', detail)
    const { restored } = this.refetch
    if (restored === null) return
    const { from, to, mirror } = restored
    this.#record(
      'restored',
      `records ${from} to ${to - 1} of epoch ${restored.epoch} from ${mirror}`,
    )
  }

  #mended(indexes: readonly number[]): void {
    const [first, ...more] = indexes
    const others = more.length === 0 ? '' : ` and ${more.length} more`
    const detail = `record ${first}${others} of epoch ${this.log.epoch} had been damaged`
    this.#ports.tell.problem('damaged records came back from a mirror', { records: indexes.length })
    // Another record of the time before the boot check, where it was damaged already, has no place yet.
    if (this.log.open) this.#record('mended', detail)
  }

  #record(event: string, detail: string): void {
    const draft = formatDraft<'system'>({ type: 'system', event, detail })
    this.log
      .append(draft)
      .catch((error: unknown) => this.#ports.tell.problem('a record was lost', error))
  }

  /**
   * An operator's `epoch` statement retires the log; only then is a rolled back one continued, as
   * another. Then, and when the boot check is over, the log is opened.
   */
  async #retire(signal: AbortSignal): Promise<void> {
    const pace = new Pace(this.#ports.clock)
    this.statements.onChange(({ statement }) => statement.type === 'epoch' && pace.wake())
    this.boot.onDone(() => pace.wake())
    while (!signal.aborted) {
      const epoch = this.statements.governance.epochs.get(this.self)
      if (epoch !== undefined && this.#mayBegin(epoch)) await this.#begin(epoch)
      // INVARIANT: a log that is to be retired is not opened.
      const current = epoch === undefined || epoch.epoch <= this.log.epoch
      if (this.boot.done && current && !this.log.open) this.#open()
      // What peers show during the boot check is looked at as often as they are asked.
      await pace.wait(this.log.open ? EPOCH_LOOK_MS : BOOT_RETRY_MS, signal)
    }
  }

  /**
   * A disk that was set back may have forgotten that the statement was followed: an epoch that
   * others saw begin is never begun again, and until they were asked nobody knows.
   */
  #mayBegin({ epoch }: Epoch): boolean {
    if (epoch <= this.log.epoch || this.log.sealed !== null) return false
    const { done, rollback } = this.boot
    return done || (rollback !== null && epoch > rollback.epoch)
  }

  /** What has expired is refused as expired: that it was used need not be remembered. */
  async #forgetUsed(signal: AbortSignal): Promise<void> {
    const { clock, tell } = this.#ports
    let restMs = NONCES_REST_MS
    while (!signal.aborted) {
      await clock.sleep(restMs, signal)
      const puts = this.nonces.expire(clock.wallMs(), NONCES_EXPIRED_MAX)
      restMs = puts.length === 0 ? NONCES_REST_MS : NONCES_EXPIRE_MS
      if (puts.length === 0) continue
      // What the disk does not take now stays there, and is forgotten after the next start.
      await this.log
        .persist(puts)
        .catch((error: unknown) => tell.problem('used invocations', error))
    }
  }

  async #begin({ id, epoch, overrules }: Epoch): Promise<void> {
    const { tree } = this.log
    const draft = formatDraft<'epoch'>({
      type: 'epoch',
      statement: id,
      previousSize: tree.size,
      previousRootHash: toHex(rootHash(tree)),
      overruled: overrules,
    })
    try {
      await this.log.retire(epoch, draft)
      this.boot.look()
    } catch (error) {
      // The log goes on as it was, and opens its store anew; the next look tries again.
      this.#ports.tell.problem('the log could not be retired', error)
    }
  }
}
