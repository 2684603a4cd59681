/**
 * The daemon without its API: keys, disk, network, engine and node, opened in
 * the order in which they rest on each other, and closed in the other one.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { STOP_LOOPS_MS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { selfTest } from '../core/self-test.ts'
import { disclosedOf } from '../mesh/disclosures.ts'
import { MeshNode, type NodeTeller } from '../mesh/node.ts'
import type { Clock, Random, Store } from '../mesh/ports.ts'
import { createHost } from '../network/host.ts'
import { Libp2pNetwork } from '../network/network.ts'
import { createStore } from '../storage/create.ts'
import { FILES, LevelStore } from '../storage/level.ts'
import { Artifacts } from './artifacts.ts'
import { Callers } from './callers.ts'
import { CedarEngine } from './cedar-engine.ts'
import { Contacts } from './contacts.ts'
import { Decider, type NodePort } from './decider.ts'
import { Decisions } from './decisions.ts'
import { Environment } from './environment.ts'
import { FactReader } from './facts.ts'
import { type Identity, openIdentity } from './identity.ts'
import type { Logger } from './logger.ts'
import { Names } from './names.ts'
import { type Paths, pathsOf } from './paths.ts'
import type { LiveConfig } from './reload.ts'
import type { Config } from './schema.ts'
import { systemClock, systemRandom } from './system.ts'
import { Wallet } from './wallet.ts'
import { WalletRequests } from './wallet-requests.ts'

export interface DaemonPorts {
  readonly live: LiveConfig
  readonly logger: Logger
  readonly tell: NodeTeller
  /** Makes the libp2p node; tests look into it. */
  readonly createHost?: typeof createHost
}

export class Daemon {
  readonly paths: Paths
  readonly clock: Clock
  readonly random: Random
  readonly network: Libp2pNetwork
  readonly policy: CedarEngine
  readonly node: MeshNode
  readonly wallet: Wallet
  readonly callers: Callers
  readonly decider: Decider
  readonly artifacts: Artifacts
  readonly requests: WalletRequests
  readonly decisions: Decisions
  readonly environment: Environment
  readonly #store: Store
  readonly #live: LiveConfig
  readonly #names: Names
  readonly #contacts: Contacts
  readonly #stopping = new AbortController()
  #contacting: Promise<unknown> = Promise.resolve()

  private constructor(opened: Opened, live: LiveConfig) {
    const { base, node, wallet, callers, environment, tell } = opened
    this.paths = base.paths
    this.clock = base.clock
    this.random = base.random
    this.network = base.network
    this.policy = base.policy
    this.#store = base.store
    this.node = node
    this.wallet = wallet
    this.callers = callers
    this.environment = environment
    this.#live = live
    const { clock, random } = base
    this.#contacts = new Contacts({
      ...{ clock, tell },
      join: (address) => node.join(address, { mesh: null }),
      pinned: () => node.statements.mesh !== null,
      addresses: () => live.current.mesh.peers,
    })
    live.onChange((config) => this.#follow(config, tell))
    this.#names = new Names(() => node.statements.governance, wallet)
    const port = this.#nodePort()
    const facts = new FactReader({
      self: node.self,
      measured: () => environment.measured(),
    })
    this.decider = new Decider({ node: port, clock, random, facts, wallet })
    this.artifacts = new Artifacts({
      ...{ node: port, wallet, clock, random },
      append: (draft, puts) => node.log.append(draft, puts),
    })
    this.requests = new WalletRequests({ wallet, artifacts: this.artifacts, clock, random })
    this.decisions = new Decisions({
      size: () => node.log.tree.size,
      least: () => node.reader.least,
      records: async (first, count) =>
        (await node.reader.range(first, count)).map(({ bytes }) => bytes),
      find: async (id) => (await node.reader.find(id))?.bytes ?? null,
      disclosed: (leaf) => disclosedOf(node.reader, leaf),
    })
  }

  /** Verifies what is on disk; listens to nobody yet. @throws MeshError KEY_UNAVAILABLE, LOG_DAMAGED, NOT_READY, WRONG_MESH */
  static async open({ live, tell, createHost: create }: DaemonPorts): Promise<Daemon> {
    selfTest()
    const config = live.current
    const base = await openBase(config, tell, create)
    try {
      const { paths, identity, ...ports } = base
      const node = await MeshNode.open({
        ...ports,
        ...{ keys: identity, name: config.node.name, tell },
        stalenessAtMostMs: () => live.current.lease.stalenessAtMostMs,
        auditShare: () => live.current.audit.share,
        auditMirrors: () => live.current.audit.mirror,
        redactable: () => live.current.audit.redactable,
      })
      await checkMesh(config, node)
      const wallet = await Wallet.open(base.store, (puts) => node.log.persist(puts))
      const callers = await Callers.open(wallet, config.api, live.tcpFiles?.callers)
      const told = (what: string, error: unknown) => tell.problem(what, error)
      const { clock } = base
      const environment = await Environment.open(config.environment, { clock, tell: told })
      return new Daemon({ base, node, wallet, callers, environment, tell: told }, live)
    } catch (error) {
      await base.store.close()
      throw error
    }
  }

  /** Listens, dials, and keeps going. @throws MeshError NOT_READY when it cannot listen */
  async start(): Promise<void> {
    await this.node.start()
    const { signal } = this.#stopping
    this.#contacting = Promise.all([this.#contacts.run(signal), this.artifacts.run(signal)])
  }

  /** Rejects with what ended a loop of the node or of the daemon; resolves after stop. */
  get running(): Promise<void> {
    return Promise.all([this.node.running, this.#contacting]).then(() => {})
  }

  /** Waits for what was begun, at most a moment; then closes the disk. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.environment.stop()
    const late = Promise.withResolvers<void>()
    // Of its own, for it keeps the process alive: what comes after it closes the disk.
    const timer = setTimeout(late.resolve, STOP_LOOPS_MS_MAX)
    await Promise.race([this.node.stop(), late.promise]).finally(() => clearTimeout(timer))
    await this.#store.close()
  }

  /** What it calls itself. */
  get name(): string {
    return this.#live.current.node.name
  }

  /** Kept free on disk, bytes. */
  get reserveBytes(): number {
    return this.#live.current.audit.diskReserveBytes
  }

  /** A label for a key: a member's, or of a caller whose key is kept here. */
  nameOf(did: Did): string | null {
    return this.#names.of(did)
  }

  /** What a running daemon takes over from a configuration that it read again. */
  #follow({ api, environment }: Config, tell: Tell): void {
    this.callers
      .reload(api, this.#live.tcpFiles?.callers)
      .catch((error: unknown) => tell('a key for a caller', error))
    this.environment
      .use(environment)
      .catch((error: unknown) => tell('the environment could not be measured', error))
    this.#contacts.look()
  }

  #nodePort(): NodePort {
    const { node, policy } = this
    const names = this.#names
    return {
      self: node.self,
      name: this.name,
      governance: () => node.statements.enforced,
      lease: () => node.lease.status(),
      leaseWithin: (stalenessMs) => node.lease.within(stalenessMs),
      authorizer: node.authorizer,
      executions: node.executions,
      policy,
      seen: (cid) => node.nonces.seen(cid),
      parent: (cause, untilMs) => node.lineage.parent(cause, untilMs),
      get nameOf() {
        return names.of
      },
      origin: () => node.origin(),
    }
  }
}

interface Base {
  readonly paths: Paths
  readonly identity: Identity
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  readonly network: Libp2pNetwork
  readonly policy: CedarEngine
}

interface Opened {
  readonly base: Base
  readonly node: MeshNode
  readonly wallet: Wallet
  readonly callers: Callers
  readonly environment: Environment
  readonly tell: Tell
}

type Tell = (what: string, error: unknown) => void

async function openBase(
  config: Config,
  tell: NodeTeller,
  create: typeof createHost = createHost,
): Promise<Base> {
  const paths = pathsOf(config)
  const made = existsSync(join(paths.dataDir, FILES.marker))
  const identity = openIdentity(paths, made)
  const reserve = { bytes: config.audit.diskReserveBytes }
  const store = made
    ? await LevelStore.open(paths.dataDir, reserve)
    : await createStore(paths.dataDir, reserve)
  const [clock, random] = [systemClock(), systemRandom()]
  const { listen, announce } = config.mesh
  const { seed } = identity
  const fault = (error: unknown) => tell.problem('a fault in the network', error)
  const network = new Libp2pNetwork({ seed, listen, announce, clock, random, fault }, create)
  return { paths, identity, clock, random, store, network, policy: new CedarEngine() }
}

/** The configuration may bind the node to a mesh, and may choose between roots that contradict each other; never to another mesh than the disk knows. */
async function checkMesh({ mesh }: Config, { statements }: MeshNode): Promise<void> {
  if (mesh.id !== null) {
    if (statements.mesh !== null && statements.mesh !== mesh.id)
      throw new MeshError(
        'WRONG_MESH',
        `the configuration names ${mesh.id}, the data directory ${statements.mesh}`,
      )
    await statements.pin(mesh.id as StatementId)
  }
  for (const root of mesh.pins) await statements.choose(root as StatementId)
}
