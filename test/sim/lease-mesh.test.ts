/** Whole nodes, three witnesses on the simulated network and disks: what the lease promises with everything around it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { sha256Hex } from '../../src/core/id.ts'
import { rootHash } from '../../src/core/merkle.ts'
import type { PolicyEngine } from '../../src/core/policy.ts'
import { PrefixTree } from '../../src/core/prefix-tree.ts'
import { MeshNode } from '../../src/mesh/node.ts'
import type { Put } from '../../src/mesh/ports.ts'
import { type Made, type NodeKeys, nodeOf, rootOf, World } from '../unit/statements.ts'
import { BEGINNING_MS, VirtualClock } from './clock.ts'
import { Disk, DiskStore } from './disk.ts'
import { Hub } from './hub.ts'
import { SimNetwork } from './network.ts'

const STALENESS_MS = 4_000
const SKEW_MS = 500
const FAR_MS = BEGINNING_MS + 1e10
const never = new AbortController().signal
const running: MeshNode[] = []
after(() => Promise.all(running.map((node) => node.stop())))

interface Host {
  readonly keys: NodeKeys
  readonly disk: Disk
  node: MeshNode
  network: SimNetwork
  store: DiskStore
}

const PERMITS_NOTHING: PolicyEngine = {
  loaded: [],
  shortestStalenessMs: null,
  load: () => {},
  check: () => [],
  decide: () => assert.fail('nothing is decided here'),
}

class Mesh {
  readonly clock = new VirtualClock(1)
  readonly hub = new Hub(this.clock)
  readonly hosts: Host[] = []
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
      tell: {
        problem: () => {},
        decided: () => {},
        gossiped: () => {},
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
    disk.opened = false
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

async function meshOfThree() {
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

test('three nodes that start together check each other, and hold leases', async () => {
  const { a, b, c, held } = await meshOfThree()
  assert.deepEqual(
    [a, b, c].map(({ node }) => node.boot.why),
    [null, null, null],
  )
  assert.deepEqual(held(), [true, true, true])
})

test('a revocation is committed and bounded; the node that is cut off stopped by then', async () => {
  const { mesh, clock, a, c, held } = await meshOfThree()
  c.network.isolate(true)
  const revocation = mesh.world.revocation({ untilMs: FAR_MS })
  await clock.until(a.node.statements.submit(revocation.bytes))
  const spread = await clock.until(
    a.node.spreadView.view(revocation.id, 'committed', 10_000, never),
  )
  assert.ok(spread.boundAtMs !== null && spread.committedMs !== null && spread.committedMs < 1_000)
  await clock.advance(spread.boundAtMs - clock.wallMs())
  assert.deepEqual(held(), [true, true, false])
  assert.equal(c.node.statements.get(revocation.id), null)

  c.network.isolate(false)
  await clock.advance(20_000)
  assert.deepEqual(held(), [true, true, true])
  assert.equal(c.node.statements.get(revocation.id)?.state, 'effective')
})

test('a node whose disk was restored finds out, and goes on only in a new epoch of its log', async () => {
  const { mesh, clock, a, c } = await meshOfThree()
  const image = c.disk.state
  const first = mesh.world.revocation({ untilMs: FAR_MS })
  await clock.until(a.node.statements.submit(first.bytes))
  await clock.advance(5_000)
  const size = c.node.log.tree.size
  await mesh.setBack(c, image)
  await clock.advance(10_000)
  assert.equal(c.node.boot.done, false)
  assert.match(c.node.boot.why ?? '', /^rollback: a peer holds a checkpoint of this log at size/)
  assert.ok((c.node.boot.rollback?.size ?? 0) <= size)
  assert.equal(c.node.lease.status().held, false)

  const epoch = mesh.world.epoch(c.keys)
  await clock.until(a.node.statements.submit(epoch.bytes))
  await clock.advance(10_000)
  assert.deepEqual([c.node.boot.why, c.node.log.epoch], [null, 2])
  assert.equal(c.node.lease.status().held, true)
})

test('a disk that refuses the new epoch once does not end the node', async () => {
  const { mesh, clock, a, c } = await meshOfThree()
  let ended = false
  c.node.running.catch(() => {
    ended = true
  })
  const persist = c.store.persist.bind(c.store)
  let refused = 0
  c.store.persist = (batch) => {
    if (batch.epoch > c.store.epoch && refused++ === 0) c.disk.faults.push('gone')
    return persist(batch)
  }
  await clock.until(a.node.statements.submit(mesh.world.epoch(c.keys).bytes))
  await clock.advance(1_000)
  assert.deepEqual([ended, refused, c.node.log.epoch], [false, 1, 1])
  await clock.advance(70_000)
  assert.deepEqual([ended, c.node.log.epoch, c.node.lease.status().held], [false, 2, true])
})

test('an epoch that others saw begin is not begun again by a disk that forgot it', async () => {
  const { mesh, clock, a, c } = await meshOfThree()
  const image = c.disk.state
  await clock.until(a.node.statements.submit(mesh.world.epoch(c.keys).bytes))
  await clock.advance(10_000)
  assert.deepEqual([c.node.boot.why, c.node.log.epoch], [null, 2])

  await mesh.setBack(c, image)
  await clock.advance(10_000)
  assert.deepEqual([c.node.boot.rollback?.epoch, c.node.log.epoch], [2, 1])

  const next = mesh.world.epoch(c.keys, { epoch: 3 })
  await clock.until(a.node.statements.submit(next.bytes))
  await clock.advance(10_000)
  assert.deepEqual([c.node.boot.why, c.node.log.epoch], [null, 3])
})

test('a node whose revocation has ended is dialled again by those that had cut it off', async () => {
  const { mesh, clock, a, c } = await meshOfThree()
  const did = c.keys.identity.did
  const dialled: string[] = []
  const remember = a.network.remember.bind(a.network)
  a.network.remember = (peer, addresses) => {
    dialled.push(peer)
    remember(peer, addresses)
  }
  const untilMs = clock.wallMs() + 5_000
  const target = { kind: 'node', did } as const
  await clock.until(a.node.statements.submit(mesh.world.revocation({ target, untilMs }).bytes))
  await clock.advance(4_000)
  assert.equal(dialled.includes(did), false)
  await clock.advance(5_000)
  assert.equal(dialled.includes(did), true)
})

test('a node that is shown another checkpoint of its own log after its start writes nothing more', async () => {
  const { mesh, clock, a, c } = await meshOfThree()
  const { epoch, tree } = c.node.log
  const hear = (size: number, root: Uint8Array) => {
    const origin = logOrigin(mesh.world.mesh, c.node.self, epoch)
    const checkpoint = textOf(signCheckpoint({ origin, size, rootHash: root }, c.keys.log))
    const { digest } = a.node.statements.governance
    const said = { mesh: mesh.world.mesh, node: c.node.self, root: 1, digest, size: 1, checkpoint }
    a.node.heard.announced({ ...said, timeMs: clock.wallMs() })
  }
  hear(tree.size, rootHash(tree))
  await clock.advance(2 * STALENESS_MS)
  assert.equal(c.node.log.sealed, null)

  hear(tree.size + 90, new Uint8Array(32))
  await clock.advance(2 * STALENESS_MS)
  assert.match(c.node.log.sealed ?? '', /^rollback: others hold another checkpoint/)
  assert.match(c.node.notReady().at(-1)?.detail ?? '', /^the log is sealed: rollback/)
  assert.equal(a.node.log.sealed, null)
})
