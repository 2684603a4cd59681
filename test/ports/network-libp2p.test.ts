/** What only the real network can do wrong: FACTS 3.2 to 3.4, each trap sprung on purpose. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { describe, test } from 'node:test'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { concat, textOf, utf8 } from '../../src/core/bytes.ts'
import type { Did } from '../../src/core/keys.ts'
import {
  CONNECTION_BYTES_PER_S,
  CONNECTION_BYTES_UNSPACED,
  STREAM_COST_BYTES,
} from '../../src/core/limits.ts'
import { parsePeerId } from '../../src/core/peer-id.ts'
import { BOOT_BYTES } from '../../src/network/election.ts'
import { meshErrorOf } from '../../src/network/errors.ts'
import type { Host } from '../../src/network/host.ts'
import { answerOnce, askOnce } from '../../src/network/streams.ts'
import { formatTopic } from '../../src/network/topics.ts'
import { LoopbackLab } from './labs.ts'
import {
  admit,
  begin,
  connected,
  full,
  MESH,
  type Node,
  ROOTS,
  spread,
  three,
  two,
  WELCOME,
} from './network-nodes.ts'

const hostOf = (lab: LoopbackLab, { network }: Node) => lab.hosts.get(network) as Host

/** Plain libp2p and gossipsub, which skips the hello and asks for everything. */
async function outsider() {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      gossip: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        allowPublishToZeroTopicPeers: true,
        fallbackToFloodsub: false,
      }),
    },
  })
  node.services.gossip.subscribe(formatTopic(MESH, 'statements'))
  return { node, did: parsePeerId(node.peerId.toString()) }
}

/** Of rejected messages, one each 5 ms. The score of a peer is looked at after 128 of them, or a second: it is heard so long. */
const FLOOD = 1_000

/** As streams.ts frames: four bytes of length. */
const framed = (stream: Stream) =>
  lpStream(stream, {
    maxLengthLength: 4,
    lengthEncoder: (length) => Uint8Array.of(length >> 24, length >> 16, length >> 8, length),
    lengthDecoder: (bytes) => {
      if (bytes.length < 4) throw new RangeError('one more')
      return bytes.getUint32(0)
    },
  })

const traps: { readonly says: string; readonly check: (lab: LoopbackLab) => Promise<void> }[] = []
const trap = (says: string, check: (lab: LoopbackLab) => Promise<void>) =>
  traps.push({ says, check })

trap('all gossip streams reset at once are healed within ten seconds', async (lab) => {
  const nodes = await full(lab, 3)
  const [a, b, c] = nodes as [Node, Node, Node]
  await spread(lab, a, [b, c], 'before')
  for (const node of nodes)
    for (const connection of hostOf(lab, node).getConnections())
      for (const stream of connection.streams)
        if (stream.protocol.startsWith('/meshsub/')) stream.abort(new Error('the lab did it'))
  await lab.pass(200)
  a.network.publish('statements', utf8('lost'))
  await spread(lab, a, [b, c], 'after', 9_500)
  await spread(lab, c, [a, b], 'back', 9_500)
  assert.equal(b.heard.includes('lost'), false)
})

trap('who skips the hello gets no byte of gossip or answers, and is cut in time', async (lab) => {
  const [a, b] = await two(lab)
  const { node, did } = await outsider()
  let leaked = 0
  node.services.gossip.addEventListener('message', () => leaked++)
  node.services.gossip.addEventListener('subscription-change', () => leaked++)
  try {
    // Even one whose key is a member's: a connection is greeted, not a key.
    a.porter.members.add(did)
    const connection = await node.dial(multiaddr(a.network.addresses()[0] as string))
    const openedMs = performance.now()
    for (let i = 0; i < 10; i++) {
      a.network.publish('statements', utf8(`secret ${i}`))
      await node.services.gossip.publish(formatTopic(MESH, 'statements'), utf8(`lie ${i}`))
      await lab.pass(50)
    }
    for (const protocol of ['state', 'sync', 'log', 'lineage']) {
      const stream = await connection.newStream(`/meshd/${protocol}/1`)
      const frames = framed(stream)
      await assert.rejects(async () => {
        await frames.write(utf8('x'))
        await frames.read({ signal: AbortSignal.timeout(1_000) })
      }, /reset|state|closed/i)
    }
    await lab.until(() => connection.status !== 'open', 4_000)
    assert.ok(performance.now() - openedMs < 4_000)
    assert.deepEqual([leaked, a.asked], [0, []])
    await lab.pass(50)
    const known = await hostOf(lab, a).peerStore.all()
    assert.ok(!known.some(({ id }) => id.equals(node.peerId)), 'it leaves nothing behind')
    assert.equal(
      [...a.heard, ...b.heard].some((text) => text.startsWith('lie')),
      false,
    )
  } finally {
    await node.stop()
  }
})

trap('a hello is said once on a connection, and must be one', async (lab) => {
  const [a] = await two(lab)
  const { node, did } = await outsider()
  a.porter.members.add(did)
  try {
    const hello = async (bytes: Uint8Array) => {
      const connection = await node.dial(multiaddr(a.network.addresses()[0] as string))
      const stream = await connection.newStream('/meshd/hello/1')
      const frames = framed(stream)
      await frames.write(bytes)
      await stream.close()
      return frames.read({ signal: AbortSignal.timeout(1_000) })
    }
    for (const bytes of [new Uint8Array(5), new Uint8Array(80 * 1024)]) {
      await assert.rejects(hello(bytes))
      await lab.until(() => node.getConnections().length === 0, 1_000)
    }
    const good = Uint8Array.from([...new Uint8Array(BOOT_BYTES), ...utf8('hello')])
    await hello(good)
    assert.equal(a.network.peers().length, 2)
    await assert.rejects(hello(good))
  } finally {
    await node.stop()
  }
})

trap('who came by itself and was let in nowhere is told the hello of this node', async (lab) => {
  const a = await begin(lab, 1)
  const { node, did } = await outsider()
  const said = (text: string) => concat(new Uint8Array(BOOT_BYTES), utf8(text))
  try {
    const came = await node.dial(multiaddr(a.network.addresses()[0] as string))
    const signal = AbortSignal.timeout(10_000)
    const answer = await askOnce(came, '/meshd/hello/1', said('hello'), 1_024, signal)
    assert.equal(textOf(answer.subarray(BOOT_BYTES)), ROOTS)
    a.porter.members.add(did)
    await node.handle('/meshd/hello/1', (stream) =>
      answerOnce(stream, 1_024, signal, async () => said(WELCOME)),
    )
    assert.equal(came.status, 'open')
    const addresses = node.getMultiaddrs().map(String)
    assert.equal(await lab.run(a.network.connect(did, addresses)), true)
  } finally {
    await node.stop()
  }
})

trap('endless and half frames cost one stream and a deadline, nobody else', async (lab) => {
  const [a, b] = await two(lab)
  const connection = hostOf(lab, b).getConnections()[0]
  assert.ok(connection !== undefined)
  const streams = await Promise.all(
    Array.from({ length: 10 }, () => connection.newStream('/meshd/state/1')),
  )
  for (const [i, stream] of streams.entries()) {
    if (i % 2 === 0) stream.send(Uint8Array.of(100, 1, 2))
    else
      for (let n = 0; n < 64 && stream.status === 'open'; n++)
        stream.send(new Uint8Array(4096).fill(0xff))
  }
  assert.equal((await a.network.ask(b.network.self, 'state', utf8('x'))).length, 1)
  assert.equal((await b.network.ask(a.network.self, 'state', utf8('x'))).length, 1)
  await lab.until(() => streams.every(({ status }) => status !== 'open'), 4_000)
  assert.equal(connected(a, b), true)
})

trap('a peer that reads its answer and never closes its side leaks no stream', async (lab) => {
  const [a, b] = await two(lab)
  const connection = hostOf(lab, b).getConnections()[0]
  assert.ok(connection !== undefined)
  const stream = await connection.newStream('/meshd/state/1')
  const frames = framed(stream)
  await frames.write(utf8('x'))
  assert.deepEqual([...(await frames.read()).subarray()], [0, ...utf8('x')])
  const there = () =>
    hostOf(lab, a)
      .getConnections()
      .flatMap(({ streams }) => streams)
      .filter(({ protocol }) => protocol === '/meshd/state/1')
  assert.equal(there().length, 1)
  await lab.until(() => there().length === 0, 4_000)
  assert.ok(connected(a, b))
})

trap('streams that are opened and reset at once are let in one after the other', async (lab) => {
  const [a, b] = await two(lab)
  const connection = hostOf(lab, b).getConnections()[0]
  assert.ok(connection !== undefined)
  const [count, beganMs] = [512, performance.now()]
  const open = async () => {
    for (let i = 0; i < count / 16; i += 1)
      (await connection.newStream('/meshd/state/1')).abort(new Error('the lab did it'))
  }
  await Promise.all(Array.from({ length: 16 }, open))
  const leastMs =
    ((count * STREAM_COST_BYTES - CONNECTION_BYTES_UNSPACED) / CONNECTION_BYTES_PER_S) * 1000
  const tookMs = performance.now() - beganMs
  assert.ok(tookMs >= leastMs, `${tookMs} ms, at least ${leastMs}`)
  assert.equal((await b.network.ask(a.network.self, 'state', utf8('x'))).length, 1)
})

trap('a frozen peer keeps nobody else out of gossip or answers', async (lab) => {
  const [a, b] = await two(lab)
  const frozen = spawnPeer(a.network.addresses()[0] as string)
  try {
    const [line] = await once(frozen.stdout as NodeJS.ReadableStream, 'data')
    const did = String(line).trim() as Did
    a.porter.members.add(did)
    await lab.until(() => a.network.peers().some(({ peer }) => peer === did), 6_000)
    frozen.kill('SIGSTOP')
    const late = await begin(lab, 3)
    admit(a, b, late)
    assert.equal(await late.network.connect(a.network.self, a.network.addresses()), true)
    await spread(lab, a, [b, late], 'still', 4_000)
    assert.equal((await late.network.ask(a.network.self, 'state', utf8('x'))).length, 1)
    await assert.rejects(a.network.ask(did, 'state', utf8('x')), /no answer in time|lost/)
  } finally {
    frozen.kill('SIGKILL')
  }
})

trap('who gives no answer in time is said to have given none', async () => {
  const [asker, mute] = [await outsider(), await outsider()]
  try {
    await mute.node.handle('/mute/1', () => {})
    const connection = await asker.node.dial(mute.node.getMultiaddrs())
    const asked = askOnce(connection, '/mute/1', utf8('x'), 64, AbortSignal.timeout(200))
    const error = await asked.then(
      () => assert.fail('it answered'),
      (thrown: unknown) => meshErrorOf(thrown, mute.did),
    )
    assert.equal(error.code, 'TIMEOUT')
    assert.match(error.message, /: no answer in time$/)
  } finally {
    await Promise.all([asker.node.stop(), mute.node.stop()])
  }
})

trap('connections that say nothing at all do not keep a node from its peers', async (lab) => {
  const [a, b] = await two(lab)
  const port = Number(/tcp\/(\d+)/.exec(a.network.addresses()[0] as string)?.[1])
  const mute = Array.from({ length: 100 }, () =>
    connectTcp(port, '127.0.0.1').on('error', () => {}),
  )
  const late = await begin(lab, 3)
  admit(a, b, late)
  assert.equal(await late.network.connect(a.network.self, a.network.addresses()), true)
  for (const socket of mute) socket.destroy()
})

trap(
  'what a listener, validator or handler throws is told and costs nobody a connection',
  async (lab) => {
    const [a, b] = await two(lab)
    const planted = () => {
      throw new Error('planted')
    }
    a.network.onPeer(planted)
    a.network.subscribe('state', planted)
    a.network.handle('log', planted)
    const c = await begin(lab, 3)
    admit(a, b, c)
    assert.equal(await c.network.connect(a.network.self, a.network.addresses()), true)
    await lab.until(() => connected(a, c), 1_000)
    await spread(lab, c, [a], 'c')
    c.network.publish('state', utf8('x'))
    await assert.rejects(c.network.ask(a.network.self, 'log', utf8('x')))
    await lab.until(() => lab.faults.length >= 3, 2_000)
    assert.ok(lab.faults.every((each) => each instanceof Error && each.message === 'planted'))
    assert.ok(connected(a, b) && connected(a, c))
  },
)

trap(
  'who floods gossip with what is rejected is not heard for a time, and then again',
  async (lab) => {
    const [a, b] = await two(lab)
    await spread(lab, a, [b], 'first')
    let sent = 0
    while (sent < FLOOD) {
      a.network.publish('statements', utf8(`no ${sent++}`))
      await lab.pass(5)
    }
    const heard = b.heard.filter((text) => text.startsWith('no')).length
    assert.ok(heard > 0 && heard < sent / 2, `${heard} of ${sent} heard`)
    await spread(lab, a, [b], 'last', 10_000)
  },
)

trap('an address that is taken is NOT_READY', async (lab) => {
  const [a] = await three(lab)
  const taken = lab.network(9, (a.network.addresses()[0] as string).replace(/\/p2p\/.*/, ''))
  await assert.rejects(taken.start(a.porter), { name: 'MeshError', code: 'NOT_READY' })
})

/** A node in a process of its own, which says its did and dials the address. */
function spawnPeer(address: string): ChildProcess {
  const file = new URL('./frozen-peer.ts', import.meta.url).pathname
  const args = ['--disable-warning=ExperimentalWarning', file, address]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

// Each waits for deadlines most of the time.
describe('libp2p', { concurrency: 8 }, () => {
  for (const { says, check } of traps)
    test(`libp2p: ${says}`, async () => {
      await using lab = new LoopbackLab()
      await check(lab)
    })
})
