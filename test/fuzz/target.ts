/**
 * One parser, as the fuzzer sees it: bytes in, a value or a refusal out, and
 * the printer where there is one. Whatever else is thrown is a fault.
 */
import { equalBytes, textOf, utf8 } from '../../src/core/bytes.ts'
import { formatJson, type Json, parseCanonical } from '../../src/core/json.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { MeshError } from '../../src/core/problems.ts'

/** What a mutation works on inside of the bytes: a tree of JSON or CBOR. */
export interface Codec {
  /** Throws where there is no tree. */
  open(bytes: Uint8Array): unknown
  close(tree: unknown, before: Uint8Array): Uint8Array
}

export interface Accepted {
  readonly value: unknown
  /** What it is printed as; null where there is no printer. */
  readonly printed: Uint8Array | null
}

export interface Target {
  readonly name: string
  /** Exported functions that it runs: `core/json.ts parseJson`. */
  readonly runs: readonly string[]
  /** Made by the product's own printers: all of them are accepted. */
  readonly corpus: readonly Uint8Array[]
  readonly codec: Codec
  /** Why one value may have two spellings; null where print∘parse is the identity. */
  readonly spellings: string | null
  /** More than the time that others have, where nobody but an operator writes what is read. */
  readonly msMax: number | undefined
  /** null for a refusal. @throws what nobody declared */
  read(bytes: Uint8Array): Accepted | null
}

interface Fields<T> {
  readonly name: string
  readonly runs: readonly string[]
  readonly parse: (bytes: Uint8Array) => T | null
  readonly print?: (value: T, bytes: Uint8Array) => Uint8Array
  readonly spellings?: string
  readonly corpus: readonly Uint8Array[]
  readonly codec?: Codec
  readonly msMax?: number
}

/** A header line of JSON, and whatever follows it. */
const JSON_LINE: Codec = {
  open: (bytes) => parseCanonical(lineOf(bytes), bytes.length),
  close: (tree, before) => {
    const rest = before.subarray(lineOf(before).length)
    return new Uint8Array(Buffer.concat([utf8(formatJson(tree as Json)), rest]))
  },
}

function lineOf(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0x0a)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

/** Malformed, and a MeshError, which is what a person is told. */
const isRefusal = (error: unknown) => error instanceof Malformed || error instanceof MeshError

export function target<T>(fields: Fields<T>): Target {
  const { name, runs, parse, print, spellings = null, codec = JSON_LINE, msMax } = fields
  if ((print === undefined) !== (spellings !== null))
    throw new Error(`${name}: it has a printer, or says why not`)
  const read = (bytes: Uint8Array): Accepted | null => {
    let value: T | null
    try {
      value = parse(bytes)
    } catch (error) {
      if (isRefusal(error)) return null
      throw error
    }
    return value === null ? null : { value, printed: print?.(value, bytes) ?? null }
  }
  // A Buffer's slice shares its memory: a change to it would change the example.
  const corpus = fields.corpus.map((bytes) => new Uint8Array(bytes))
  return { name, runs, corpus, codec, spellings, msMax, read }
}

interface TextFields<T> extends Omit<Fields<T>, 'parse' | 'print' | 'corpus'> {
  readonly parse: (text: string) => T | null
  readonly print?: (value: T) => string
  readonly corpus: readonly string[]
}

/** A parser of text. What is not UTF-8 was refused before it. */
export function textTarget<T>({ parse, print, corpus, ...rest }: TextFields<T>): Target {
  return target<T>({
    ...rest,
    parse: (bytes) => parse(textOf(bytes)),
    ...(print === undefined ? {} : { print: (value: T) => utf8(print(value)) }),
    corpus: corpus.map(utf8),
  })
}

/** A reader of a JSON value. What is not canonical was refused before it. */
export function jsonTarget<T>(
  fields: Omit<Fields<T>, 'parse' | 'print' | 'corpus'> & {
    readonly parse: (json: Json) => T | null
    readonly print?: (value: T) => Json
    readonly corpus: readonly Json[]
  },
): Target {
  const { parse, print, corpus, ...rest } = fields
  return target<T>({
    ...rest,
    parse: (bytes) => parse(parseCanonical(bytes, 1 << 20)),
    ...(print === undefined ? {} : { print: (value: T) => utf8(formatJson(print(value))) }),
    corpus: corpus.map((each) => utf8(formatJson(each))),
  })
}

/** Whether the bytes are the one spelling of what they say. */
export function spelledRight({ printed }: Accepted, bytes: Uint8Array): boolean {
  return printed === null || equalBytes(printed, bytes)
}
