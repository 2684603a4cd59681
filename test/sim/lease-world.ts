/**
 * A world for the lease: nodes whose statements are bare ids, a network that
 * is cut and healed at random, disks that may be restored to an older image.
 * Voice, Lease, BootCheck and Handover are the product's own. Unless the rules
 * ask for them, signatures are left out: hundreds of seeds run in seconds.
 */
import { textOf, toBase64, utf8 } from '../../src/core/bytes.ts'
import type { Governance } from '../../src/core/governance.ts'
import { type StatementId, sha256Hex } from '../../src/core/id.ts'
import type { Did, Signer } from '../../src/core/keys.ts'
import { NONCE_BYTES } from '../../src/core/limits.ts'
import { EMPTY, rootHash, type Tree } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Root } from '../../src/core/statement/root.ts'
import { BootCheck } from '../../src/mesh/boot.ts'
import { type Answered, Challenges, type Changed } from '../../src/mesh/challenge.ts'
import { Checkpoints } from '../../src/mesh/checkpoints.ts'
import { Drift } from '../../src/mesh/drift.ts'
import { Handover } from '../../src/mesh/handover.ts'
import { Heard } from '../../src/mesh/heard.ts'
import { History } from '../../src/mesh/history.ts'
import { Lease } from '../../src/mesh/lease.ts'
import { OwnLog } from '../../src/mesh/own-log.ts'
import type { Clock, Network, Put, Store } from '../../src/mesh/ports.ts'
import { SpreadView } from '../../src/mesh/spread-view.ts'
import { formatStateQuestion, type StateAnswer } from '../../src/mesh/state-frames.ts'
import { Voice } from '../../src/mesh/voice.ts'
import type { VirtualClock } from './clock.ts'
import { DIDS, MESH, membersOf, SIGNERS } from './lease-roots.ts'

export interface Rules {
  readonly bootCheck: boolean
  readonly handover: boolean
  /** Answers are signed and verified, checkpoints kept: the product's Challenges and Checkpoints. */
  readonly signed: boolean
}

export interface WorldOf {
  readonly clock: VirtualClock
  readonly nodes: number
  /** In order; the first is known everywhere from the beginning, the others are statements. */
  readonly roots: readonly Root[]
  readonly rules?: Partial<Rules>
  /** Witnesses that help to commit, and tell all others that they know nothing. */
  readonly liars?: readonly number[]
  /** Witnesses that answer nobody, and are asked all the same. */
  readonly silent?: readonly number[]
}

/** What survives a crash. */
interface Disk {
  readonly ids: Set<StatementId>
  readonly kept: Map<string, Uint8Array>
}

const copyOf = ({ ids, kept }: Disk): Disk => ({ ids: new Set(ids), kept: new Map(kept) })

export class World {
  readonly clock: VirtualClock
  readonly roots: readonly Root[]
  readonly rules: Rules
  readonly members: Governance['members']
  readonly liars: readonly number[]
  /** May grow while it runs. */
  silent: readonly number[]
  readonly nodes: readonly SimNode[]
  /** Who can hear whom: same group. */
  groups: number[]
  /** Statement → root version → witnesses that signed a state with it. */
  readonly signed = new Map<StatementId, Map<number, Set<Did>>>()
  /** Statement → monotonic time of its commit. */
  readonly committed = new Map<StatementId, number>()

  constructor({ clock, nodes, roots, rules, liars = [], silent = [] }: WorldOf) {
    this.liars = liars
    this.silent = silent
    this.clock = clock
    this.roots = roots
    this.rules = { bootCheck: true, handover: true, signed: false, ...rules }
    this.members = membersOf(nodes)
    this.groups = Array.from({ length: nodes }, () => 0)
    this.nodes = DIDS.slice(0, nodes).map((did, at) => new SimNode(this, did, at))
  }

  async start(): Promise<void> {
    for (const node of this.nodes) await node.start()
  }

  stop(): void {
    for (const node of this.nodes) node.crash()
  }

  reaches(a: SimNode, b: SimNode): boolean {
    return a.up && b.up && this.groups[a.at] === this.groups[b.at]
  }

  of(did: Did): SimNode {
    return this.nodes[DIDS.indexOf(did)] as SimNode
  }

  /** A witness signed its state: what is in it may be committed by that. */
  announced(node: SimNode): void {
    const root = node.governance.root as Root
    for (const id of node.disk.ids) {
      const versions = this.signed.get(id) ?? new Map<number, Set<Did>>()
      const by = versions.get(root.version) ?? new Set()
      by.add(node.did)
      versions.set(root.version, by)
      this.signed.set(id, versions)
      if (by.size >= root.lease.write && !this.committed.has(id))
        this.committed.set(id, this.clock.monotonicMs())
    }
  }

  /** A round trip. Lost where the two do not reach each other, on the way there or back. */
  async trip<T>(from: SimNode, to: SimNode, serve: () => T): Promise<T> {
    const delay = () => this.clock.sleep(1 + this.clock.dice.integer(30))
    await delay()
    if (this.reaches(from, to)) {
      const said = serve()
      await delay()
      if (this.reaches(from, to)) return said
    }
    await this.clock.sleep(1_000)
    throw new MeshError('UNREACHABLE', 'cut off')
  }
}

export class SimNode {
  readonly did: Did
  readonly at: number
  /** Of its wall clock. */
  offsetMs = 0
  /** For how long its machine was suspended: its monotonic clock is behind by that. */
  suspendedMs = 0
  up = false
  disk: Disk = { ids: new Set([MESH]), kept: new Map() }
  governance: Governance
  declare lease: Lease
  declare boot: BootCheck
  declare handover: Handover
  declare voice: Voice
  declare checkpoints: Checkpoints
  declare spread: SpreadView
  declare drift: Drift
  /** Those that its memberships name or named. */
  logKeys: readonly Did[]
  /** What it has of its own log, and the checkpoint it shows. */
  log: { epoch: number; tree: Tree } = { epoch: 1, tree: EMPTY }
  checkpoint: Uint8Array | null = null
  /** What its log was when it was shorter. */
  past: readonly Tree[] = []
  /** What the fold would say beside roots. */
  also: Partial<Governance> = {}
  readonly #world: World
  #running = new AbortController()
  #starts = 0
  #listeners: ((learned: Changed) => void)[] = []
  readonly #passed = new Set<string>()

  constructor(world: World, did: Did, at: number) {
    this.#world = world
    this.did = did
    this.at = at
    this.logKeys = [did]
    this.governance = this.#fold()
  }

  get clock(): Clock {
    const { clock } = this.#world
    return {
      wallMs: () => clock.wallMs() + this.offsetMs,
      monotonicMs: () => clock.monotonicMs() - this.suspendedMs,
      bootMs: () => clock.bootMs(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    }
  }

  /** Of this start: the node's place, and how often it has started. */
  get incarnation(): string {
    return toBase64(utf8(`${this.at} ${this.#starts}`.padEnd(NONCE_BYTES)))
  }

  image(): Disk {
    return copyOf(this.disk)
  }

  /** Makes durable, then applies: a moment passes in between. */
  async learn(ids: Iterable<StatementId>): Promise<void> {
    const { signal } = this.#running
    await this.#world.clock.sleep(this.#world.clock.dice.integer(20))
    if (signal.aborted) return
    const fresh = [...ids].filter((id) => !this.disk.ids.has(id))
    for (const id of fresh) this.disk.ids.add(id)
    if (fresh.length === 0) return
    this.governance = this.#fold()
    for (const id of fresh) for (const listener of this.#listeners) listener({ id, changed: [] })
    this.#passed.add(this.governance.digest)
  }

  /** Everything that the peer holds when the question arrives. */
  async pull(peer: SimNode): Promise<string> {
    const { silent } = this.#world
    const served = await this.#world.trip(this, peer, () => ({
      ids: silent.includes(peer.at) ? [] : [...peer.disk.ids],
      incarnation: peer.incarnation,
    }))
    await this.learn(served.ids)
    return served.incarnation
  }

  crash(): void {
    this.up = false
    this.#running.abort()
  }

  async start(disk: Disk = this.disk): Promise<void> {
    this.disk = copyOf(disk)
    this.up = true
    this.#running = new AbortController()
    this.#starts += 1
    this.#listeners = []
    this.#passed.clear()
    this.governance = this.#fold()
    this.#passed.add(this.governance.digest)
    const { rules } = this.#world
    const common = await this.#ports()
    const { checkpoints } = common
    const own = new OwnLog({
      ...{ self: this.did, checkpoints, log: () => this.log, logKeys: () => this.logKeys },
      rootHashAt: async (size) =>
        rootHash(this.past.find((tree) => tree.size === size) ?? this.log.tree),
    })
    this.boot = await BootCheck.open({ ...common, own, log: () => this.log })
    const boot = rules.bootCheck ? this.boot : CHECKED
    this.handover = await Handover.open({ ...common, boot })
    const place = { opened: 0, closed: 0 }
    Object.defineProperty(place, 'opened', { get: () => this.governance.root?.version })
    this.voice = new Voice({
      ...common,
      incarnation: this.incarnation,
      boot,
      handover: rules.handover ? this.handover : place,
      witness: rules.signed
        ? (SIGNERS[this.at] as Signer)
        : { did: this.did, sign: () => new Uint8Array(64) },
      checkpoint: () => this.checkpoint,
    })
    this.lease = new Lease({
      ...common,
      boot,
      handover: this.handover,
      voice: this.voice,
      stalenessAtMostMs: () => null,
      policyStalenessMs: () => null,
      durableTimeMs: () => 0,
    })
    const { signal } = this.#running
    void this.boot.run(signal)
    void this.handover.run(signal)
    void this.lease.run(signal)
    void this.#sync(signal)
  }

  async #ports() {
    const { clock: world, rules } = this.#world
    const self = this
    const { kept } = this.disk
    const base = {
      clock: this.clock,
      random: world.dice,
      network: this.#network() as Network,
      store: {
        get: async (_: string, key: string) => kept.get(key) ?? null,
        entries: async () => new Map([...kept].filter(([key]) => key.startsWith('did:'))),
      } as unknown as Store,
      persist: (puts: readonly Put[]) => this.#persist(puts),
      statements: {
        get governance() {
          return self.governance
        },
        get: (id: StatementId) => (this.disk.ids.has(id) ? { state: 'effective' } : null),
        onChange: (listener: (learned: Changed) => void) => void this.#listeners.push(listener),
      },
    }
    if (!rules.signed) return { ...base, challenges: this.#light(), checkpoints: NO_CHECKPOINTS }
    this.checkpoints = await Checkpoints.open({ ...base, governance: () => this.governance })
    const heard = new Heard(this.clock, this.checkpoints)
    const pull = (peer: Did) => this.pull(this.#world.of(peer))
    const challenges = new Challenges({ ...base, heard, pull })
    const voice = {
      holds: (id: StatementId) => this.disk.ids.has(id),
      get speaks() {
        return self.voice.speaks
      },
    }
    const longestTerms = () => this.lease.longestTerms()
    const history = new History({ ...base, holds: voice.holds })
    this.spread = new SpreadView({ ...base, challenges, history, voice, longestTerms })
    this.drift = new Drift({ ...base, history, heard, spread: this.spread })
    return { ...base, challenges, checkpoints: this.checkpoints }
  }

  #light() {
    return {
      ask: (peer: Did) => this.#ask(peer),
      reach: (answer: StateAnswer) => this.#reach(answer),
    }
  }

  #network(): Partial<Network> {
    // A connection outlives a cut, longer than most of them last.
    const others = this.#world.nodes.filter((node) => node !== this)
    return {
      self: this.did,
      peers: () =>
        others.map(({ did }) => ({ peer: did, address: '', direction: 'in', rttMs: null })),
      onPeer: () => {},
      ask: async (peer, _, question) => this.#send(peer, question),
    }
  }

  async #persist(puts: readonly Put[]): Promise<void> {
    const { signal } = this.#running
    const { disk } = this
    await this.#world.clock.sleep(this.#world.clock.dice.integer(20))
    if (signal.aborted) return new Promise(() => {})
    for (const { key, value } of puts) if (value !== null) disk.kept.set(key, value)
  }

  async #ask(did: Did): Promise<Answered> {
    const sentMs = this.clock.monotonicMs()
    const { answer: said } = JSON.parse(textOf(await this.#send(did, QUESTION)))
    const answer: StateAnswer = { ...said, timeMs: Date.parse(said.time) }
    const halfMs = (this.clock.monotonicMs() - sentMs) / 2
    return { answer, sentMs, clockOffsetMs: this.clock.wallMs() - halfMs - answer.timeMs }
  }

  async #send(did: Did, question: Uint8Array): Promise<Uint8Array> {
    const peer = this.#world.of(did)
    const bytes = await this.#world.trip(this, peer, () =>
      this.#world.silent.includes(peer.at) ? null : peer.#answer(this.did, question),
    )
    if (bytes === null) throw new MeshError('UNREACHABLE', 'no answer')
    return bytes
  }

  #answer(asker: Did, question: Uint8Array): Uint8Array | null {
    if (this.voice.speaks) this.#world.announced(this)
    if (!this.#world.liars.includes(this.at)) return this.voice.answer(asker, question)
    const { governance } = this
    this.governance = this.#fold(new Set([MESH]))
    const said = this.voice.answer(asker, question)
    this.governance = governance
    return said
  }

  async #reach({ node, incarnation, digest }: StateAnswer): Promise<void> {
    if (this.#passed.has(digest)) return
    if ((await this.pull(this.#world.of(node))) !== incarnation)
      throw new MeshError('UNREACHABLE', 'the peer started again')
  }

  /** Anti-entropy with one random peer. */
  async #sync(signal: AbortSignal): Promise<void> {
    const { clock, nodes } = this.#world
    while (!signal.aborted) {
      await clock.sleep(200 + clock.dice.integer(800), signal)
      const peer = nodes[clock.dice.integer(nodes.length)] as SimNode
      // A peer that is cut off is met another time.
      if (peer !== this) await this.pull(peer).catch(() => {})
    }
  }

  #fold(ids: ReadonlySet<StatementId> = this.disk.ids): Governance {
    const known = this.#world.roots.filter(({ id }) => ids.has(id))
    return {
      mesh: MESH,
      root: known.at(-1) ?? null,
      // Their chain: a root cannot be known without those before it.
      roots: this.#world.roots.slice(0, known.length),
      ...{ disputed: [], arriving: [] },
      members: this.#world.members,
      bundles: new Map(),
      freezes: new Map(),
      revocations: { size: 0, did: () => null } as unknown as Governance['revocations'],
      epochs: new Map(),
      ...{ evidence: new Map(), distrusted: new Map() },
      digest: sha256Hex(utf8([...ids].sort().join())),
      size: ids.size,
      ...this.also,
    }
  }
}

const NONCE = toBase64(new Uint8Array(NONCE_BYTES))
const QUESTION = formatStateQuestion({ ids: [], own: false, nonce: NONCE })
const NO_CHECKPOINTS = { read: () => null, newest: () => null }
const CHECKED = { done: true, why: null, onDone: () => {} }
