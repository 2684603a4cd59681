/** Stores for tests: batches made as the log makes them, a scratch directory, and both kinds of store behind one handle. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { append, EMPTY, leafHash } from '../../src/core/merkle.ts'
import { findableOf } from '../../src/core/terms.ts'
import type { Batch, Leaf, Put, Store } from '../../src/mesh/ports.ts'
import { createStore } from '../../src/storage/create.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'

/** Small, so that a test directory is. */
export const RESERVE = { bytes: 4096, marginBytes: 0 }

export function leafOf(text: string): Leaf {
  const bytes = utf8(text)
  return { bytes, id: idOf(bytes), hash: leafHash(bytes), ...findableOf(bytes) }
}

/** The batch that appends these records to what the store has, or begins a log of that epoch with them. */
export function batchOf(
  store: Store,
  texts: readonly string[],
  puts: readonly Put[] = [],
  epoch = store.epoch,
): Batch {
  const before = epoch > store.epoch ? EMPTY : store.tree
  const records = texts.map(leafOf)
  const tree = records.reduce((each, { hash }) => append(each, hash), before)
  return { epoch, first: before.size, records, tree, puts }
}

export function put(key: string, value: string | null, space: Put['space'] = 'statement'): Put {
  return { space, key, value: value === null ? null : utf8(value) }
}

export const texts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `record ${from + i}`)

/** A store that can be closed and opened again, as often as the test likes. */
export interface Durably {
  readonly name: string
  store: Store
  /** Closes and opens again. */
  again(): Promise<Store>
  remove(): Promise<void>
}

export async function onLevel(): Promise<Durably & { readonly directory: string }> {
  const scratch = mkdtempSync(join(tmpdir(), 'meshd-store-'))
  const directory = join(scratch, 'data')
  const durably = {
    name: 'level',
    directory,
    store: (await createStore(directory, RESERVE)) as Store,
    async again() {
      await durably.store.close()
      durably.store = await LevelStore.open(directory, RESERVE)
      return durably.store
    },
    async remove() {
      await durably.store.close()
      rmSync(scratch, { recursive: true })
    },
  }
  return durably
}

export async function inMemory(): Promise<Durably & { readonly disk: Disk }> {
  const disk = new Disk(new VirtualClock())
  const durably = {
    name: 'memory',
    disk,
    store: (await DiskStore.open(disk)) as Store,
    async again() {
      await durably.store.close()
      durably.store = await DiskStore.open(disk)
      return durably.store
    },
    remove: () => durably.store.close(),
  }
  return durably
}
