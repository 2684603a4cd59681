/**
 * Gossip: two topics of one mesh on gossipsub, opened once the mesh is known.
 * A hint and nothing more: it loses, repeats and reorders, and never replays.
 * Verdicts become gossipsub's here and nowhere else.
 */
import {
  type GossipSub,
  type GossipSubComponents,
  gossipsub,
  TopicValidatorResult,
} from '@libp2p/gossipsub'
import { defaultTopicScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import { type Connection, type PeerId, start, stop } from '@libp2p/interface'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX, GOSSIP_QUEUE_BYTES_MAX } from '../core/limits.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Clock, Topic } from '../mesh/ports.ts'
import { GossipBudgets } from './gossip-budgets.ts'
import { GossipGuard } from './gossip-guard.ts'
import { paced } from './gossip-intake.ts'
import { formatTopic, messageId, TOPICS } from './topics.ts'

type Validator = (from: Did, message: Uint8Array) => Verdict

const RESULTS: Record<Verdict['verdict'], TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}
/** Only what a peer was rejected for counts: three in a second silence it when gossipsub looks next. Quiet topics are no offence. */
const SCORE: TopicScoreParams = {
  ...defaultTopicScoreParams,
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -10,
}

export interface GossipPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>
  /** May this connection carry gossip now. */
  admit(connection: Connection): boolean
  /** Who sent a message, if a greeted member now. */
  member(peer: PeerId): Did | null
  /** Told of a validator that threw: a bug here. */
  fault(error: unknown): void
  /** Gossip opened, or opened anew: connections greeted before carry none of it. */
  opened(): void
}

export class Gossip {
  readonly #components: GossipSubComponents
  readonly #ports: GossipPorts
  readonly #validators: ReadonlyMap<Topic, Validator>
  readonly #guard: GossipGuard
  #mesh: StatementId | null = null
  #pubsub: GossipSub | null = null
  #started = false
  /** Changes follow each other: one mesh is closed before the next is opened. */
  #changes: Promise<void> = Promise.resolve()

  constructor(
    components: GossipSubComponents,
    ports: GossipPorts,
    validators: ReadonlyMap<Topic, Validator>,
  ) {
    this.#components = components
    this.#ports = ports
    this.#validators = validators
    const { clock } = ports
    const budgets = new GossipBudgets(clock)
    this.#guard = new GossipGuard(
      (connection) => ports.admit(connection),
      (stream, peer) => paced(stream, peer, budgets, clock),
    )
  }

  /** Whether there is gossip to watch over. */
  get open(): boolean {
    return this.#pubsub !== null
  }

  useMesh(mesh: StatementId): void {
    if (mesh === this.#mesh) return
    this.#mesh = mesh
    if (this.#started) this.#change()
  }

  /** Called by libp2p with the node. */
  async start(): Promise<void> {
    this.#started = true
    if (this.#mesh !== null) this.#change()
    await this.#changes
  }

  async stop(): Promise<void> {
    this.#started = false
    this.#change()
    await this.#changes
  }

  /** A hint: too large, nobody there or no mesh yet is silence. */
  publish(topic: Topic, message: Uint8Array): void {
    if (this.#mesh === null || message.length > GOSSIP_BYTES_MAX) return
    // It rejects for a repeat within two minutes: everybody has it, or sync brings it.
    this.#pubsub?.publish(formatTopic(this.#mesh, topic), message).catch(() => {})
  }

  attach(connection: Connection): void {
    this.#guard.attach(connection)
  }

  detach(connection: Connection): void {
    this.#guard.detach(connection)
  }

  #change(): void {
    this.#changes = this.#changes.then(async () => {
      const before = this.#pubsub
      this.#pubsub = null
      await stop(before)
      if (!this.#started || this.#mesh === null) return
      const pubsub = this.#create(this.#mesh)
      await start(pubsub)
      for (const topic of TOPICS) pubsub.subscribe(formatTopic(this.#mesh, topic))
      this.#pubsub = pubsub
      this.#ports.opened()
    })
  }

  #create(mesh: StatementId) {
    const names = TOPICS.map((topic) => formatTopic(mesh, topic))
    const create = gossipsub({
      globalSignaturePolicy: 'StrictNoSign',
      msgIdFn: ({ topic, data }) => messageId(topic, data),
      ignoreDuplicatePublishError: true,
      allowPublishToZeroTopicPeers: true,
      fallbackToFloodsub: false,
      doPX: false,
      tagMeshPeers: false,
      allowedTopics: names,
      // A copy costs no more than telling everybody, for each message, not to send one.
      idontwantMinDataSize: GOSSIP_BYTES_MAX,
      // Encoded once for all.
      batchPublish: true,
      maxTopicBytesPerPeer: 16 * 1024,
      maxInboundDataLength: FRAME_BYTES_MAX,
      maxOutboundBufferSize: GOSSIP_QUEUE_BYTES_MAX,
      decodeRpcLimits: {
        maxSubscriptions: 16,
        maxMessages: 256,
        maxControlMessages: 64,
        maxPeerInfos: 0,
        maxIhaveMessageIDs: 1_024,
        maxIwantMessageIDs: 1_024,
        maxIdontwantMessageIDs: 512,
      },
      scoreParams: {
        IPColocationFactorWeight: 0,
        topics: Object.fromEntries(names.map((name) => [name, SCORE])),
      },
    })
    // Named one by one: the real object is a proxy that throws for what it does not have.
    const { privateKey, peerId, peerStore, connectionManager, logger } = this.#components
    const registrar = this.#guard.guarded(this.#components.registrar)
    const pubsub = create({ privateKey, peerId, peerStore, connectionManager, logger, registrar })
    for (const topic of TOPICS)
      pubsub.topicValidators.set(formatTopic(mesh, topic), (from, { data }) =>
        this.#judge(mesh, topic, from, data),
      )
    return pubsub
  }

  #judge(mesh: StatementId, topic: Topic, from: PeerId, message: Uint8Array) {
    const peer = this.#ports.member(from)
    const validator = this.#validators.get(topic)
    // [IGNORE] It is of the mesh in use: streams of the last one may still deliver.
    if (mesh !== this.#mesh || !this.#started) return TopicValidatorResult.Ignore
    // [IGNORE] It came from a greeted member, and there is somebody to judge it.
    if (peer === null || validator === undefined) return TopicValidatorResult.Ignore
    // [REJECT] It is no longer than gossip carries.
    if (message.length > GOSSIP_BYTES_MAX) return TopicValidatorResult.Reject
    try {
      return RESULTS[validator(peer, new Uint8Array(message)).verdict]
    } catch (error) {
      // Nothing is relayed that was not judged, and the sender is not to blame.
      this.#ports.fault(error)
      return TopicValidatorResult.Ignore
    }
  }
}

/** Whether gossip flows both ways: one open stream each. */
export function gossips(connection: Connection): boolean {
  const open = connection.streams.filter(
    ({ protocol, status }) => protocol.startsWith('/meshsub/') && status === 'open',
  )
  return (
    open.some(({ direction }) => direction === 'inbound') &&
    open.some(({ direction }) => direction === 'outbound')
  )
}
