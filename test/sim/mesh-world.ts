/**
 * Whole nodes in one process, on one clock, from one seed: MeshNode as it
 * ships, with a decider, on simulated disks and wires that fail. A host is a
 * machine: it outlives its node, which crashes, stops and starts again.
 */
import type { StatementId } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import type { PolicyEngine } from '../../src/core/policy.ts'
import { Decider } from '../../src/daemon/decider.ts'
import { Wallet } from '../../src/daemon/wallet.ts'
import type { Decision } from '../../src/mesh/authorizer.ts'
import { MeshNode } from '../../src/mesh/node.ts'
import { NOTHING_MEASURED } from '../unit/judgements.ts'
import { nodeOf } from '../unit/statements.ts'
import { Dice, VirtualClock } from './clock.ts'
import { isDamage, repair } from './damage.ts'
import { Disk, DiskStore } from './disk.ts'
import { logOf, witnessedOn } from './disk-log.ts'
import { shadowOf, type Written } from './disk-state.ts'
import { GatedClock, MachineClock } from './gate.ts'
import type { Happening, History } from './history.ts'
import { type Host, Running } from './host.ts'
import { CALM, Hub } from './hub.ts'
import { ADMITTER, foundingPuts, type Grant, Laws } from './laws.ts'
import type { Less } from './less.ts'
import { GatedNetwork, GatedStore, heldBy, short, speaking } from './mesh-ports.ts'
import { signersOf, wholeOn } from './notary.ts'
import { engineOf } from './permits.ts'
import { KernelReader, Processes } from './processes.ts'
import { replayed } from './replayed.ts'
import { Signing } from './signing.ts'
import { inviterOf, type Swarm } from './swarm.ts'

const NAMES = ['atlas', 'borealis', 'corvus', 'draco', 'eridanus', 'fornax', 'gemini']
/** The first ones have names that are easily told apart. */
const namesOf = (count: number) =>
  Array.from({ length: count }, (_, place) => NAMES[place] ?? `node-${place}`)
/** Until whatever watches a daemon starts it again. */
const REBOOT_MS = 1_000
/** How the simulated disk says that it was told to fail. */
const ASKED = 'as the test asked'
const MEASURED = { env: NOTHING_MEASURED, attestations: new Map() }

export class MeshWorld {
  readonly swarm: Swarm
  /** What is left out. */
  readonly less: Less
  readonly clock: VirtualClock
  readonly hub: Hub
  /** Of disks. */
  readonly dice: Dice
  readonly history: History
  readonly laws: Laws
  readonly signing: Signing
  readonly hosts: readonly Host[]
  readonly processes: Processes
  /** By what was asked, of each request. */
  readonly grants = new Map<number, Grant>()
  /** Of what was looked at on a disk. */
  readonly #wholes = new WeakMap<Written, boolean>()
  /** No further faults. */
  quiet = false
  /** Why the node of a host ended by itself, as it was told. */
  readonly ended: string[] = []

  constructor(swarm: Swarm, history: History, less: Less) {
    this.less = less
    this.swarm = swarm
    this.history = history
    this.clock = new VirtualClock(swarm.seed)
    this.dice = new Dice(swarm.seed * 31 + 7)
    this.hub = new Hub(this.clock, swarm.weather)
    const keys = namesOf(swarm.nodes).map(nodeOf)
    this.laws = new Laws(swarm, keys, (happening) => this.write(happening, null))
    this.signing = new Signing(this)
    this.processes = new Processes(this)
    this.hosts = keys.map((each, place) => ({
      place,
      keys: each,
      did: each.identity.did,
      disk: new Disk(this.clock),
      machine: new MachineClock(this.clock),
      dice: new Dice(swarm.seed * 101 + place),
      inc: 0,
      life: null,
      censors: false,
      resume: () => {},
    }))
    for (const { machine } of this.hosts)
      machine.offsetMs = (this.dice.unit() * 2 - 1) * swarm.offset * swarm.lease.skewMs
  }

  write(happening: Happening, host: Host | null): void {
    const t = this.clock.monotonicMs()
    this.history.write({ t, node: host?.place ?? null, inc: host?.inc ?? 0, ...happening })
  }

  placeOf(node: Did): number {
    return this.hosts.findIndex(({ did }) => did === node)
  }

  /** Disks on which the mesh is founded; then everybody starts. */
  async start(): Promise<void> {
    const puts = foundingPuts(this.laws)
    for (const { disk } of this.hosts) {
      const store = await DiskStore.open(disk)
      await store.persist({ epoch: 1, first: 0, records: [], tree: store.tree, puts })
      await store.close()
    }
    for (const host of this.hosts) this.boot(host)
  }

  /** Begins a life; what follows happens as time goes on. */
  boot(host: Host): void {
    host.inc += 1
    const life = new Running(this, host)
    host.life = life
    this.#open(host, life).catch((error: unknown) => this.#notOpened(host, life, error))
  }

  /** A disk that cannot be opened now may be opened later; anything else should not be. */
  #notOpened(host: Host, life: Running, error: unknown): void {
    if (life.gate.gone) return
    const why = said(error)
    if (host.disk.hurt && isDamage(error)) life.write({ ev: 'unopened', says: why })
    else if (!why.endsWith(ASKED)) life.write({ ev: 'problem', says: `did not start: ${why}` })
    this.crash(host, false)
    this.clock.after(REBOOT_MS, () => host.life === null && this.boot(host))
  }

  /** The process is gone. @param lands whether the batch on its way is there all the same */
  crash(host: Host, lands: boolean): void {
    const { life } = host
    if (life === null) return
    this.write({ ev: 'down', how: 'crash' }, host)
    life.gate.kill()
    // Also a store that its life has not got yet: it was paused while it opened.
    host.disk.holder?.crash(lands)
    life.network.vanish()
    this.hub.thaw(host.did)
    host.life = null
  }

  /** Puts an older image of the disk in, while the node is down. */
  restore(host: Host, image: Image): void {
    const { disk } = host
    disk.state = image.state
    disk.acknowledged = image.state
    disk.past = [image.state]
    disk.head = image.head
    disk.faults.length = 0
    this.write({ ev: 'restore', log: logOf(disk), held: this.#heldOn(disk) }, host)
  }

  pause(host: Host, ms: number, suspended: boolean): void {
    const { life } = host
    if (life === null || !life.gate.running) return
    const beganMs = this.clock.monotonicMs()
    this.write({ ev: 'pause', suspended }, host)
    life.gate.stop()
    this.hub.freeze(host.did)
    host.resume = () => {
      if (host.life !== life || life.gate.running) return
      const pausedMs = this.clock.monotonicMs() - beganMs
      if (suspended) host.machine.suspendedMs += pausedMs
      const mono = host.machine.monotonicMs()
      this.write({ ev: 'resume', suspended, ms: pausedMs, mono }, host)
      life.gate.go()
      this.hub.thaw(host.did)
    }
    const { resume } = host
    this.clock.after(ms, () => host.resume === resume && resume())
  }

  async #open(host: Host, life: Running): Promise<void> {
    const { gate, machine, disk, network } = life
    life.store = await gate.through(DiskStore.open(disk))
    life.write({ ev: 'boot', log: logOf(disk), held: this.#heldOn(disk) })
    // What a life that ended made durable, without living to say so.
    for (const { of, head } of witnessedOn(disk))
      if (life.placeOf(of) >= 0) life.write({ ev: 'witness', of: life.placeOf(of), head })
    const clock = new GatedClock(machine, gate)
    const store = new GatedStore(life.store, life)
    const policy = engineOf(this.swarm.seed)
    const { keys, dice } = host
    const admitter =
      this.swarm.invites > 0 && host.place === inviterOf(this.swarm) ? ADMITTER : null
    const node = await MeshNode.open({
      ...{ clock, store, policy, random: dice, network: new GatedNetwork(network, life) },
      keys: { node: keys.identity, log: keys.log, witness: keys.witness, admitter },
      name: keys.name,
      stalenessAtMostMs: () => null,
      auditShare: () => 'members' as const,
      auditMirrors: () => this.swarm.mirrors,
      tell: {
        problem: () => {},
        decided: (decision) => this.#decided(host, life, decision),
        gossiped: () => {},
        cosigned: () => {},
        synced: () => {},
        committed: () => {},
      },
    })
    life.node = node
    const wallet = await Wallet.open(store, (puts) => node.log.persist(puts))
    life.decider = this.#decider(life, node, clock, policy, wallet, dice)
    node.executions.onChange(({ id, state, stop }) => {
      if (state === 'running') life.write({ ev: 'opened', execution: id })
      if (state === 'stopped') life.write({ ev: 'stop', execution: id, why: stop?.code ?? '' })
      if (state === 'ended') life.write({ ev: 'ended', execution: id })
    })
    node.statements.onChange(({ id, state, changed }) => {
      for (const each of [id, ...changed])
        this.#accepted(life, node, each, each === id ? state : null)
    })
    // Kept by a life that ended before it could say so.
    for (const { evidence } of node.statements.governance.evidence.values())
      life.write({ ev: 'evidence', against: life.placeOf(evidence.node), epoch: evidence.epoch })
    node.boot.onDone(() => life.write({ ev: 'ready' }))
    await node.start()
    for (const { did } of this.hosts)
      if (did !== host.did) network.remember(did, [this.hub.addressOf(did)])
    node.running.catch((error: unknown) => this.#loopEnded(host, life, error))
  }

  #decider(
    life: Running,
    node: MeshNode,
    clock: GatedClock,
    policy: PolicyEngine,
    wallet: Wallet,
    random: Dice,
  ): Decider {
    const port = {
      self: node.self,
      name: this.hosts[life.placeOf(node.self)]?.keys.name ?? '',
      governance: () => node.statements.enforced,
      lease: () => node.lease.status(),
      leaseWithin: (stalenessMs: number) => node.lease.within(stalenessMs),
      authorizer: node.authorizer,
      executions: node.executions,
      policy,
      seen: (cid: string) => node.nonces.seen(cid as never),
      parent: (cause: StatementId, untilMs: number) => node.lineage.parent(cause, untilMs),
      nameOf: () => null,
      origin: () => node.origin(),
    }
    const host = { self: node.self, measured: () => MEASURED }
    const facts = new KernelReader(host, this.processes, life.gate)
    return new Decider({ node: port, clock, random, facts, wallet })
  }

  /** A loop ended: the daemon says so and ends, and is started again by what watches it. */
  #loopEnded(host: Host, life: Running, error: unknown): void {
    if (life.gate.gone) return
    this.ended.push(said(error))
    life.write({ ev: 'fault', kind: 'loop ended', number: -1, says: said(error) })
    this.crash(host, false)
    this.clock.after(REBOOT_MS, () => host.life === null && this.boot(host))
  }

  #accepted(life: Running, node: MeshNode, id: StatementId, known: string | null): void {
    const { statement, state = known } = node.statements.get(id) ?? {}
    if (state !== 'effective' && state !== 'conflict') return
    if (statement?.type === 'evidence')
      life.write({
        ev: 'evidence',
        against: life.placeOf(statement.node),
        epoch: statement.epoch,
      })
    this.#verified(life, node, id)
    life.write({ ev: 'accept', statement: life.numberOf(id), speaks: speaking(node) })
  }

  /** By the notary, not by the node. */
  #verified(life: Running, { statements }: MeshNode, id: StatementId): void {
    const { statement, envelope } = statements.get(id) ?? {}
    if (statement === undefined || envelope === undefined || statement.type === 'evidence') return
    const { type } = statement
    const under = statement.type === 'root' ? statement.version : statement.root
    const by = signersOf(envelope, type === 'root' ? null : this.laws.world.mesh)
    life.write({ ev: 'verified', statement: life.numberOf(id), type, under, by })
  }

  /** The very moment of an answer: nothing is awaited between the second look and this. */
  #decided(host: Host, life: Running, decision: Decision): void {
    const { node } = life
    if (node === null || life.gate.gone) return
    const { judgement, effect, record } = decision
    const { root } = node.statements.governance
    life.write({
      ev: 'answer',
      req: Number(judgement?.coverage.resource?.id.slice(1) ?? -1),
      effect,
      reason: effect === 'deny' ? decision.denial.code : null,
      record,
      epoch: node.log.epoch,
      policy: effect === 'allow' ? (decision.judgement.policies[0]?.version ?? null) : null,
      root: root?.version ?? null,
      mono: host.machine.monotonicMs(),
      wall: host.machine.wallMs(),
      speaks: speaking(node),
    })
  }

  /** Statements on a disk that have their signatures: what waits for more is in force nowhere. */
  #heldOn({ state }: Disk): number[] {
    const held = [...state.kept].flatMap(([key, value]) =>
      key.startsWith('statement/') && this.#isWhole(value)
        ? [this.laws.numberOf(key.slice('statement/'.length) as never)]
        : [],
    )
    return held.sort((a, b) => a - b)
  }

  #isWhole(value: Written): boolean {
    const known = this.#wholes.get(value) ?? wholeOn(shadowOf(value), this.laws.roots)
    this.#wholes.set(value, known)
    return known
  }

  /** What is on all disks. */
  readBack(): void {
    for (const host of this.hosts)
      this.write({ ev: 'readback', log: logOf(host.disk), held: this.#heldOn(host.disk) }, host)
  }

  /** The logs on all disks, judged again. */
  replay(): void {
    for (const host of this.hosts) {
      const found = replayed(this, host)
      if (found === null) continue
      const { judged, same } = found
      const differing = found.differing.map(({ index, detail }) => `record ${index}: ${detail}`)
      const notJudged = Object.fromEntries(found.notJudged)
      this.write({ ev: 'replayed', judged, same, differing, notJudged }, host)
    }
  }

  /** What each live node says of itself. */
  report(): void {
    for (const host of this.hosts) {
      const node = host.life?.node
      if (node != null)
        this.write(
          {
            ev: 'healed',
            digest: short(node.statements.governance.digest),
            held: heldBy(node, host.life as Running).held,
            done: node.boot.done,
            why: node.lease.status().why,
          },
          host,
        )
    }
  }

  /** Everything that can be mended is. */
  heal(): void {
    this.quiet = true
    this.hub.heal()
    this.hub.weather = CALM
    for (const host of this.hosts) {
      host.machine.drift(0)
      host.machine.offsetMs = (this.dice.unit() - 0.5) * 0.5 * this.swarm.lease.skewMs
      host.disk.refusedOpens = 0
      host.disk.low = null
      host.disk.full = false
      host.censors = false
      if (host.life !== null) host.life.network.censors = false
      host.resume()
      repair(this, host)
      if (host.life === null) this.boot(host)
    }
  }

  stop(): void {
    for (const host of this.hosts) {
      host.life?.gate.kill()
      host.life?.network.vanish()
    }
    this.clock.end()
  }
}

/** A disk as it was. */
export type Image = Pick<Disk, 'state' | 'head'>

export function imageOf({ state, head }: Disk): Image {
  return { state, head }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
