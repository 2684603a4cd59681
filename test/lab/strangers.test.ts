/**
 * Attacks of who is no member, with raw libp2p and raw sockets (FAULTS 58, 73,
 * 76, 79, 80, 126): none of them learns a byte of governance, none of them keeps
 * honest callers waiting, and when they are gone nothing of them is left.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import type { Host } from '../../src/cli/stage.ts'
import { concat } from '../../src/core/bytes.ts'
import type { StatementId } from '../../src/core/id.ts'
import { DOOR_CONNECTIONS_MAX, PENDING_PEERS_MAX } from '../../src/core/limits.ts'
import { formatTopic } from '../../src/network/topics.ts'
import { authorize, eventually, Lab, status } from '../e2e/lab.ts'
import { Attacker, framed, MESHD_PROTOCOLS } from './attacker.ts'
import {
  comparison,
  handlesOf,
  honestCaller,
  pulseDuring,
  pulseText,
  rssOf,
  type Watched,
  watched,
} from './gauges.ts'
import { field, message, subscription } from './raw-gossip.ts'
import { row } from './row.ts'

const lab = new Lab()
let atlas: Host
let [address, port] = ['', 0]
let mesh: StatementId
let honest: Awaited<ReturnType<typeof honestCaller>>

before(async () => {
  ;[atlas] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  const view = await status(atlas)
  address = view.listen[0] ?? ''
  mesh = view.mesh?.id as StatementId
  port = Number(/tcp\/(\d+)/.exec(address)?.[1])
  honest = await honestCaller(atlas)
})

after(() => lab[Symbol.asyncDispose]())

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
/** What a node of a mesh says to a stranger is its roots, and that is all it may say. */
const PUBLIC = new Set(['root'])

async function linked(): Promise<number> {
  return (await status(atlas)).peers.filter(({ link }) => link !== null).length
}

test('a raw client that skips or fakes the hello gets no byte of any protocol', async (t) => {
  await using attacker = await Attacker.start()
  const bodies = [
    new Uint8Array(),
    randomBytes(100),
    framed(new TextEncoder().encode('{"ask":"roots","from":1}\n')),
    framed(
      new TextEncoder().encode(
        `{"ids":[],"nonce":"${randomBytes(16).toString('base64')}","own":false}`,
      ),
    ),
  ]
  let opened = 0
  for (const name of MESHD_PROTOCOLS.slice(1))
    for (const body of bodies) {
      const connection = await attacker.dial(address)
      // It resolves before the other side has looked who it is.
      const stream = await attacker.send(connection, name, body).catch(() => null)
      if (stream !== null) opened += 1
      await pause(30)
      connection.abort(new Error('next'))
    }
  const connection = await attacker.dial(address)
  const gossip = await attacker.gossip(connection).catch(() => null)
  gossip?.send(
    subscription(formatTopic(mesh, 'statements')),
    message(formatTopic(mesh, 'statements'), randomBytes(40)),
  )
  await atlas.do('freeze', 'action:canary', '-m', 'CANARY', '--yes', '--wait=all')
  await pause(300)
  assert.ok(opened > 0)
  assert.equal(attacker.leaked, 0)
  const answer = await attacker.hello(await attacker.dial(address), {
    mesh: `sha256:${'0'.repeat(64)}`,
  })
  assert.deepEqual([answer?.['result'], answer?.['code']], ['refused', 'WRONG_MESH'])
  const shown = await attacker.hello(await attacker.dial(address), { mesh })
  assert.deepEqual(
    [shown?.['result'], shown?.['members'], shown?.['addresses']],
    ['pending', [], []],
  )
  const roots = shown?.['roots'] as readonly { readonly payloadType: string }[]
  const types = new Set(roots.map(({ payloadType }) => /meshd\.(\w+)\./.exec(payloadType)?.[1]))
  assert.deepEqual(types, PUBLIC)
  assert.equal(attacker.leaked, 0)
  row(
    t,
    58,
    `${attacker.leaked} bytes leaked on ${opened} streams and gossip; to a hello of this mesh its roots alone`,
  )
})

test('a thousand identities at the door leave no trace, and the honest are heard', async (t) => {
  const [quiet, rssBefore] = [await watched(atlas, honest, 3_000), rssOf(atlas)]
  const identities = 1_000
  let answered = 0
  const flood = async () => {
    const crowd = Array.from({ length: 20 }, async () => {
      for (let i = 0; i < identities / 20; i += 1) {
        await using attacker = await Attacker.start()
        const said = await attacker
          .dial(address)
          .then((connection) => attacker.hello(connection, { mesh, name: `look-alike-${i}` }))
          .catch(() => null)
        if (said !== null) answered += 1
      }
    })
    await Promise.all(crowd)
  }
  const attacked = await watched(atlas, honest, 3_000, flood)
  assert.equal(attacked.load.allows, attacked.load.answers)
  const pending = await atlas.ask<{ items: readonly { state: string }[] }>('peer', 'list')
  const waiting = pending.items.filter(({ state }) => state === 'pending').length
  assert.ok(waiting <= PENDING_PEERS_MAX, `${waiting}`)
  const grown = rssOf(atlas) - rssBefore
  const metric = `${identities} identities, ${answered} answered, ${waiting} kept; RSS +${grown} MiB; ${comparison(quiet, attacked)}`
  row(t, 73, metric)
  row(t, 126, metric)
  await eventually('still linked', linked, (count) => count === 1, 30_000)
})

/** Of an RSA key that claims to be endless, of nestings without end, and of what is no key at all. */
function bombs(): readonly Uint8Array[] {
  const key = (der: Uint8Array) => field(1, concat(Uint8Array.of(8, 0), field(2, der)))
  const nested = Uint8Array.from({ length: 60_000 }, (_, i) => (i % 2 === 0 ? 0x30 : 0x80))
  return [
    key(Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x02, 0x01)),
    key(concat(Uint8Array.of(0x30, 0xff), new Uint8Array(127).fill(0xff))),
    key(
      concat(
        Uint8Array.of(0x30, 0x82, 0x01, 0x01, 0x02, 0x84, 0x7f, 0xff, 0xff, 0xff),
        randomBytes(257),
      ),
    ),
    key(nested),
    field(8, concat(key(nested), field(5, nested))),
    randomBytes(8_000),
  ]
}

test('an identify that lies about lengths costs its own connection alone', async (t) => {
  await using attacker = await Attacker.start()
  const all = bombs()
  let served = 0
  await attacker.node.handle('/ipfs/id/1.0.0', async (stream) => {
    const bomb = all[served % all.length] as Uint8Array
    served += 1
    stream.send(concat(varintOf(bomb.length), bomb))
    await stream.close().catch(() => {})
  })
  const throwAll = async () => {
    for (let i = 0; i < 4 * all.length; i += 1) {
      const connection = await attacker.dial(address)
      const bomb = all[i % all.length] as Uint8Array
      await attacker
        .send(connection, '/ipfs/id/push/1.0.0', concat(varintOf(bomb.length), bomb))
        .catch(() => {})
      await pause(40)
      connection.abort(new Error('next'))
    }
  }
  const pulse = await pulseDuring(atlas, throwAll)
  assert.ok(served > 0, 'it was never asked to identify itself')
  row(t, 76, `${served} bombs by identify and as many by push; ${pulseText(pulse)}`)
  assert.equal((await authorize(atlas)).code, null)
})

function varintOf(value: number): Uint8Array {
  // A field of that many bytes begins so; its tag is not wanted.
  return field(1, new Uint8Array(value)).subarray(1, value < 128 ? 2 : value < 16_384 ? 3 : 4)
}

test('slow, half and mute connections are cut, and shut nobody out', async (t) => {
  const quiet = await watched(atlas, honest, 2_500)
  const before = handlesOf(atlas)
  const sockets = Array.from({ length: 400 }, (_, i) => {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {})
    // Nothing at all; a byte now and then; half of what begins a connection.
    if (i % 3 === 1) socket.write('\x13')
    if (i % 3 === 2) socket.write('\x13/multistream/1.0.0\n\x07/noi')
    return socket
  })
  const drip = setInterval(() => {
    for (const [i, socket] of sockets.entries()) if (i % 3 === 1) socket.write('/')
  }, 200)
  let attacked: Watched
  try {
    attacked = await watched(atlas, honest, 2_500)
    await eventually('still linked', linked, (count) => count === 1, 30_000)
    await eventually(
      'they are cut',
      async () => sockets.filter(({ destroyed }) => !destroyed).length,
      (open) => open === 0,
      30_000,
    )
  } finally {
    clearInterval(drip)
    for (const socket of sockets) socket.destroy()
  }
  const left = await eventually(
    'handles',
    async () => handlesOf(atlas) - before,
    (more) => more < 20,
  )
  assert.equal(attacked.load.allows, attacked.load.answers)
  row(
    t,
    79,
    `400 slow, half and mute connections cut, ${left} handles left; ${comparison(quiet, attacked)}`,
  )
})

test('streams, pings, windows and connections without number are bounded', async (t) => {
  await using attacker = await Attacker.start()
  const [quiet, rssBefore, before] = [
    await watched(atlas, honest, 4_000),
    rssOf(atlas),
    handlesOf(atlas),
  ]
  let [streams, pings, connections] = [0, 0, 0]
  const storm = async () => {
    const untilMs = performance.now() + 4_000
    const crowds = [
      many(untilMs, 10, async () => {
        const connection = await attacker.dial(address)
        connections += 1
        for (let i = 0; i < 100; i += 1)
          await attacker
            .send(connection, i % 2 === 0 ? 'hello' : '/ipfs/ping/1.0.0', randomBytes(16))
            .then(
              () => {
                streams += 1
              },
              () => {},
            )
        connection.abort(new Error('next'))
      }),
      many(untilMs, 1, async () => {
        const connection = await attacker.dial(address)
        pings += await pingFlood(attacker, connection, untilMs)
      }),
      many(untilMs, 10, async () => {
        const socket = net.connect(port, '127.0.0.1')
        await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch(() => {})
        connections += 1
        socket.on('error', () => {}).destroy()
        await pause(50)
      }),
    ]
    await Promise.all(crowds)
  }
  const attacked = await watched(atlas, honest, 4_000, storm)
  assert.equal(attacked.load.allows, attacked.load.answers)
  const more = await eventually(
    'the door is clear',
    async () => handlesOf(atlas) - before,
    (count) => count < DOOR_CONNECTIONS_MAX,
  )
  row(
    t,
    80,
    `${connections} connections, ${streams} streams, ${pings} pings in 4 s; RSS +${rssOf(atlas) - rssBefore} MiB, ${more} handles left; ${comparison(quiet, attacked)}`,
  )
  await eventually('still linked', linked, (count) => count === 1, 30_000)
})

/** So many at once, again and again until then. */
async function many(untilMs: number, atOnce: number, run: () => Promise<void>): Promise<void> {
  const one = async () => {
    while (performance.now() < untilMs) await run().catch(() => pause(10))
  }
  await Promise.all(Array.from({ length: atOnce }, one))
}

async function pingFlood(attacker: Attacker, connection: Connection, untilMs: number) {
  const stream = await attacker.send(connection, '/ipfs/ping/1.0.0', new Uint8Array(32))
  let sent = 1
  while (performance.now() < untilMs && stream.status === 'open') {
    for (let i = 0; i < 200; i += 1) stream.send(new Uint8Array(32))
    sent += 200
    await pause(1)
  }
  return sent
}
