/** What a simulated disk holds, and how one batch makes another state of it. */
import assert from 'node:assert/strict'
import { equalBytes } from '../../src/core/bytes.ts'
import { idOf, type RecordId } from '../../src/core/id.ts'
import { append, EMPTY, type Hash, leafHash, type Tree } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import { type Findable, findableOf } from '../../src/core/terms.ts'
import type { Batch } from '../../src/mesh/ports.ts'

/** Bytes, and the hash that they had when they were written. */
export interface Written {
  readonly bytes: Uint8Array
  readonly hash: Hash
  readonly exhibit?: Uint8Array
  /** Once a bit of it was flipped: what had been written, which the harness keeps, and no store looks at. */
  readonly was?: Uint8Array
}

/** What was written. */
export const shadowOf = ({ bytes, was }: Pick<Written, 'bytes' | 'was'>): Uint8Array => was ?? bytes

/** One durable state; each batch makes a new one. */
export interface State {
  readonly commit: number
  readonly epoch: number
  readonly records: readonly Written[]
  readonly kept: ReadonlyMap<string, Written>
}

export const PAST = 64
export const CREATED: State = { commit: 0, epoch: 1, records: [], kept: new Map() }

export function after(
  state: State,
  { epoch, first, records, tree, puts, exhibits = [] }: Batch,
): State {
  const before = epoch > state.epoch ? [] : state.records.slice()
  for (const { index, bytes } of exhibits) {
    const { exhibit: _, ...record } = before[index] as (typeof before)[number]
    before[index] = bytes === null ? record : { ...record, exhibit: bytes.slice() }
  }
  assert.ok(epoch >= state.epoch && first === before.length)
  assert.equal(tree.size, first + records.length)
  const kept = puts.length === 0 ? state.kept : changed(state.kept, puts)
  const added = records.map(({ bytes, hash, exhibit }) => ({
    ...{ bytes: bytes.slice(), hash },
    ...(exhibit === undefined ? {} : { exhibit: exhibit.slice() }),
  }))
  before.push(...added)
  return { commit: state.commit + 1, epoch, records: before, kept }
}

function changed(kept: State['kept'], puts: Batch['puts']): State['kept'] {
  const next = new Map(kept)
  for (const { space, key, value } of puts) {
    if (value === null) next.delete(`${space}/${key}`)
    else next.set(`${space}/${key}`, written(value))
  }
  return next
}

/** As a real store finds it out: by what is outside of the database, and by hashes of the end and of what is kept. */
export function checkAcknowledged({
  state,
  acknowledged,
}: {
  readonly state: State
  readonly acknowledged: State
}): void {
  if (state.commit < acknowledged.commit) throw damaged('acknowledged changes are gone')
  if (state.commit === acknowledged.commit) {
    const all = [...acknowledged.kept.keys()].every((key) => state.kept.has(key) || isCopy(key))
    if (!all) throw damaged('acknowledged values are gone')
  }
  const kept = [...state.kept].flatMap(([key, value]) => (isCopy(key) ? [] : [value]))
  for (const each of [...kept, ...state.records.slice(-255)])
    read(each, each, 'what is looked at on open')
}

/** Their owner holds the hashes: they are looked at by whoever reads them. */
function isCopy(key: string): boolean {
  return key.startsWith('copy/')
}

export function treeOf({ records }: State): Tree {
  return records.reduce((tree, { hash }) => append(tree, hash), EMPTY)
}

/** Roots of the full subtrees that end with a record, by their height. */
export const nodes = new WeakMap<Written, Hash[]>()
const findables = new WeakMap<Written, Findable>()

/** What is written never changes. */
export function foundBy(written: Written): Findable {
  const known = findables.get(written) ?? findableOf(shadowOf(written))
  findables.set(written, known)
  return known
}

const ids = new WeakMap<object, RecordId>()

/** What is written never changes. */
export function idIn(written: Pick<Written, 'bytes' | 'was'>): RecordId {
  const known = ids.get(written) ?? (idOf(shadowOf(written)) as RecordId)
  ids.set(written, known)
  return known
}

function written(bytes: Uint8Array): Written {
  return { bytes: bytes.slice(), hash: leafHash(bytes) }
}

/** What the disk has, if it is what this handle knows was written. */
export function read(
  there: Written | undefined,
  right: Written | undefined,
  name: string,
): Uint8Array {
  const good =
    there !== undefined &&
    right !== undefined &&
    equalBytes(leafHash(there.bytes), there.hash) &&
    equalBytes(there.hash, right.hash)
  if (!good) throw damaged(`${name} is not what was written`)
  return there.bytes.slice()
}

export function flipped(written: Written | undefined): Written {
  assert.ok(written !== undefined && written.bytes.length > 0, 'there is a bit to flip')
  const bytes = written.bytes.slice()
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0x10
  return { ...written, bytes, was: shadowOf(written) }
}

/** As one that was changed before its hash was taken: whoever looks at the hash sees nothing. */
export function flippedUnseen(written: Written | undefined): Written {
  const changed = flipped(written)
  return { ...changed, hash: leafHash(changed.bytes) }
}

/** As if no bit had been flipped. */
export function unflipped(written: Written): Written {
  const { was, ...rest } = written
  return was === undefined ? written : { ...rest, bytes: was, hash: leafHash(was) }
}

export function damaged(what: string): MeshError {
  return new MeshError('LOG_DAMAGED', what)
}
