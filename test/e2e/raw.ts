/** Bytes on a socket of the daemon, as no well-behaved client sends them. */
import net from 'node:net'
import { join } from 'node:path'
import type { Host } from '../../src/cli/stage.ts'

export type SocketName = 'meshd' | 'read' | 'admin'

export const socketOf = (host: Host, name: SocketName) => join(host.socketsDir, `${name}.sock`)

/** Sends, and gives all that came back until the other end closed, or ms are over. */
export function raw(path: string, bytes: string | Buffer, ms = 2_000): Promise<string> {
  return new Promise((done) => {
    let got = ''
    const socket = net.connect(path, () => socket.write(bytes))
    const end = () => {
      clearTimeout(late)
      socket.destroy()
      done(got)
    }
    const late = setTimeout(end, ms)
    socket.on('data', (chunk) => {
      got += chunk.toString()
    })
    // A reset is an answer, too.
    socket.on('error', end).on('close', end)
  })
}

export function request(method: string, path: string, body = '', headers: readonly string[] = []) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: meshd',
    'Connection: close',
    ...(body === '' ? [] : ['Content-Type: application/json']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
export const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)
