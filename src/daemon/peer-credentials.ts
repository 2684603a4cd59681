/**
 * Who connected to a unix socket, from the kernel: SO_PEERCRED through
 * node:ffi on the accepted descriptor (unix(7), Linux).
 *
 *     struct ucred { pid_t pid; uid_t uid; gid_t gid; }   three 32-bit integers
 *
 * node:ffi is experimental and the descriptor a private field: this module
 * alone touches both, probes at start by connecting to itself, and a test pins
 * them. Without them a caller has no kernel identity, and what needs one denies.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import net, { type Socket } from 'node:net'

const SOL_SOCKET = 1
const SO_PEERCRED = 17
const UCRED_BYTES = 12

export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** null means that the kernel did not say; never "unknown but fine". */
export type ReadCredentials = (socket: Socket) => PeerCredentials | null

type GetSockOpt = (fd: number, level: number, name: number, value: Buffer, length: Buffer) => number

/** The reader for this machine; null where the kernel cannot be asked, or does not know this very process. */
export async function credentialReader(): Promise<ReadCredentials | null> {
  const getsockopt = await loadGetSockOpt()
  if (getsockopt === null || !uidsAreReal()) return null
  const reader: ReadCredentials = (socket) => read(getsockopt, socket)
  const self = await askedOfSelf(reader)
  const known = self?.uid === process.getuid?.() && self?.pid === process.pid
  return known ? reader : null
}

/** What the reader says of this process, which connects to itself on a socket without a file. */
async function askedOfSelf(reader: ReadCredentials): Promise<PeerCredentials | null> {
  const name = `\0meshd-${randomBytes(16).toString('hex')}`
  const server = net.createServer()
  await new Promise<void>((done, failed) => server.once('error', failed).listen(name, done))
  const accepted = new Promise<Socket>((done) => server.once('connection', done))
  const client = net.connect(name)
  // Nobody hears it: a probe that fails has no answer, and is over with the server.
  client.on('error', () => {})
  const socket = await accepted
  const seen = reader(socket)
  client.destroy()
  socket.destroy()
  await new Promise((done) => server.close(done))
  return seen
}

async function loadGetSockOpt(): Promise<GetSockOpt | null> {
  if (process.platform !== 'linux') return null
  try {
    // Not typed yet in @types/node: the shape is checked by the probe, not by the compiler.
    const ffi = (await import('node:ffi' as string)) as {
      dlopen(path: string, functions: object): { functions: { getsockopt: GetSockOpt } }
    }
    return ffi.dlopen('libc.so.6', {
      getsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' },
    }).functions.getsockopt
  } catch {
    return null // no ffi (permission model, other libc): identity comes from one socket per caller
  }
}

/** Inside a user namespace every foreign uid reads as 65534: two users would look the same. */
function uidsAreReal(): boolean {
  try {
    return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
  } catch {
    return false // without /proc nobody can tell
  }
}

function read(getsockopt: GetSockOpt, socket: Socket): PeerCredentials | null {
  const fd = descriptorOf(socket)
  if (fd === null) return null
  const value = Buffer.alloc(UCRED_BYTES)
  const length = Buffer.alloc(4)
  length.writeInt32LE(UCRED_BYTES)
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0) return null
  if (length.readInt32LE(0) !== UCRED_BYTES) return null
  const [pid, uid, gid] = [value.readInt32LE(0), value.readUInt32LE(4), value.readUInt32LE(8)]
  return pid > 0 ? { pid, uid, gid } : null // pid 0: a pid namespace that we cannot see into
}

function descriptorOf(socket: Socket): number | null {
  const fd = (socket as Socket & { _handle?: { fd?: number } | null })._handle?.fd
  return fd !== undefined && Number.isInteger(fd) && fd >= 0 ? fd : null
}
