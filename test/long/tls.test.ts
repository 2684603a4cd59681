/** HTTPS under attack (FAULTS 98): who is slow with a handshake, a header or a body is cut in time, and holds nobody else up. */
import assert from 'node:assert/strict'
import net, { type Socket } from 'node:net'
import { test } from 'node:test'
import tls from 'node:tls'
import { HTTP_HEADERS_TIMEOUT_MS, HTTP_REQUEST_TIMEOUT_MS } from '../../src/core/limits.ts'
import { connection, send } from '../unit/tls.ts'
import { ASKED, serve, TOKEN } from '../unit/tls-served.ts'

/** How late a look at deadlines may be: one interval, and a machine that is busy. */
const SLACK_MS = 5_000
/** More than one address may hold. */
const SLOW = 100

/** A byte each half second, for as long as somebody listens. Gives the milliseconds until nobody does. */
function drip(socket: Socket, begin: string): Promise<number> {
  const beganMs = performance.now()
  return new Promise((resolve) => {
    socket.write(begin)
    const dripping = setInterval(() => socket.write('a'), 500)
    socket.resume()
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(dripping)
      resolve(performance.now() - beganMs)
    })
  })
}

/** A hello of 512 bytes is announced, and never comes. */
const HELLO = '\x16\x03\x01\x02\x00'
const HEAD = 'POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nX: '
const BODY = `POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n`

function shaken(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect(connection(port, {}), () => resolve(socket))
    socket.once('error', reject)
  })
}

for (const [what, begin, msMax, connect] of [
  [
    'a handshake',
    HELLO,
    HTTP_HEADERS_TIMEOUT_MS,
    async (port: number) => net.connect(port, '127.0.0.1'),
  ],
  ['a header', HEAD, HTTP_HEADERS_TIMEOUT_MS, shaken],
  ['a body', BODY, HTTP_REQUEST_TIMEOUT_MS, shaken],
] as const)
  test(`who drips ${what} is cut in time, and others are answered meanwhile`, async () => {
    await serve(async ({ port, asks }) => {
      const slow: Promise<number>[] = []
      for (let i = 0; i < SLOW; i += 1) slow.push(drip(await connect(port), begin))
      // Whose handshakes were taken by the drips gets its own a second later.
      await new Promise((done) => setTimeout(done, 1_000))
      assert.equal((await send(port, '/v1/ask', ASKED)).status, 200)
      for (const ms of await Promise.all(slow)) assert.ok(ms < msMax + SLACK_MS, `${ms} ms`)
      assert.equal(asks.length, 1)
    })
  })
