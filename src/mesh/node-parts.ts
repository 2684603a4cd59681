/**
 * The parts of a node, opened in the order in which they rest on each other:
 *
 *     log ─ statements ─ addresses ─ sync ─ announcer ─ door     what is known, and how it spreads
 *     challenges ─ boot ─ handover ─ voice ─ lease               how fresh it is
 *     witness ─ cosigning ─ log server ─ lineage                 who else vouches for it
 *     nonces ─ executions ─ authorizer                           what follows from it
 */

import { toBase64, utf8 } from '../core/bytes.ts'
import { logOrigin } from '../core/checkpoint.ts'
import { policiesInForce } from '../core/checks/policy.ts'
import { SALT_BYTES } from '../core/commitment.ts'
import type { Redactable } from '../core/disclosure.ts'
import { judge } from '../core/judge.ts'
import type { Did, Signer } from '../core/keys.ts'
import { NONCE_BYTES } from '../core/limits.ts'
import type { PolicyEngine } from '../core/policy.ts'
import type { Verdict } from '../core/verdict.ts'
import { Addresses } from './addresses.ts'
import { Announcer } from './announce.ts'
import { askLog } from './ask-log.ts'
import { Authorizer, type Decision } from './authorizer.ts'
import { BootCheck } from './boot.ts'
import { Challenges } from './challenge.ts'
import { Checkpoints } from './checkpoints.ts'
import { Chronicle } from './chronicle.ts'
import { Copies } from './copies.ts'
import { Cosigned } from './cosigned.ts'
import { Cosigning } from './cosigning.ts'
import { Door } from './door.ts'
import { Drift } from './drift.ts'
import { DurableTime } from './durable-time.ts'
import { Equivocation } from './equivocation.ts'
import { Executions } from './executions.ts'
import { Handover } from './handover.ts'
import { HeadExchange } from './head-exchange.ts'
import { Heads } from './heads.ts'
import { Heard } from './heard.ts'
import { History } from './history.ts'
import { openInbox } from './inbox.ts'
import { Invites } from './invites.ts'
import { Lease } from './lease.ts'
import { Lineage } from './lineage.ts'
import { LineageServer } from './lineage-server.ts'
import { Log } from './log.ts'
import type { LogAnswer } from './log-frames.ts'
import { LogReader } from './log-reader.ts'
import { LogServer } from './log-server.ts'
import { MeshSearch } from './mesh-search.ts'
import { Mirror } from './mirror.ts'
import { Mirroring } from './mirroring.ts'
import { Nonces } from './nonces.ts'
import { OwnHeads } from './own-heads.ts'
import { logKeysOf, OwnLog } from './own-log.ts'
import type { Clock, Network, Puts, Random, Store } from './ports.ts'
import { Publisher } from './publish.ts'
import type { Cost } from './pull.ts'
import { RecordStates } from './record-states.ts'
import { SearchServer } from './search-server.ts'
import { mayRead, type Share } from './share.ts'
import { Spread } from './spread.ts'
import { SpreadView } from './spread-view.ts'
import { Statements } from './statements.ts'
import { Sync } from './sync.ts'
import { Voice } from './voice.ts'
import { Witness } from './witness.ts'

interface NodeKeys {
  readonly node: Signer
  /** Signs checkpoints. */
  readonly log: Signer
  /** Signs answers and announcements. */
  readonly witness: Signer
  /** Admits who brings an invite; null where none are made. */
  readonly admitter: Signer | null
}

/** What the operator, and metrics, are told. */
export interface NodeTeller {
  /** What should not happen and does not stop the node: a lost record, a contradiction. */
  problem(what: string, error: unknown): void
  decided(decision: Decision): void
  gossiped(topic: string, verdict: Verdict): void
  synced(cost: Cost, failure: unknown): void
  /** What a witness answered: this one, or one that was asked. */
  cosigned(side: 'given' | 'received', answer: LogAnswer): void
  /** A batch of the log became durable. */
  committed(records: number, ms: number): void
}

export interface NodePorts {
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  readonly network: Network
  readonly policy: PolicyEngine
  readonly keys: NodeKeys
  /** What it calls itself; its member statement says what it is called. */
  readonly name: string
  /** Its own stricter bound on staleness; null for the root's. */
  stalenessAtMostMs(): number | null
  /** Whom it shows its records to. */
  auditShare(): Share
  /** How many members are to hold copies of its log; more than none, and it holds theirs. */
  auditMirrors(): number
  /** Which values its records only commit to; absent for none. */
  redactable?(): readonly Redactable[]
  readonly tell: NodeTeller
}

/** What is known, and how it spreads. */
export async function openKnowledge(ports: NodePorts) {
  const { clock, random, store, network, policy, keys, name, tell } = ports
  const committed = (records: number, ms: number) => tell.committed(records, ms)
  const committing = {
    fields: () => ports.redactable?.() ?? [],
    salt: () => random.bytes(SALT_BYTES),
  }
  const log = await Log.open({ store, clock, node: network.self, committed, committing })
  const reader = new LogReader({ log, store })
  const durableTime = await DurableTime.open(log, reader, clock)
  const persist = (puts: Puts) => log.persist(puts)
  const statements = await Statements.open({ store, persist, policy })
  follow(statements, network, policy)
  const origin = () => originOf(statements, network.self, log.epoch)
  const publisher = await Publisher.open({ log, store, clock, signer: keys.log, origin })
  const governance = () => statements.governance
  const checkpoints = await Checkpoints.open({ store, persist, governance })
  const cosigned = await Cosigned.open({
    ...{ self: network.self, store, checkpoints, persist, governance },
  })
  const addresses = await Addresses.open({
    ...{ store, persist, network, clock, governance },
    node: keys.node,
  })
  // Never stored: with the disk it could be set back.
  const incarnation = toBase64(random.bytes(NONCE_BYTES))
  const synced = (_: Did, cost: Cost, failure: unknown) => tell.synced(cost, failure)
  const sync = Sync.open({
    ...{ network, statements, addresses, clock, random, incarnation },
    pulled: synced,
  })
  const announcer = Announcer.open({
    ...{ statements, network, clock },
    witness: keys.witness,
    checkpoint: () => publisher.checkpoint,
    cosigned: () => cosigned.newest(network.self)?.note ?? null,
  })
  sync.follow(announcer)
  publisher.onPublished(() => announcer.changed())
  openInbox({ network, statements, announcer, clock, seen: tell.gossiped })
  Spread.open({ statements, network, clock, random })
  const invites = await Invites.open({
    ...{ store, persist, clock, random, statements },
    node: network.self,
    admitter: keys.admitter,
    addresses: () => network.addresses(),
    checked: () => log.open,
  })
  const door = await Door.open({
    ...{ store, persist, network, clock, random, statements, addresses, invites, keys, name },
  })
  const chronicle = Chronicle.open({ statements, store, clock, log })
  const durable = { log, reader, durableTime, persist, publisher, checkpoints, cosigned, chronicle }
  return { ...durable, statements, incarnation, addresses, sync, announcer, invites, door }
}

export type Knowledge = Awaited<ReturnType<typeof openKnowledge>>

/** The engine judges by what is in force, and gossip bears the mesh's name, from the moment it is known. */
function follow(statements: Statements, network: Network, policy: PolicyEngine): void {
  let loaded: unknown = null
  const load = () => {
    const { governance, mesh } = statements
    if (mesh !== null) network.useMesh(mesh)
    if (governance.bundles === loaded) return
    loaded = governance.bundles
    const observed = [...governance.bundles.values()].flatMap(({ observed: each }) => each ?? [])
    policy.load(policiesInForce(governance), observed)
  }
  load()
  statements.onChange(load)
}

export function originOf(statements: Statements, node: Did, epoch: number): string | null {
  return statements.mesh === null ? null : logOrigin(statements.mesh, node, epoch)
}

/** How fresh it is. */
export async function openFreshness(ports: NodePorts, knowledge: Knowledge) {
  const { clock, random, store, network, keys, tell, stalenessAtMostMs } = ports
  const { statements, persist, sync, publisher, log, reader, announcer, durableTime } = knowledge
  const { checkpoints, cosigned, invites, incarnation } = knowledge
  const equivocation = new Equivocation({
    ...{ self: network.self, clock, statements, checkpoints },
    ask: (node, request, signal) => askLog(network, node, request, signal),
    problem: (what, error) => tell.problem(what, error),
  })
  const heard = new Heard(clock, checkpoints)
  announcer.onHeard((_, announcement) => {
    heard.announced(announcement)
    const { node, cosigned: note } = announcement
    if (note !== null) cosigned.show(node, note)
  })
  const pull = (peer: Did, signal: AbortSignal) => sync.pull(peer, signal)
  const challenges = new Challenges({ network, clock, random, statements, heard, pull })
  const logKeys = logKeysOf(statements, network.self)
  const own = new OwnLog({
    ...{ self: network.self, checkpoints, log: () => log, logKeys: () => logKeys },
    rootHashAt: (size) => reader.rootHashAt(size),
  })
  const boot = await BootCheck.open({
    ...{ network, clock, store, statements, challenges, own, persist },
    log: () => log,
  })
  boot.onRollback(() => {
    const missed = (error: unknown) => tell.problem('invites could not be withdrawn', error)
    void invites.withdraw().catch(missed)
  })
  /** What shows up while the boot check waits for others is not shown to it again; what shows up later ends this log (S9). */
  const watch = async (note: string | null) => {
    const rollback = note === null ? null : await own.check(note)
    if (rollback === null) return
    await boot.remember(rollback)
    // A sealed log takes nothing more; before it is checked nothing is appended, and it may be retired.
    if (boot.done)
      log.seal(`rollback: others hold another checkpoint of this log at size ${rollback.size}`)
  }
  const unread = (error: unknown) => tell.problem('the own log could not be compared', error)
  challenges.onAnswer(({ yours }) => void watch(yours).catch(unread))
  announcer.onHeard((_, { node, checkpoint }) => {
    if (node === network.self) void watch(checkpoint).catch(unread)
  })
  const handover = await Handover.open({
    ...{ network, clock, store, statements, challenges, boot, persist },
  })
  const voice = new Voice({
    ...{ network, clock, statements, checkpoints, boot, handover, incarnation },
    witness: keys.witness,
    checkpoint: () => publisher.checkpoint,
  })
  voice.listen()
  const lease = new Lease({
    ...{ network, clock, random, statements, challenges, boot, handover, voice, stalenessAtMostMs },
    policyStalenessMs: () => ports.policy.shortestStalenessMs,
    durableTimeMs: () => durableTime.ms,
  })
  const longestTerms = () => lease.longestTerms()
  const history = new History({ clock, statements, holds: (id) => voice.holds(id) })
  const spreadView = new SpreadView({
    ...{ network, clock, statements, challenges, voice, history, longestTerms },
  })
  const drift = new Drift({ network, clock, statements, history, heard, spread: spreadView })
  const heads = new Heads({ self: network.self, checkpoints, shown: watch })
  const spreading = { history, spreadView, drift }
  return { equivocation, own, watch, heads, heard, boot, handover, voice, lease, ...spreading }
}

export type Freshness = Awaited<ReturnType<typeof openFreshness>>

/** What others hold of this log. */
export function openOwnHeads(
  { network, clock }: NodePorts,
  { statements, cosigned }: Knowledge,
  { own, watch }: Freshness,
): OwnHeads {
  return new OwnHeads({
    ...{ self: network.self, clock, own, cosigned, shown: watch },
    governance: () => statements.governance,
    ask: (node, request, signal) => askLog(network, node, request, signal),
  })
}

/** Who else vouches for it. */
export async function openWitnessing(
  ports: NodePorts,
  knowledge: Knowledge,
  { boot, equivocation }: Freshness,
) {
  const { clock, store, network, keys, tell } = ports
  const { statements, persist, publisher, log, reader, checkpoints, cosigned } = knowledge
  const governance = () => statements.governance
  const { self } = network
  const witness = await Witness.open({
    ...{ self, clock, store, boot, checkpoints, governance, persist },
    contradicted: (known, other, proof) => equivocation.suspect(known, other, proof),
    witness: keys.witness,
    answered: (answer) => tell.cosigned('given', answer),
  })
  const copies = await Copies.open({ store, persist })
  const mirror = new Mirror({
    ...{ clock, store, copies, checkpoints, governance },
    mirrors: () => ports.auditMirrors() > 0,
  })
  const server = new LogServer({
    ...{ network, clock, store, log, reader, publisher, witness, mirror, cosigned, checkpoints },
    shares: (peer) => mayRead(ports.auditShare(), peer, governance()),
  })
  server.listen()
  const cosigning = new Cosigning({
    ...{ network, clock, statements, publisher, reader, log, cosigned, witness },
    answered: (answer) => tell.cosigned('received', answer),
    problem: (what, error) => tell.problem(what, error),
  })
  cosigning.onWitnessed(() => knowledge.announcer.changed())
  const mirroring = await Mirroring.open({
    ...{ network, clock, store, statements, publisher, reader, log, persist },
    wanted: () => ports.auditMirrors(),
    problem: (what, error) => tell.problem(what, error),
  })
  const records = new RecordStates({
    ...{ self, clock, log, publisher, cosigned, cosigning, mirroring, statements },
  })
  const exchange = new HeadExchange({
    ...{ network, clock, random: ports.random, statements, checkpoints },
    ask: (peer, request, signal) => askLog(network, peer, request, signal),
  })
  return { witness, cosigning, mirror, mirroring, records, exchange }
}

export type Witnessing = Awaited<ReturnType<typeof openWitnessing>>

/** Where executions come from: what this node's log proves to others, and what theirs prove here. */
export function openLineage(
  { clock, network, auditShare }: NodePorts,
  { reader, statements, log, publisher }: Knowledge,
  { records }: Witnessing,
  { executions }: Deciding,
): { lineage: Lineage; meshSearch: MeshSearch } {
  const governance = () => statements.governance
  const witnessed = () => {
    const { checkpoint } = records
    return checkpoint === null ? null : utf8(checkpoint.note)
  }
  const own = new LineageServer({ clock, reader, witnessed })
  const searches = new SearchServer({
    ...{ clock, log, reader, publisher },
    witnessed: () => records.checkpoint?.note ?? null,
    running: () => executions.list(),
    shares: (peer) => mayRead(auditShare(), peer, governance()),
  })
  const lineage = Lineage.open({ network, clock, own, searches, governance })
  return { lineage, meshSearch: new MeshSearch({ network, governance }) }
}

/** Why nothing can be recorded that others could verify; null when it can. */
export function unwritable({ keys, network }: NodePorts, { log, statements }: Knowledge) {
  const member = statements.governance.members.get(network.self)
  // Restored without its keys, say: what it signs under another one is no evidence.
  if (member !== undefined && member.log !== keys.log.did)
    return 'the log key here is not the one in the membership of this node'
  return log.unwritable()
}

/** What follows from it. */
export async function openDeciding(
  ports: NodePorts,
  knowledge: Knowledge,
  { records }: Witnessing,
) {
  const { log, statements } = knowledge
  const { clock, store, tell } = ports
  const nonces = await Nonces.open(store)
  const missed = (error: unknown) => tell.problem('a record was lost', error)
  const executions = await Executions.open({
    ...{ clock, store, missed },
    append: (draft, puts) => log.append(draft, () => puts),
  })
  statements.onChange(() => executions.recheckSoon())
  const authorizer = new Authorizer({
    ...{ clock, nonces, judge, missed },
    append: (draft, puts, exhibit) => log.append(draft, puts, exhibit),
    next: () => log.next,
    unwritable: () => unwritable(ports, knowledge),
    witnessed: ({ index }, ms) => records.witnessed(index, ms),
    opening: (id) => [Executions.opening(id, clock.wallMs())],
    closing: (id) => [Executions.closing(id)],
    opened: (id, standing) => executions.add(id, standing),
    executionsFull: () => executions.full,
    answered: (decision) => tell.decided(decision),
  })
  return { nonces, executions, authorizer }
}

export type Deciding = Awaited<ReturnType<typeof openDeciding>>
