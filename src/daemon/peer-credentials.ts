/**
 * Who connected to a unix socket, from the kernel: SO_PEERCRED and
 * SO_PEERPIDFD through node:ffi on the accepted descriptor (unix(7), Linux).
 *
 *     struct ucred { pid_t pid; uid_t uid; gid_t gid; }      three 32-bit integers
 *     struct pollfd { int fd; short events; short revents; }
 *
 * A pidfd is the process itself and not its number: it can be polled as soon
 * as that process has ended, whoever is given the number then.
 *
 * node:ffi is experimental and the descriptor a private field: this module
 * alone touches both, probes at start by connecting to itself, and a test pins
 * them. Without them a caller has no kernel identity, and what needs one denies.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, readFileSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import { parsePidfdInfo } from './proc.ts'

const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** Linux 6.5 and later. */
const SO_PEERPIDFD = 77
const UCRED_BYTES = 12
const POLLIN = 1

export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** null means that the kernel did not say; never "unknown but fine". */
type ReadCredentials = (socket: Socket) => PeerCredentials | null

/** A descriptor of the process that connected. */
export interface Pidfd {
  /** Its number, as /proc of this process says it; -1 once it is gone, 0 where it cannot be seen. */
  readonly pid: number
  /** Whether it has ended: until then its number is nobody else's. */
  ended(): boolean
  close(): void
}

export interface PeerReader {
  readonly credentials: ReadCredentials
  /** A new descriptor each time, to be closed; null where this kernel has none to give. */
  readonly pidfd: ((socket: Socket) => Pidfd | null) | null
}

interface Libc {
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number
  poll(fds: Buffer, count: bigint, timeoutMs: number): number
}

/** The reader for this machine; null where the kernel cannot be asked, or does not know this very process. */
export async function peerReader(): Promise<PeerReader | null> {
  const libc = await loadLibc()
  if (libc === null || !uidsAreReal()) return null
  const credentials: ReadCredentials = (socket) => readCredentials(libc, socket)
  const pidfd = (socket: Socket) => readPidfd(libc, socket)
  const self = await askedOfSelf((socket) => ({
    credentials: credentials(socket),
    pidfd: pidfd(socket),
  }))
  const known =
    self.credentials?.uid === process.getuid?.() && self.credentials?.pid === process.pid
  const exact = self.pidfd !== null && self.pidfd.pid === process.pid && !self.pidfd.ended()
  self.pidfd?.close()
  return known ? { credentials, pidfd: exact ? pidfd : null } : null
}

/** What is read of this process, which connects to itself on a socket without a file. */
async function askedOfSelf<T>(read: (socket: Socket) => T): Promise<T> {
  const name = `\0meshd-${randomBytes(16).toString('hex')}`
  const server = net.createServer()
  await new Promise<void>((done, failed) => server.once('error', failed).listen(name, done))
  const accepted = new Promise<Socket>((done) => server.once('connection', done))
  const client = net.connect(name)
  // Nobody hears it: a probe that fails has no answer, and is over with the server.
  client.on('error', () => {})
  const socket = await accepted
  const seen = read(socket)
  client.destroy()
  socket.destroy()
  await new Promise((done) => server.close(done))
  return seen
}

async function loadLibc(): Promise<Libc | null> {
  if (process.platform !== 'linux') return null
  try {
    // Not typed yet in @types/node: the shape is checked by the probe, not by the compiler.
    const ffi = (await import('node:ffi' as string)) as {
      dlopen(path: string, functions: object): { functions: Libc }
    }
    return ffi.dlopen('libc.so.6', {
      getsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' },
      poll: { arguments: ['buffer', 'u64', 'i32'], return: 'i32' },
    }).functions
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

function readCredentials(libc: Libc, socket: Socket): PeerCredentials | null {
  const value = option(libc, socket, SO_PEERCRED, UCRED_BYTES)
  if (value === null) return null
  const [pid, uid, gid] = [value.readInt32LE(0), value.readUInt32LE(4), value.readUInt32LE(8)]
  return pid > 0 ? { pid, uid, gid } : null // pid 0: a pid namespace that we cannot see into
}

function readPidfd(libc: Libc, socket: Socket): Pidfd | null {
  const fd = option(libc, socket, SO_PEERPIDFD, 4)?.readInt32LE(0) ?? -1
  if (fd < 0) return null
  const look = Buffer.alloc(8)
  look.writeInt32LE(fd, 0)
  look.writeInt16LE(POLLIN, 4)
  return {
    pid: pidOf(fd),
    // An error is an end, too.
    ended: () => libc.poll(look, 1n, 0) !== 0,
    close: () => closeSync(fd),
  }
}

function pidOf(fd: number): number {
  try {
    return parsePidfdInfo(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? 0
  } catch {
    return 0 // without /proc nobody can tell
  }
}

function option(libc: Libc, socket: Socket, name: number, bytes: number): Buffer | null {
  const fd = descriptorOf(socket)
  if (fd === null) return null
  const value = Buffer.alloc(bytes)
  const length = Buffer.alloc(4)
  length.writeInt32LE(bytes)
  if (libc.getsockopt(fd, SOL_SOCKET, name, value, length) !== 0) return null
  return length.readInt32LE(0) === bytes ? value : null
}

function descriptorOf(socket: Socket): number | null {
  const fd = (socket as Socket & { _handle?: { fd?: number } | null })._handle?.fd
  return fd !== undefined && Number.isInteger(fd) && fd >= 0 ? fd : null
}
