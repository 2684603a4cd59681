import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { credentialReader } from '../../src/daemon/peer-credentials.ts'

const linux = process.platform === 'linux'

test('the kernel says who connected: this process, its user and group', {
  skip: !linux && 'Linux only',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meshd-'))
  const read = await credentialReader()
  assert.ok(read !== null)
  const server = net.createServer()
  const listening = new Promise<void>((done) => server.listen(join(folder, 's'), done))
  await listening
  const accepted = new Promise<net.Socket>((done) => server.once('connection', done))
  const client = net.connect(join(folder, 's'))
  const socket = await accepted
  const seen = read(socket)
  assert.deepEqual(seen, { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() })
  client.destroy()
  socket.destroy()
  await new Promise((done) => server.close(done))
  assert.equal(read(socket), null, 'a closed socket has no identity')
  rmSync(folder, { recursive: true })
})
