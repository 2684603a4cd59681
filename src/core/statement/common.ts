/**
 * What every statement but a root carries, and how its payload shows it:
 *
 *   {"issued":"2026-11-24T14:03:10.000Z","mesh":"sha256:…","message":"INC-9","root":3, …}
 *
 * `message` is left out when there is none.
 */
import type { StatementId } from '../id.ts'
import type { JsonObject } from '../json.ts'
import { MESSAGE_BYTES_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import { formatTime, id, integer, name, optional, type Reader, text, time } from '../shape.ts'

export interface Common {
  /** Hash of the payload. */
  readonly id: StatementId
  readonly mesh: StatementId
  /** The version of the root it was signed under. */
  readonly root: number
  readonly issuedMs: number
  /** Why, in the words of who signed it. */
  readonly message: string | null
}

/** Counts from 1. */
export const version = integer(1, Number.MAX_SAFE_INTEGER)

export const message = optional(text(MESSAGE_BYTES_MAX))

/** The readers of the common fields, to be spread among a statement's own. */
export const common = { mesh: id, root: version, issued: time, message }

interface CommonFields {
  readonly mesh: StatementId
  readonly root: number
  readonly issued: number
  readonly message?: string
}

export function commonOf(of: StatementId, fields: CommonFields): Common {
  const { mesh, root, issued } = fields
  return { id: of, mesh, root, issuedMs: issued, message: fields.message ?? null }
}

/** @param draft without its id, which no payload can hold */
export function commonJson(draft: Omit<Common, 'id'>): JsonObject {
  const { mesh, root, issuedMs } = draft
  return { mesh, root, issued: formatTime(issuedMs), ...messageJson(draft.message) }
}

export function messageJson(words: string | null): JsonObject {
  return words === null ? {} : { message: words }
}

/** A list in which nothing is named twice; its order is kept. */
export function distinct<T extends string>(reader: Reader<readonly T[]>): Reader<readonly T[]> {
  return (value, at) => {
    const items = reader(value, at)
    if (new Set(items).size !== items.length) throw new Malformed(`${at}: names one twice`)
    return items
  }
}

/** An object whose keys are names. */
export function named<T>(reader: Reader<ReadonlyMap<string, T>>): Reader<ReadonlyMap<string, T>> {
  return (value, at) => {
    const entries = reader(value, at)
    for (const key of entries.keys()) name(key, `${at}: a key`)
    return entries
  }
}
