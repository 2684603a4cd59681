/**
 * Nodes with a door each, on the simulated network: the set of statements,
 * addresses, invites and the door are the product's own. Sync is left out, so
 * that what a node knows came by a hello or was put there.
 */
import type { Did, Signer } from '../../src/core/keys.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { Addresses } from '../../src/mesh/addresses.ts'
import { Door } from '../../src/mesh/door.ts'
import { Invites } from '../../src/mesh/invites.ts'
import type { Puts } from '../../src/mesh/ports.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { Memory } from '../unit/memory.ts'
import { type Made, type NodeKeys, nodeOf, type World } from '../unit/statements.ts'
import { VirtualClock } from './clock.ts'
import { Hub } from './hub.ts'
import { SimNetwork } from './network.ts'

export interface JoinNode {
  readonly keys: NodeKeys
  readonly did: Did
  /** With /p2p/. */
  readonly address: string
  readonly memory: Memory
  readonly statements: Statements
  readonly addresses: Addresses
  readonly invites: Invites
  readonly door: Door
  readonly network: SimNetwork
  stop(): void
}

interface OpenOptions {
  /** The mesh that it is pinned to, and what it knows. */
  readonly mesh?: World
  readonly known?: readonly Made[]
  readonly admitter?: Signer
  /** What survived its last life. */
  readonly memory?: Memory
  /** Whether its boot check is over; default: it is. */
  readonly checked?: () => boolean
  /** What it calls itself; default: its name. */
  readonly as?: string
}

export class JoinWorld {
  readonly clock: VirtualClock
  readonly hub: Hub
  readonly #over = new AbortController()

  constructor(seed = 1) {
    this.clock = new VirtualClock(seed)
    this.hub = new Hub(this.clock)
  }

  async open(name: string, options: OpenOptions = {}): Promise<JoinNode> {
    const { clock, hub } = this
    const keys = nodeOf(name)
    const did = keys.identity.did
    const memory = options.memory ?? new Memory()
    const persist = async (puts: Puts) => {
      await clock.sleep(1)
      await memory.persist(puts)
    }
    const ports = { store: memory, persist, clock }
    const statements = await Statements.open({ ...ports, policy: { check: () => [] } })
    if (options.mesh !== undefined) await clock.until(statements.pin(options.mesh.mesh))
    for (const { bytes } of options.known ?? [])
      await clock.until(statements.offer(bytes, null, 'local').done)
    const network = new SimNetwork(hub, did)
    const governance = () => statements.governance
    const addresses = await Addresses.open({ ...ports, network, governance, node: keys.identity })
    const invites = await Invites.open({
      ...{ ...ports, statements, random: clock.dice, node: did },
      admitter: options.admitter ?? null,
      addresses: () => network.addresses(),
      checked: options.checked ?? (() => true),
    })
    const door = await Door.open({
      ...{ ...ports, network, statements, addresses, invites },
      keys: { node: keys.identity, log: keys.log, witness: keys.witness },
      name: options.as ?? name,
    })
    await network.start(door)
    addresses.start()
    const stopped = new AbortController()
    this.#over.signal.addEventListener('abort', () => stopped.abort(), { once: true })
    void door.run(stopped.signal)
    const stop = () => {
      stopped.abort()
      network.vanish()
    }
    const address = hub.addressOf(did)
    return { keys, did, address, memory, statements, addresses, invites, door, network, stop }
  }

  /** Runs until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.until(promise)
  }

  stop(...nodes: readonly JoinNode[]): void {
    this.#over.abort()
    for (const node of nodes) node.stop()
  }
}

export function addressOf(did: Did, host = '10.9.9.9'): string {
  return `/ip4/${host}/tcp/4717/p2p/${formatPeerId(did)}`
}
