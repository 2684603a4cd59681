/** Whole nodes, three witnesses on the simulated network and disks: what the lease promises with everything around it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { rootHash } from '../../src/core/merkle.ts'
import { formatInviteRecord } from '../../src/mesh/invite-record.ts'
import { FAR_MS, meshOfThree, STALENESS_MS } from './three.ts'

const never = new AbortController().signal

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
  const invite = formatInviteRecord({
    ...{ key: c.keys.log.did, name: null, labels: new Map(), expiresMs: FAR_MS },
    ...{ revoked: false, redeemedBy: null, as: null, member: null },
  })
  await clock.until(c.node.log.persist([{ space: 'invite', key: '7f3a9c12', value: invite }]))
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
  assert.deepEqual(
    c.node.invites.list().map(({ id, state }) => [id, state]),
    [['7f3a9c12', 'revoked']],
    'it may have been revoked since',
  )

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
    const common = { mesh: mesh.world.mesh, node: c.node.self, root: 1, digest, size: 1 }
    const said = { ...common, checkpoint, cosigned: null }
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
