/**
 * Inputs: chance alone, words of the formats in any order, long runs of one
 * thing, and what the product printed with a few things changed, in its bytes
 * or in the tree that they hold.
 */
import { utf8 } from '../../src/core/bytes.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'
import { changeTree } from './tree.ts'

/** No corpus is as large; a parser's own bounds are far above or below it. */
const INPUT_BYTES_MAX = 1 << 17
const RUN_BYTES = 100_000

const WORDS: readonly Uint8Array[] = [
  ...['{', '}', '[', ']', '"', ':', ',', '\n', '\n\n', ' ', '\\', '\\"', '\\u0000', '\\ud800'],
  ...['null', 'true', '0', '-0', '-1', '1e999', '9007199254740993', '0.5', '4294967296', '00'],
  ...['"__proto__"', '"constructor"', '{"a":', '[[', '*', '\\*', '..', '/', '.', '?', ':', '%2e'],
  ...['\u2014 ', '\ufeff', '\u202e', '\u00e9', 'e\u0301', '\u200b', '\0', '\r\n', '+', '=', '=='],
  ...['sha256:', 'did:key:z6Mk', 'bafyrei', 'meshd-invite:1:', 'old 0', 'index ', 'extra ', 'C'],
].map(utf8)
/** CBOR heads: lists, maps, tags, indefinite lengths, lengths of eight bytes. */
const HEADS = [
  0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xd8, 0x5f, 0x7f, 0x1b, 0x3b, 0x5b, 0x7b, 0x9b, 0xbb, 0xf5,
]
const EDGES = ['0', '-1', '255', '256', '65535', '65536', '2147483647', '4294967295', '4294967296']
const DIGITS = [...EDGES, '9007199254740991', '9007199254740992', '18446744073709551616', '1e3']

export function inputOf(target: Target, random: Random): Uint8Array {
  const kind = random.below(100)
  if (kind < 8) return chance(random)
  if (kind < 16) return soup(random)
  if (kind === 16 && random.below(20) === 0) return run(random, target.corpus)
  const base = random.pick(target.corpus)
  const changed = kind < 55 ? changeTree(target.codec, base, random) : null
  return changed ?? changeBytes(base, target.corpus, random)
}

function chance(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.below(80) }, () => random.next())
}

function soup(random: Random): Uint8Array {
  const parts = Array.from({ length: 1 + random.below(20) }, () => random.pick(WORDS))
  return joined(...parts)
}

/** One thing many times over: what is quadratic, or recurses, shows itself. */
function run(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const base = random.pick(corpus)
  const at = random.below(base.length)
  const one =
    random.below(2) === 0 ? random.pick(WORDS) : base.subarray(at, at + 1 + random.below(8))
  const times = Math.floor(RUN_BYTES / Math.max(one.length, 1))
  const many = new Uint8Array(Buffer.concat(Array.from({ length: times }, () => one)))
  return joined(base.subarray(0, at), many, base.subarray(at))
}

function changeBytes(base: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = base
  const times = 1 + random.below(3)
  for (let i = 0; i < times; i += 1) bytes = random.pick(CHANGES)(bytes, random, corpus)
  return bytes.length > INPUT_BYTES_MAX ? bytes.subarray(0, INPUT_BYTES_MAX) : bytes
}

type Change = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array

const CHANGES: readonly Change[] = [
  (bytes, random) =>
    put(bytes, random.below(bytes.length), (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => put(bytes, random.below(bytes.length), () => random.next() & 0xff),
  (bytes, random) => put(bytes, random.below(bytes.length), () => random.pick(HEADS)),
  (bytes, random) =>
    put(bytes, random.below(bytes.length), (byte) => byte + 1 - 2 * random.below(2)),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => bytes.subarray(random.below(bytes.length)),
  cut,
  twice,
  splice,
  (bytes, random) => insert(bytes, random, random.pick(WORDS)),
  (bytes, random) => insert(bytes, random, Uint8Array.of(random.pick(HEADS))),
  edge,
  nest,
]

function put(bytes: Uint8Array, at: number, to: (byte: number) => number): Uint8Array {
  const changed = bytes.slice()
  if (at < changed.length) changed[at] = to(changed[at] as number) & 0xff
  return changed
}

function cut(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length)
  return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16)))
}

function twice(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length)
  const end = at + 1 + random.below(random.below(4) === 0 ? bytes.length : 16)
  return joined(bytes.subarray(0, end), bytes.subarray(at))
}

function splice(bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(corpus)
  return joined(
    bytes.subarray(0, random.below(bytes.length)),
    other.subarray(random.below(other.length)),
  )
}

function insert(bytes: Uint8Array, random: Random, more: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1)
  return joined(bytes.subarray(0, at), more, bytes.subarray(at))
}

/** A number in the text becomes one at the edge of what some integer holds. */
function edge(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random.below(bytes.length)
  const isDigit = (at: number) => (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39
  let start = from
  while (start < bytes.length && !isDigit(start)) start += 1
  let end = start
  while (isDigit(end)) end += 1
  return joined(bytes.subarray(0, start), utf8(random.pick(DIGITS)), bytes.subarray(end))
}

function nest(bytes: Uint8Array, random: Random): Uint8Array {
  const depth = 1 + random.below(40)
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['["not",', ']'],
  ] as const)
  const at = random.below(bytes.length + 1)
  const inner = bytes.subarray(at)
  return joined(bytes.subarray(0, at), utf8(open.repeat(depth)), inner, utf8(close.repeat(depth)))
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
