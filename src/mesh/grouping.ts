/** How those who wait for the disk become one batch: each gets its number, its bytes and its hash. */
import { commitDraft, type Redactable } from '../core/disclosure.ts'
import { withDisclosure } from '../core/exhibit.ts'
import { idOf, type RecordId } from '../core/id.ts'
import { type JsonObject, jsonBytes } from '../core/json.ts'
import { BATCH_BYTES_MAX, BATCH_RECORDS_MAX, RECORD_BYTES_MAX } from '../core/limits.ts'
import { append, leafHash, type Tree } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { leafOf, termsOf } from '../core/terms.ts'
import type { Appended } from './authorizer.ts'
import type { Exhibit, Leaf, Put, Puts } from './ports.ts'

export type PutsOf = (id: RecordId) => readonly Put[]

/** What is to become durable. Without a draft there are puts alone. */
export type Asked =
  | {
      readonly draft: JsonObject
      readonly puts: PutsOf
      /** Kept beside the record; null for none. */
      readonly exhibit: Uint8Array | null
      /** What is kept beside earlier records from now on. */
      readonly exhibits: readonly Exhibit[]
      /** Begins the log of this epoch; null continues the current one. */
      readonly epoch: number | null
    }
  | { readonly draft: null; readonly puts: Puts; readonly epoch: null }
  | (Returning & { readonly draft: null; readonly puts: Puts })

/** Records of this log that were lost, as they were, and where they belong. */
interface Returning {
  readonly epoch: number
  readonly first: number
  readonly leaves: readonly Leaf[]
}

/** Which values a record only commits to (core/disclosure.ts). */
export interface Committing {
  fields(): readonly Redactable[]
  salt(): Uint8Array
}

/** Somebody who waits for the disk. */
export type Waiter = Asked & {
  readonly resolve: (appended: Appended | null) => void
  readonly reject: (error: unknown) => void
}

/** A batch as it is written, and who waits for which part of it. */
export interface Group {
  readonly epoch: number
  readonly first: number
  readonly records: readonly Leaf[]
  /** Of each record. */
  readonly types: readonly string[]
  readonly tree: Tree
  readonly puts: readonly Put[]
  readonly exhibits: readonly Exhibit[]
  readonly waiters: readonly { readonly waiter: Waiter; readonly appended: Appended | null }[]
}

/** A batch that is being made; synchronous from begin to end. */
export class Grouping implements Group {
  readonly epoch: number
  readonly first: number
  readonly records: Leaf[] = []
  readonly types: string[] = []
  readonly puts: Put[] = []
  readonly exhibits: Exhibit[] = []
  readonly waiters: { waiter: Waiter; appended: Appended | null }[] = []
  tree: Tree
  readonly #committing: Committing | null
  #bytes = 0

  constructor(epoch: number, first: number, tree: Tree, committing: Committing | null = null) {
    this.epoch = epoch
    this.first = first
    this.tree = tree
    this.#committing = committing
  }

  get full(): boolean {
    return this.waiters.length >= BATCH_RECORDS_MAX || this.#bytes >= BATCH_BYTES_MAX
  }

  /** What cannot become a record is refused by itself; the others are not held up. */
  add(waiter: Waiter, head: JsonObject): void {
    try {
      if (waiter.draft === null) {
        if (waiter.epoch !== null) this.#bring(waiter)
        this.#keep(typeof waiter.puts === 'function' ? waiter.puts() : waiter.puts)
        this.waiters.push({ waiter, appended: null })
        return
      }
      const index = this.tree.size
      const { draft, exhibit } = this.#committed(waiter.draft, waiter.exhibit)
      const leaf = draftedOf(draft, head, index, exhibit)
      if (waiter.exhibits.some(({ epoch }) => epoch !== this.epoch))
        throw new MeshError('CONFLICT', 'the log was retired meanwhile')
      this.#keep(waiter.puts(leaf.id))
      for (const each of waiter.exhibits) {
        this.exhibits.push(each)
        this.#bytes += each.bytes?.length ?? 0
      }
      this.records.push(leaf)
      this.types.push(String(waiter.draft['type']))
      this.tree = append(this.tree, leaf.hash)
      this.#bytes += leaf.bytes.length + (leaf.exhibit?.length ?? 0)
      this.waiters.push({ waiter, appended: { id: leaf.id, index } })
    } catch (error) {
      // Only this one is wrong, and it hears why.
      waiter.reject(error)
    }
  }

  #bring({ epoch, first, leaves }: Returning): void {
    if (epoch !== this.epoch || first !== this.tree.size)
      throw new MeshError(
        'CONFLICT',
        `the log does not go on with record ${first} of epoch ${epoch}`,
      )
    for (const leaf of leaves) {
      this.records.push(leaf)
      this.types.push(String(leafOf(leaf.bytes)['type']))
      this.tree = append(this.tree, leaf.hash)
      this.#bytes += leaf.bytes.length
    }
  }

  #committed(draft: JsonObject, exhibit: Uint8Array | null) {
    const fields = this.#committing?.fields() ?? []
    if (this.#committing === null || fields.length === 0) return { draft, exhibit }
    const committed = commitDraft(draft, fields, this.#committing.salt)
    return { draft: committed.draft, exhibit: withDisclosure(exhibit, committed.disclosure) }
  }

  #keep(puts: readonly Put[]): void {
    for (const put of puts) {
      this.puts.push(put)
      this.#bytes += put.value?.length ?? 0
    }
  }
}

/** @throws MeshError TOO_LARGE */
function draftedOf(
  draft: JsonObject,
  head: JsonObject,
  index: number,
  exhibit: Uint8Array | null,
): Leaf {
  const { judged, ...rest } = draft
  const dated = judged === undefined || judged === head['time'] ? rest : draft
  const bytes = jsonBytes({ ...dated, ...head, index })
  if (bytes.length > RECORD_BYTES_MAX)
    throw new MeshError('TOO_LARGE', `a record has ${bytes.length} bytes, of ${RECORD_BYTES_MAX}`)
  const timeMs = Date.parse(String(head['time']))
  const leaf = { bytes, id: idOf(bytes), hash: leafHash(bytes), timeMs, terms: termsOf(draft) }
  return exhibit === null ? leaf : { ...leaf, exhibit }
}
