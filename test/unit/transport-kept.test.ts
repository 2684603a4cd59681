/** Connections to the daemon that are kept: a stale one costs a new one, and is no denial. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { exchange, keeping } from '../../src/client/transport.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-kept-'))
const socketPath = join(dir, 's')
const connections: Socket[] = []
/** Of the requests to come: those that are cut instead of answered. */
let cuts = 0
const server = createServer((request, response) => {
  if (cuts > 0) {
    cuts -= 1
    request.socket.destroy()
  } else response.end('{}')
})
server.on('connection', (socket) => connections.push(socket))
await new Promise<void>((done) => server.listen(socketPath, done))
after(() => {
  server.closeAllConnections()
  server.close()
  rmSync(dir, { recursive: true })
})

const agent = keeping()
after(() => agent.destroy())
const ask = {
  ...{ socketPath, method: 'POST', path: '/', headers: {}, body: '{}', agent },
  signal: new AbortController().signal,
}

test('one connection serves one question after the other', async () => {
  for (let i = 0; i < 3; i += 1) assert.equal((await exchange(ask)).status, 200)
  assert.equal(connections.length, 1)
})

test('a kept connection that was closed meanwhile is replaced by a new one, once', async () => {
  await exchange(ask)
  const before = connections.length
  cuts = 1
  assert.equal((await exchange(ask)).status, 200)
  assert.equal(connections.length, before + 1)
  await exchange(ask)
  cuts = 2
  await assert.rejects(exchange(ask))
  assert.equal(cuts, 0)
})

test('a new connection that is cut is not tried again', async () => {
  cuts = 1
  const { agent: _, ...alone } = ask
  await assert.rejects(exchange(alone))
  assert.equal((await exchange(alone)).status, 200)
})
