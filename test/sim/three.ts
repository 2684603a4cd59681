/** Whole nodes, witnesses all of them, on the simulated network and disks, that a test opens one by one. */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256Hex } from '../../src/core/id.ts'
import type { PolicyEngine } from '../../src/core/policy.ts'
import { PrefixTree } from '../../src/core/prefix-tree.ts'
import { MeshNode } from '../../src/mesh/node.ts'
import type { Put } from '../../src/mesh/ports.ts'
import { type Made, type NodeKeys, nodeOf, rootOf, World } from '../unit/statements.ts'
import { BEGINNING_MS, VirtualClock } from './clock.ts'
import { Disk, DiskStore } from './disk.ts'
import { Hub } from './hub.ts'
import { SimNetwork } from './network.ts'

export const STALENESS_MS = 4_000
const SKEW_MS = 500
export const FAR_MS = BEGINNING_MS + 1e10
const running: MeshNode[] = []
after(() => Promise.all(running.map((node) => node.stop())))

export interface Host {
  readonly keys: NodeKeys
  readonly disk: Disk
  node: MeshNode
  network: SimNetwork
  store: DiskStore
}

const PERMITS_NOTHING: PolicyEngine = {
  loaded: [],
  shortestStalenessMs: null,
  readsExecutables: false,
  load: () => {},
  check: () => [],
  decide: () => assert.fail('nothing is decided here'),
}

export class Mesh {
  readonly clock = new VirtualClock(1)
  readonly hub = new Hub(this.clock)
  readonly hosts: Host[] = []
  /** Copies that each node wants of its log. */
  mirrors = 0
  readonly world: World
  readonly #known: Made[]

  constructor(names: readonly string[]) {
    const keys = names.map(nodeOf)
    const lease = { read: 2, write: 2, faults: 0, stalenessMs: STALENESS_MS, skewMs: SKEW_MS }
    const witnesses = keys.map(({ identity }) => identity.did)
    this.world = new World(rootOf({ witnesses, lease, expiresMs: FAR_MS }))
    const members = keys.map((each) => this.world.member(each, { expiresMs: FAR_MS }))
    this.#known = [this.world.first, ...members]
  }

  async open(name: string): Promise<Host> {
    const disk = new Disk(this.clock)
    const store = await DiskStore.open(disk)
    await store.persist({ epoch: 1, first: 0, records: [], tree: store.tree, puts: this.#puts() })
    await store.close()
    const host = { keys: nodeOf(name), disk } as Host
    this.hosts.push(host)
    await this.start(host)
    return host
  }

  async start(host: Host): Promise<void> {
    const { keys } = host
    host.network = new SimNetwork(this.hub, keys.identity.did)
    host.store = await DiskStore.open(host.disk)
    host.node = await MeshNode.open({
      clock: this.clock,
      random: this.clock.dice,
      store: host.store,
      network: host.network,
      policy: PERMITS_NOTHING,
      keys: { node: keys.identity, log: keys.log, witness: keys.witness, admitter: null },
      name: keys.name,
      stalenessAtMostMs: () => null,
      auditShare: () => 'members' as const,
      auditMirrors: () => this.mirrors,
      tell: {
        problem: () => {},
        decided: () => {},
        gossiped: () => {},
        cosigned: () => {},
        synced: () => {},
        committed: () => {},
      },
    })
    running.push(host.node)
    await host.node.start()
    for (const { keys: other } of this.hosts) {
      const peer = other.identity.did
      if (peer !== keys.identity.did) host.network.remember(peer, [this.hub.addressOf(peer)])
    }
  }

  async stop({ node, disk }: Host): Promise<void> {
    const stopped = node.stop()
    await this.clock.until(stopped)
    running.splice(running.indexOf(node), 1)
    disk.holder?.crash()
  }

  /** Starts it again on an older image of its disk. */
  async setBack(host: Host, image: Disk['state']): Promise<void> {
    await this.stop(host)
    host.disk.state = image
    host.disk.acknowledged = image
    host.disk.head = null
    await this.start(host)
  }

  #puts(): Put[] {
    let tree = PrefixTree.EMPTY
    const puts: Put[] = this.#known.map(({ id, bytes }) => {
      tree = tree.set(id.slice('sha256:'.length), sha256Hex(bytes))
      return { space: 'statement', key: id, value: bytes }
    })
    return [
      ...puts,
      { space: 'governance', key: 'mesh', value: utf8(this.world.mesh) },
      { space: 'governance', key: 'digest', value: utf8(tree.rootHash) },
    ]
  }
}

export async function meshOfThree() {
  const mesh = new Mesh(['atlas', 'borealis', 'corvus'])
  const [a, b, c] = [
    await mesh.open('atlas'),
    await mesh.open('borealis'),
    await mesh.open('corvus'),
  ]
  await mesh.clock.advance(5_000)
  const held = () => [a, b, c].map(({ node }) => node.lease.status().held)
  return { mesh, clock: mesh.clock, a, b, c, held }
}
