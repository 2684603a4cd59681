/**
 * A tar with nothing in it but plain files (POSIX ustar), so that evidence is
 * one file which any tar unpacks. The same files give the same bytes:
 *
 *   name 100 ‖ mode 0000644 ‖ uid 0 ‖ gid 0 ‖ size, octal ‖ mtime 0 ‖ checksum ‖ type 0 ‖ … ‖ "ustar\0" 00 ‖ …
 *   the bytes, filled with zeroes to a multiple of 512
 *   …
 *   1,024 zeroes
 *
 * The reader takes what the writer prints and nothing else: no links, no
 * folders, no absolute paths, no `..`, no time, nothing behind the end. What
 * another program packed is unpacked first, and verified as a folder.
 */
import { assert } from './assert.ts'
import { equalBytes, utf8 } from './bytes.ts'
import { TAR_FILE_BYTES_MAX, TAR_FILES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'

/** Where a file stands in the bytes of a tar. */
export interface TarEntry {
  readonly name: string
  readonly start: number
  readonly size: number
}

const BLOCK = 512
const NAME_BYTES = 100
const END_BLOCKS = 2
/** Segments of letters, digits, `-`, `_`, and dots that do not begin them. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/

/** Whether it can stand in a tar, and in a folder: relative, without `..`, in ASCII. */
export function isTarName(name: string): boolean {
  return name.length < NAME_BYTES && NAME.test(name)
}

/** What stands before a file's bytes. */
export function tarHead(name: string, size: number): Uint8Array {
  assert(isTarName(name) && size <= TAR_FILE_BYTES_MAX, 'a tar holds files of ours')
  const head = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, digits: number) =>
    head.write(`${value.toString(8).padStart(digits, '0')}\0`, at)
  head.write(name, 0)
  octal(0o644, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(size, 124, 11)
  octal(0, 136, 11)
  // The checksum is taken with eight spaces in its own place.
  head.write('        0', 148)
  head.write('ustar\u000000', 257)
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return new Uint8Array(head)
}

/** Zeroes up to the next block. */
export function tarFill(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}

/** What stands behind the last file. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(END_BLOCKS * BLOCK)
}

export function isTar(bytes: Uint8Array): boolean {
  return equalBytes(bytes.subarray(257, 262), utf8('ustar'))
}

/** The files, in their order. @throws Malformed for anything but what tarHead, tarFill and tarEnd print */
export function readTar(bytes: Uint8Array): readonly TarEntry[] {
  const entries: TarEntry[] = []
  const names = new Set<string>()
  let at = 0
  while (bytes[at] !== 0 && at < bytes.length) {
    const entry = entryAt(bytes, at)
    if (names.has(entry.name)) throw new Malformed(`the tar holds ${entry.name} twice`)
    if (entries.length >= TAR_FILES_MAX) throw new Malformed('the tar holds too many files')
    names.add(entry.name)
    entries.push(entry)
    const end = entry.start + entry.size
    at = end + tarFill(entry.size).length
    if (at > bytes.length) throw new Malformed('the tar ends too early')
    if (!zero(bytes.subarray(end, at))) throw new Malformed('the tar holds bytes between its files')
  }
  if (bytes.length < at + END_BLOCKS * BLOCK) throw new Malformed('the tar ends too early')
  if (bytes.length > at + END_BLOCKS * BLOCK || !zero(bytes.subarray(at)))
    throw new Malformed('something follows the end of the tar')
  return entries
}

function entryAt(bytes: Uint8Array, at: number): TarEntry {
  const head = bytes.subarray(at, at + BLOCK)
  if (head.length < BLOCK) throw new Malformed('the tar ends too early')
  const text = Buffer.from(head.buffer, head.byteOffset, head.length)
  const end = text.indexOf(0)
  const name = text.toString('latin1', 0, Math.min(end, NAME_BYTES))
  const size = Number.parseInt(text.toString('latin1', 124, 135), 8)
  const ours = isTarName(name) && size >= 0 && size <= TAR_FILE_BYTES_MAX
  if (!ours || !equalBytes(tarHead(name, size), head))
    throw new Malformed('the tar is not as meshd writes it; unpack it and verify the folder')
  return { name, start: at + BLOCK, size }
}

function zero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
