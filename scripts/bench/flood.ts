/** The floor's mesh: processes that flood what they verified and synced (flood-node.ts). */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import net from 'node:net'
import { join } from 'node:path'
import type { Lab } from './lab.ts'
import { askOnce, type Question } from './probe.ts'

export interface Flood {
  readonly sockets: readonly string[]
  /** Makes ids and hands all their messages to the first node in one call. */
  begin(count: number): Promise<{ readonly ids: readonly string[]; readonly startMs: number }>
  question(id: string): Question
}

export async function openFlood(lab: Lab, nodes: number): Promise<Flood> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const ports = await Promise.all(Array.from({ length: nodes }, freePort))
  const sockets = ports.map((_, self) => join(lab.folder(`flood${self}`), 's'))
  const children = []
  for (const [self, socket] of sockets.entries()) {
    const folder = lab.folder(`flood${self}`)
    const plan = JSON.stringify({ self, ports, socket, folder, key })
    children.push(await lab.start('flood-node.ts', [plan]))
  }
  for (const child of children) child.kill('SIGUSR2')
  await new Promise((done) => setTimeout(done, 500))
  return {
    sockets,
    begin: async (count) => {
      const messages = Array.from({ length: count }, () => message(privateKey))
      const startMs = performance.now()
      const body = Buffer.concat(messages).toString('latin1')
      await beginAt(sockets[0] ?? '', body)
      return { ids: messages.map((each) => each.subarray(64).toString('hex')), startMs }
    },
    question: (id) => ({ path: '/decide', body: id }),
  }
}

/** Bytes as hex: the probe's body is text. */
async function beginAt(socketPath: string, body: string): Promise<void> {
  await askOnce(socketPath, { path: '/begin', body: Buffer.from(body, 'latin1').toString('hex') })
}

function message(key: KeyObject): Buffer {
  const says = randomBytes(8)
  return Buffer.concat([sign(null, says, key), says])
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise<void>((ready) => server.once('listening', () => ready()))
  const { port } = server.address() as net.AddressInfo
  await new Promise<void>((closed) => server.close(() => closed()))
  return port
}
