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
import { did, id, nullable, object, type Read } from '../core/shape.ts'
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

/** A statement, or more signatures of it, is durable and applied here. */
export interface Learned extends Known {
  /** Others whose state changed with it. */
  readonly changed: readonly StatementId[]
  /** The peer that brought it; null for this node's own callers. */
  readonly from: Did | null
  readonly via: Via
  /** Of governance, with it. */
  readonly digest: string
  /** Key of the note that waits for its record; null when the log tells nothing of it. */
  readonly note: string | null
}

const NOTE_BYTES_MAX = 256
const NOTES = 'unlogged/'
const READ = object({ from: nullable(did), statement: id })
export type Note = Read<typeof READ>

/** Ascends with the order in which statements were learned here. */
export function noteKey(sequence: number): string {
  return NOTES + String(sequence).padStart(16, '0')
}

/** null for other keys of its space. */
export function sequenceOf(key: string): number | null {
  return key.startsWith(NOTES) ? Number(key.slice(NOTES.length)) : null
}

export function putNote(key: string, note: Note): Put {
  return { space: 'governance', key, value: utf8(formatJson(note)) }
}

export function deleteNote(key: string): Put {
  return { space: 'governance', key, value: null }
}

/** @throws Malformed */
export function parseNote(bytes: Uint8Array): Note {
  return READ(parseCanonical(bytes, NOTE_BYTES_MAX), 'note')
}
