/**
 * The floor of propagation: a node that floods signed messages to at most
 * eight neighbours over plain TCP, verifies each once with Ed25519, syncs it
 * to disk, and from then on answers its probe with a deny.
 *
 *     node scripts/bench/flood-node.ts '{"self":0,"ports":[…],"socket":…,"folder":…,"key":"<spki, base64>"}'
 */
import { createPublicKey, verify } from 'node:crypto'
import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import http from 'node:http'
import net, { type Socket } from 'node:net'
import { join } from 'node:path'

interface Plan {
  readonly self: number
  readonly ports: readonly number[]
  readonly socket: string
  readonly folder: string
  readonly key: string
}

const DEGREE = 8
/** 64 bytes of signature and 8 of what it says. */
const MESSAGE_BYTES = 72

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan
const key = createPublicKey({ key: Buffer.from(plan.key, 'base64'), format: 'der', type: 'spki' })
const log = openSync(join(plan.folder, 'log'), 'a')
const revoked = new Set<string>()
const neighbours = new Set<Socket>()

function hear(message: Buffer): void {
  const id = message.subarray(64).toString('hex')
  if (revoked.has(id) || !verify(null, message.subarray(64), key, message.subarray(0, 64))) return
  writeSync(log, message)
  fdatasyncSync(log)
  revoked.add(id)
  for (const each of neighbours) each.write(message)
}

function attend(socket: Socket): void {
  neighbours.add(socket)
  socket.setNoDelay(true)
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (; rest.length >= MESSAGE_BYTES; rest = rest.subarray(MESSAGE_BYTES))
      hear(Buffer.from(rest.subarray(0, MESSAGE_BYTES)))
  })
  socket.on('error', () => neighbours.delete(socket))
  socket.on('close', () => neighbours.delete(socket))
}

/** Dials those after itself in the ring: everyone of a small mesh, every fourth each way of a large one. */
function dial(): void {
  const others = plan.ports.length - 1
  for (let step = 1; step <= Math.min(DEGREE / 2, others); step += 1)
    attend(net.connect(plan.ports[(plan.self + step) % plan.ports.length] ?? 0, '127.0.0.1'))
}

const server = net.createServer(attend).listen(plan.ports[plan.self], '127.0.0.1')
const probe = http
  .createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      // Asked about one id; or handed messages, in hex, to begin the flood with.
      if (request.url === '/begin') {
        const body = Buffer.from(text, 'hex')
        for (let at = 0; at < body.length; at += MESSAGE_BYTES)
          hear(body.subarray(at, at + MESSAGE_BYTES))
      }
      const said = `{"decision":${!revoked.has(text)}}`
      response.writeHead(200, { 'content-length': said.length })
      response.end(said)
    })
  })
  .listen(plan.socket, () => console.log('ready'))
process.on('SIGUSR2', dial)
process.on('SIGTERM', () => {
  probe.close()
  server.close()
  process.exit(0)
})
