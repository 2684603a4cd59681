/**
 * Who is no member of a running mesh (FAULTS 58, 59, 123, 124; S15): a client
 * that speaks libp2p and gossipsub and knows every name of ours, a node that
 * waits for approval, a suspended one, and one with an invite of another mesh.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Host } from '../../src/cli/stage.ts'
import type { PeerView } from '../../src/client/peer-types.ts'
import type { StatementView } from '../../src/client/types.ts'
import type { StatementId } from '../../src/core/id.ts'
import { formatTopic, TOPICS } from '../../src/network/topics.ts'
import { row } from '../lab/row.ts'
import { authorize, eventually, Lab, status } from './lab.ts'
import { bodyOf, raw, request, socketOf } from './raw.ts'

const PROTOCOLS = ['hello', 'state', 'sync', 'log', 'lineage'].map((name) => `/meshd/${name}/1`)
const CANARY = 'CANARY-4711'

const lab = new Lab()
let [atlas, borealis] = [] as Host[] as [Host, Host]
let [address, mesh] = ['', '']

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  const view = await status(atlas)
  address = view.listen[0] ?? ''
  mesh = view.mesh?.id ?? ''
})

after(() => lab[Symbol.asyncDispose]())

/** Plain libp2p and gossipsub, subscribed to our topics. */
async function stranger() {
  const node = await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      gossip: gossipsub({ globalSignaturePolicy: 'StrictNoSign', fallbackToFloodsub: false }),
    },
  })
  const heard: string[] = []
  for (const topic of TOPICS)
    node.services.gossip.subscribe(formatTopic(mesh as StatementId, topic))
  node.services.gossip.addEventListener('gossipsub:message', ({ detail }) => {
    heard.push(new TextDecoder().decode(detail.msg.data))
  })
  return { node, heard }
}

const REQUESTS: readonly Uint8Array[] = [
  new Uint8Array(),
  new Uint8Array([0, 0, 0, 2, 123, 125]),
  new Uint8Array(64 * 1024).fill(0xff),
  new TextEncoder().encode('\0\0\0\x0d{"nonce":"x"}'),
]

test('a stranger that skips the hello gets no byte of governance, over streams or gossip', async (t) => {
  const { node, heard } = await stranger()
  let bytes = 0
  let opened = 0
  for (const protocol of PROTOCOLS)
    for (const body of REQUESTS) {
      try {
        const connection = await node.dial(multiaddr(address), {
          signal: AbortSignal.timeout(3_000),
        })
        const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(1_000) })
        opened += 1
        stream.addEventListener('message', ({ data }) => {
          bytes += data.byteLength
        })
        stream.send(body)
        await new Promise((over) => setTimeout(over, 50))
      } catch {
        // Cut, refused or reset: each is an answer without a byte.
      }
    }
  await node.dial(multiaddr(address)).catch(() => {})
  await atlas.do('freeze', 'action:canary', '-m', CANARY, '--yes', '--wait=all')
  await new Promise((over) => setTimeout(over, 500))
  assert.ok(opened > 0, 'no stream was opened at all')
  assert.deepEqual([bytes, heard], [0, []])
  await node.stop()
  assert.equal((await status(atlas)).peers.filter(({ link }) => link !== null).length, 1)
  row(t, 58, `0 bytes on ${opened} streams, 0 messages of gossip`)
})

test('a node that waits for approval holds the roots, and nothing else of governance', async () => {
  const mallory = lab.host('mallory')
  mallory.start()
  await mallory.answers()
  assert.match(await mallory.do('peer', 'join', address, '--mesh', mesh), /PENDING/)
  await atlas.do('freeze', 'action:second', '-m', CANARY, '--yes', '--wait=all')
  await new Promise((over) => setTimeout(over, 500))
  const answer = await raw(socketOf(mallory, 'read'), request('GET', '/v1/statements'))
  const { items } = JSON.parse(bodyOf(answer)) as { items: readonly StatementView[] }
  assert.deepEqual(new Set(items.map(({ type }) => type)), new Set(['root']))
  assert.equal(answer.includes(CANARY), false)
  assert.equal((await authorize(mallory)).decision, false)
  const other = await mallory.run('peer', 'join', address, '--mesh', `sha256:${'0'.repeat(64)}`)
  assert.deepEqual([other.status, /\[WRONG_MESH\]/.test(other.stderr)], [3, true])
  await mallory.stop()
})

test('an invite of another mesh, or one that was changed, pins and admits nothing', async (t) => {
  const elsewhere = lab.host('elsewhere')
  await elsewhere.do('init', '--mesh', 'other')
  elsewhere.start()
  await elsewhere.do('wait', '--for', 'ready')
  const foreign = (await elsewhere.do('invite', 'create', '--name', 'borealis', '-o', 'id')).trim()
  const said = await borealis.run('peer', 'join', foreign)
  assert.deepEqual([said.status, /\[WRONG_MESH\]/.test(said.stderr)], [3, true], said.stderr)
  assert.equal((await status(borealis)).mesh?.id, mesh)

  const good = (await atlas.do('invite', 'create', '--name', 'eve', '-o', 'id')).trim()
  const decoded = JSON.parse(Buffer.from(good.replace(/^.*:/, ''), 'base64url').toString())
  const changed = (change: object) => {
    const text = JSON.stringify({ ...decoded, ...change })
    return `meshd-invite:1:${Buffer.from(text).toString('base64url')}`
  }
  const eve = lab.host('eve')
  eve.start()
  await eve.answers()
  const guessed = changed({ secret: Buffer.alloc(32, 7).toString('base64') })
  for (const line of [
    guessed,
    changed({ mesh: `sha256:${'0'.repeat(64)}` }),
    `${good}x`,
    good.slice(0, -9),
  ]) {
    const refused = await eve.run('peer', 'join', line)
    assert.notEqual(refused.status, 0, line)
    assert.match(refused.stderr, /\[[A-Z_]+\]\nhint: /)
    assert.equal(/\[BUG\]/.test(refused.stderr), false, refused.stderr)
  }
  assert.equal((await status(eve)).ready, false)
  // Nothing of that used it up.
  await eve.do('peer', 'join', good)
  assert.equal((await status(eve)).ready, true)
  row(t, 124, 'invites of another mesh, changed and guessed: 0 joins')
})

test('a suspended node is cut within a second, denies, and is back once it is lifted', async (t) => {
  const linked = async () => {
    const { items } = await atlas.ask<{ items: PeerView[] }>('peer', 'list')
    return items.some(({ name, link }) => name === 'borealis' && link !== null)
  }
  assert.equal(await linked(), true)
  await atlas.do('peer', 'suspend', 'borealis', '-m', 'INC-4', '--yes')
  await eventually('cut', linked, (still) => !still, 1_500)
  const { notReady } = await eventually(
    'suspended there',
    () => status(borealis),
    ({ ready }) => !ready,
  )
  assert.match(notReady.join('\n'), /NODE_SUSPENDED|GOVERNANCE_STALE/)
  await borealis.do('peer', 'join', address).catch(() => {})
  assert.equal(await linked(), false)
  await atlas.do('unfreeze', 'node:borealis', '--yes')
  await eventually('back', linked, Boolean, 20_000)
  await borealis.do('wait', '--for', 'ready', '--timeout', '20s')
  row(t, 59, 'cut within 1.5 s, refused until it is lifted')
})
