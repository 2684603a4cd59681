/**
 * What only the kernel can hold still, through node:ffi on Linux:
 *
 *     fcntl(fd, F_SETLEASE, F_RDLCK)   who opens the file for writing waits until the lease is given back (fcntl(2), "Leases")
 *     memfd_create, F_ADD_SEALS        bytes that nobody can change, whoever they are (memfd_create(2))
 *     prctl(PR_SET_CHILD_SUBREAPER)    who loses its parent becomes a child of this process (prctl(2))
 *
 * node:ffi is experimental, and a file system may know no leases: each answer
 * says whether it holds, and who asks has a second way.
 */
import type { dlopen } from 'node:ffi'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const F_SETLEASE = 1024
const F_RDLCK = 0
const F_UNLCK = 2
const F_ADD_SEALS = 1033
/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE. */
const ALL_SEALS = 0x0f
const MFD_CLOEXEC_ALLOW_SEALING = 0x03
const PR_SET_CHILD_SUBREAPER = 36
const WNOHANG = 1

const FUNCTIONS = {
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  memfd_create: { arguments: ['string', 'u32'], return: 'i32' },
  prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
  waitpid: { arguments: ['i32', 'buffer', 'i32'], return: 'i32' },
} as const

type LibC = ReturnType<typeof dlopen<typeof FUNCTIONS>>['functions']

let libc: LibC | null | undefined

function kernel(): LibC | null {
  if (libc === undefined) libc = load()
  return libc
}

function load(): LibC | null {
  if (process.platform !== 'linux') return null
  const { emitWarning } = process
  // That ffi is experimental says nothing to whoever runs a command.
  process.emitWarning = () => {}
  try {
    // An import would load it, and warn, for every command that only reads this file.
    const ffi = process.getBuiltinModule('node:ffi')
    return ffi.dlopen('libc.so.6', FUNCTIONS).functions
  } catch {
    return null // another libc, or a Node without ffi
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Whether nobody can write into the file from here on; not where somebody has it open for writing already. */
export function lease(fd: number): boolean {
  return kernel()?.fcntl(fd, F_SETLEASE, F_RDLCK) === 0
}

export function endLease(fd: number): void {
  kernel()?.fcntl(fd, F_SETLEASE, F_UNLCK)
}

/** A file without a name that holds these bytes for good: nobody can change them, whoever they are. */
export function sealed(bytes: Uint8Array): number {
  const fd = kernel()?.memfd_create('meshd-exec', MFD_CLOEXEC_ALLOW_SEALING) ?? -1
  if (fd < 0) return unnamed(bytes)
  writeAll(fd, bytes)
  if (kernel()?.fcntl(fd, F_ADD_SEALS, ALL_SEALS) === 0) return fd
  closeSync(fd)
  return unnamed(bytes)
}

/** The next best: a file of ours that has no name any more, open for reading alone. */
function unnamed(bytes: Uint8Array): number {
  const dir = mkdtempSync(join(tmpdir(), 'meshd-exec-'))
  try {
    const file = join(dir, 'script')
    writeFileSync(file, bytes, { mode: 0o400 })
    return openSync(file, 'r')
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

/** From here on, descendants of this process that lose their parent are its children. Whether it is so. */
export function adopt(): boolean {
  return kernel()?.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0
}

/** Lets a child go that has ended and that nobody else waits for. */
export function reap(pid: number): void {
  kernel()?.waitpid(pid, Buffer.alloc(4), WNOHANG)
}
