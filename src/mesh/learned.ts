/**
 * What the set tells of a statement it knows, and the note that it leaves
 * beside it until the log tells of it too (chronicle.ts):
 *
 *     unlogged/0000000000000041 → {"from":"did:key:z6Mk…","statement":"sha256:0a77…"}
 *
 * The note travels in the batch of the statement, and leaves in the batch of
 * its record: each is told once, whatever stops in between.
 */
import { utf8 } from '../core/bytes.ts'
import type { Envelope } from '../core/dsse.ts'
import type { Standing } from '../core/fold.ts'
import type { StatementId } from '../core/id.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { did, id, nullable, object } from '../core/shape.ts'
import type { Statement } from '../core/statement/statement.ts'
import type { Put } from './ports.ts'

export interface Known {
  readonly id: StatementId
  readonly envelope: Envelope
  readonly statement: Statement
  readonly state: Standing
}

/** How a statement came. */
export type Via = 'gossip' | 'push' | 'sync' | 'hello' | 'local'

/** A statement as it came in. */
export interface Brought {
  readonly id: StatementId
  readonly envelope: Envelope
  /** The peer that brought it; null for this node's own callers. */
  readonly from: Did | null
  readonly via: Via
}

/** A statement, or more signatures of it, is durable and applied here. */
export interface Learned extends Known, Brought {
  /** Others whose state changed with it. */
  readonly changed: readonly StatementId[]
  /** Whether it was told of, as what stops, before it was durable. */
  readonly early: boolean
  /** Of governance, with it. */
  readonly digest: string
  /** Key of the note that waits for its record; null when the log tells nothing of it. */
  readonly note: string | null
}

/** A note as it was found on disk. */
export interface Noted {
  readonly note: string
  readonly id: StatementId
  readonly from: Did | null
}

const NOTE_BYTES_MAX = 256
const PREFIX = 'unlogged/'
const DIGITS = 16
const READ = object({ from: nullable(did), statement: id })

/** Numbers the notes, so that their keys ascend with the order in which statements were learned. */
export class Notes {
  #next = 0
  #found: readonly Noted[] = []

  /** Those that waited when this was loaded. */
  get found(): readonly Noted[] {
    return this.#found
  }

  /** @param cursors all of the space `governance`, in key order @throws Malformed */
  load(cursors: ReadonlyMap<string, Uint8Array>): void {
    this.#found = [...cursors].flatMap(([key, bytes]) => {
      if (!key.startsWith(PREFIX)) return []
      const { from, statement } = READ(parseCanonical(bytes, NOTE_BYTES_MAX), 'note')
      return { note: key, id: statement, from }
    })
    const last = this.#found.at(-1)
    this.#next = last === undefined ? 0 : Number(last.note.slice(PREFIX.length)) + 1
  }

  /** The key of the next one. */
  next(): string {
    const key = PREFIX + String(this.#next).padStart(DIGITS, '0')
    this.#next += 1
    return key
  }
}

export function putNote(key: string, from: Did | null, statement: StatementId): Put {
  return { space: 'governance', key, value: utf8(formatJson({ from, statement })) }
}

export function deleteNote(key: string): Put {
  return { space: 'governance', key, value: null }
}
