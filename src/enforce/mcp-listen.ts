/**
 * Where an MCP proxy over HTTP listens, and whom it hears: this host's loopback
 * or a unix socket, and the user that runs it. It asks the daemon in its own
 * name, so who may speak to it may do what that user may.
 *
 *     127.0.0.1:7331   [::1]:7331   unix:/run/user/1001/mcp.sock
 *
 * A browser is another user, whoever sits before it: a page may not speak for
 * them (Host against rebinding, Origin against the rest).
 */
import { lstatSync, readFileSync, unlinkSync } from 'node:fs'
import type { IncomingMessage, Server } from 'node:http'
import { connect, isIPv4, type Socket } from 'node:net'
import { MeshError } from '../core/problems.ts'

export interface Place {
  /** null for a unix socket. */
  readonly host: '127.0.0.1' | '::1' | null
  readonly port: number
  readonly path: string | null
}

/** @throws MeshError USAGE for what is reached from elsewhere */
export function parsePlace(text: string): Place {
  if (text.startsWith('unix:/')) return { host: null, port: 0, path: text.slice('unix:'.length) }
  const [, name, digits] = /^(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (name !== undefined && port <= 65_535)
    return { host: name === '[::1]' ? '::1' : '127.0.0.1', port, path: null }
  throw new MeshError('USAGE', `--listen: \`${text}\` is no place on this host`, {
    hint: '127.0.0.1:7331, [::1]:7331, or unix:/path',
  })
}

/** Gives the authority that a client names it by; null on a unix socket. @throws MeshError USAGE where nobody can say who calls; the error of the socket */
export async function listenAt(
  server: Server,
  { host, port, path }: Place,
): Promise<string | null> {
  if (path !== null) await clearStale(path)
  else if (process.platform !== 'linux')
    throw new MeshError('USAGE', '--listen: who calls over loopback is known on Linux alone', {
      hint: 'unix:/path, which has an owner and a mode',
    })
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed)
      if (path !== null) server.listen(path, () => done())
      else server.listen(port, host ?? '127.0.0.1', () => done())
    })
  } finally {
    process.umask(umask)
  }
  const address = server.address()
  if (address === null || typeof address === 'string') return null
  return `${host === '::1' ? '[::1]' : '127.0.0.1'}:${address.port}`
}

/** Left by a process that was killed. @throws MeshError CONFLICT for one that lives, or what is no socket */
async function clearStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  const lives = await new Promise<boolean>((done) => {
    const probe = connect(path)
    probe.once('connect', () => done(true)).once('error', () => done(false))
    probe.once('connect', () => probe.destroy())
  })
  if (lives || !stat.isSocket()) throw new MeshError('CONFLICT', `${path} is in use`)
  unlinkSync(path)
}

/** Why a request is not heard; null where it is. @param authority of listenAt */
export function unheard({ headers }: IncomingMessage, authority: string | null): string | null {
  const { origin, host } = headers
  if (authority === null) return origin === undefined ? null : 'a page has no place here'
  const names = [authority, `localhost:${authority.split(':').at(-1)}`]
  if (!names.includes(host ?? '')) return 'this is not the host that it names'
  if (origin === undefined || names.some((name) => origin === `http://${name}`)) return null
  return 'a page of another origin has no place here'
}

/**
 * Whether a connection over loopback is of the user that runs this, as the
 * kernel's table of connections has it; not where that cannot be read.
 */
export function ownUser({ remoteAddress, remotePort, localAddress, localPort }: Socket): boolean {
  if (remoteAddress === undefined || localAddress === undefined) return false
  const file = isIPv4(remoteAddress) ? '/proc/net/tcp' : '/proc/net/tcp6'
  // The client's own end: its local address is what is remote to us.
  const theirs = ` ${hexOf(remoteAddress, remotePort)} ${hexOf(localAddress, localPort)} `
  const line = connectionsIn(file)
    .split('\n')
    .find((each) => each.includes(theirs))
  const [, , , state, , , , uid] = line?.trim().split(/\s+/) ?? []
  // Whoever closed its end is nobody, which the table writes as root.
  return state === ESTABLISHED && Number(uid) === process.getuid?.()
}

function connectionsIn(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return '' // nobody is known then, and nobody heard
  }
}

const ESTABLISHED = '01'

/** `0100007F:1CA3`: four bytes at a time, the lowest first. */
function hexOf(address: string, port: number | undefined): string {
  const bytes = isIPv4(address) ? Uint8Array.from(address.split('.').map(Number)) : LOOPBACK6
  const words = Array.from({ length: bytes.length / 4 }, (_, i) =>
    Buffer.from(bytes.slice(4 * i, 4 * i + 4))
      .reverse()
      .toString('hex'),
  )
  return `${words.join('')}:${(port ?? 0).toString(16).padStart(4, '0')}`.toUpperCase()
}

/** The only one that is listened on. */
const LOOPBACK6 = Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0))
