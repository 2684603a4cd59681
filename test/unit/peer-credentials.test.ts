/** Who connected, from the kernel: one real socket of this very process, and what /proc says of it. */
import assert from 'node:assert/strict'
import net, { type Socket } from 'node:net'
import { test } from 'node:test'
import { type PeerReader, peerReader } from '../../src/daemon/peer-credentials.ts'

const linux = process.platform === 'linux'
const reader = linux ? await peerReader() : null

async function connected(use: (socket: Socket, reader: PeerReader) => void): Promise<void> {
  assert.ok(reader !== null)
  const server = net.createServer()
  const name = `\0meshd-test-${process.pid}-${Math.random()}`
  await new Promise<void>((done) => server.listen(name, done))
  const accepted = new Promise<Socket>((done) => server.once('connection', done))
  const client = net.connect(name)
  const socket = await accepted
  try {
    use(socket, reader)
  } finally {
    client.destroy()
    socket.destroy()
    await new Promise((done) => server.close(done))
  }
  assert.equal(reader.credentials(socket), null, 'a closed socket has no identity')
  assert.equal(reader.pidfd?.(socket) ?? null, null)
}

test('the kernel says who connected: this process, its user and group', {
  skip: !linux && 'Linux only',
}, async () => {
  await connected((socket, { credentials }) => {
    const self = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }
    assert.deepEqual(credentials(socket), self)
  })
})

test('a descriptor of the process is a new one each time, and names the process while it lives', {
  skip: (reader?.pidfd ?? null) === null && 'SO_PEERPIDFD needs Linux 6.5',
}, async () => {
  await connected((socket, { pidfd }) => {
    const [one, other] = [pidfd?.(socket), pidfd?.(socket)]
    assert.ok(one && other)
    assert.deepEqual([one.pid, one.ended()], [process.pid, false])
    one.close()
    assert.equal(one.ended(), true, 'a closed one says nothing of anybody')
    assert.equal(other.ended(), false)
    other.close()
  })
})
