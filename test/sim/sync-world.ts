/**
 * Nodes that replicate statements over the simulated network, everybody a
 * member: the set, sync and, unless left out, announcements, gossip and pushes.
 */
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { sha256Hex } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { NONCE_BYTES } from '../../src/core/limits.ts'
import { PrefixTree } from '../../src/core/prefix-tree.ts'
import { Announcer } from '../../src/mesh/announce.ts'
import { openInbox } from '../../src/mesh/inbox.ts'
import type { Greeter, Puts } from '../../src/mesh/ports.ts'
import type { Cost } from '../../src/mesh/pull.ts'
import { Spread } from '../../src/mesh/spread.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { Sync } from '../../src/mesh/sync.ts'
import type { Addresses } from '../../src/mesh/sync-server.ts'
import { Memory } from '../unit/memory.ts'
import { type Made, type NodeKeys, nodeOf, World } from '../unit/statements.ts'
import { VirtualClock } from './clock.ts'
import { Hub, type Weather } from './hub.ts'
import { SimNetwork } from './network.ts'

/** From a put to durable: a disk that is neither fast nor slow. */
const DISK_MS = 5

export interface SyncNode {
  readonly keys: NodeKeys
  readonly did: Did
  readonly statements: Statements
  readonly sync: Sync
  readonly network: SimNetwork
  /** Of each comparison. */
  readonly costs: Cost[]
  stop(): Promise<void>
}

export class SyncWorld {
  readonly clock: VirtualClock
  readonly hub: Hub
  readonly mesh: World
  readonly nodes: SyncNode[] = []
  readonly #gossip: boolean

  constructor({
    seed = 1,
    gossip = true,
    weather = {},
    mesh = new World(),
  }: {
    readonly seed?: number
    readonly gossip?: boolean
    readonly weather?: Partial<Weather>
    readonly mesh?: World
  } = {}) {
    this.clock = new VirtualClock(seed)
    this.hub = new Hub(this.clock, weather)
    this.mesh = mesh
    this.#gossip = gossip
  }

  /** Opens a node that knows the root and these statements; it is connected to nobody. */
  async open(name: string, known: readonly Made[] = []): Promise<SyncNode> {
    const { clock, mesh } = this
    const keys = nodeOf(name)
    const memory = memoryOf(mesh, [mesh.first, ...known])
    const statements = await Statements.open({
      store: memory,
      persist: async (puts: Puts) => {
        await clock.sleep(DISK_MS)
        await memory.persist(puts)
      },
      policy: { check: () => [] },
    })
    const did = keys.identity.did
    const network = new SimNetwork(this.hub, did)
    const costs: Cost[] = []
    const sync = Sync.open({
      network,
      statements,
      clock,
      random: clock.dice,
      incarnation: INCARNATION,
      addresses: NO_ADDRESSES,
      pulled: (_, cost) => costs.push(cost),
    })
    const over = new AbortController()
    if (this.#gossip) {
      const witness = keys.witness
      const announcer = Announcer.open({
        statements,
        network,
        clock,
        witness,
        checkpoint: () => null,
        cosigned: () => null,
      })
      Spread.open({ statements, network, clock, random: clock.dice })
      openInbox({ network, statements, announcer, clock })
      sync.follow(announcer)
      network.useMesh(mesh.mesh)
      void announcer.run(over.signal)
    }
    await network.start(EVERYBODY)
    void sync.run(over.signal)
    const stop = () => {
      over.abort()
      return network.stop()
    }
    const node = { keys, did, statements, sync, network, costs, stop }
    this.nodes.push(node)
    return node
  }

  connect(a: SyncNode, b: SyncNode): void {
    a.network.remember(b.did, [this.hub.addressOf(b.did)])
  }

  /** Each to the next ones, round the circle. */
  connectAll(degree = 3): void {
    for (const [at, node] of this.nodes.entries())
      for (let step = 1; step <= degree; step++) {
        const other = this.nodes[(at + step) % this.nodes.length]
        if (other !== undefined && other !== node) this.connect(node, other)
      }
  }

  /** Different governance among the nodes; 1 is agreement. */
  get digests(): number {
    return new Set(this.nodes.map(({ statements }) => statements.governance.digest)).size
  }

  /** Advances until all agree; gives how long that took. */
  async agree(limitMs: number): Promise<number> {
    const beganMs = this.clock.monotonicMs()
    while (this.digests > 1 && this.clock.monotonicMs() - beganMs < limitMs)
      await this.clock.advance(50)
    return this.clock.monotonicMs() - beganMs
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop()
    await this.clock.advance(1)
  }
}

/** Nobody here starts again. */
export const INCARNATION = toBase64(new Uint8Array(NONCE_BYTES))
export const NO_ADDRESSES: Addresses = { hash: '00'.repeat(32), all: () => [], offer: () => false }

const EVERYBODY: Greeter = {
  hello: () => Promise.resolve(new Uint8Array()),
  answer: () => Promise.resolve({ answer: new Uint8Array(), greeted: true }),
  welcome: () => Promise.resolve(true),
  banned: () => false,
  member: () => true,
}

/** A disk on which all of these are durable. */
function memoryOf(mesh: World, all: readonly Made[]): Memory {
  const memory = new Memory()
  let tree = PrefixTree.EMPTY
  for (const { id, bytes } of all) {
    memory.space('statement').set(id, bytes)
    tree = tree.set(id.slice('sha256:'.length), sha256Hex(bytes))
  }
  memory.space('governance').set('mesh', utf8(mesh.mesh))
  memory.space('governance').set('digest', utf8(tree.rootHash))
  return memory
}
