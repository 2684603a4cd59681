import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, Stream, Topology } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { signerOf } from '../../src/core/keys.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { GossipGuard } from '../../src/network/gossip-guard.ts'

type Registrar = Parameters<GossipGuard['guarded']>[0]
type Handler = Parameters<Registrar['handle']>[1]

const peer = peerIdFromString(formatPeerId(signerOf(new Uint8Array(32).fill(1)).did))
const connectionTo = () => ({ remotePeer: peer, status: 'open' }) as Connection

/** A guard between a registrar that remembers its handler and a topology that tells what it was told. */
async function world() {
  const admitted = new Set<Connection>()
  const told: string[] = []
  let handler: Handler = () => {}
  const registrar = {
    handle: (_protocol: string, given: Handler) => {
      handler = given
      return Promise.resolve()
    },
    register: () => assert.fail('libp2p must not call the topology by itself'),
  } as object as Registrar
  const guard = new GossipGuard(
    (connection) => admitted.has(connection),
    (stream) => stream,
  )
  const seen = guard.guarded(registrar)
  await seen.handle('/meshsub/1.2.0', () => {
    told.push('stream')
  })
  const topology: Topology = {
    onConnect: () => {
      told.push('connect')
    },
    onDisconnect: () => {
      told.push('disconnect')
    },
  }
  for (const version of ['1.2.0', '1.1.0']) await seen.register(`/meshsub/${version}`, topology)
  const incoming = (connection: Connection) => {
    let aborted = false
    const stream = {
      abort: () => {
        aborted = true
      },
    } as object as Stream
    void handler(stream, connection)
    return aborted
  }
  return { guard, admitted, told, incoming }
}

test('a connection that is not admitted gets no gossip in either direction', async () => {
  const { guard, told, incoming } = await world()
  const connection = connectionTo()
  guard.attach(connection)
  assert.equal(incoming(connection), true)
  guard.detach(connection)
  assert.deepEqual(told, [])
})

test('gossipsub is told of a peer once, whatever number of versions it registered', async () => {
  const { guard, admitted, told, incoming } = await world()
  const connection = connectionTo()
  admitted.add(connection)
  guard.attach(connection)
  assert.equal(incoming(connection), false)
  guard.detach(connection)
  guard.detach(connection)
  assert.deepEqual(told, ['connect', 'stream', 'disconnect'])
})

test('when another connection takes over, the peer leaves gossip before it enters again', async () => {
  const { guard, admitted, told, incoming } = await world()
  const [first, second, third] = [connectionTo(), connectionTo(), connectionTo()]
  for (const each of [first, second, third]) admitted.add(each)
  guard.attach(first)
  assert.equal(incoming(second), false)
  guard.attach(third)
  assert.deepEqual(told, ['connect', 'disconnect', 'stream', 'disconnect', 'connect'])
  guard.detach(first)
  guard.detach(second)
  assert.equal(told.length, 5)
})
