/** A real directory that a trap is sprung on, and is removed after it. */
import { type TestContext, test } from 'node:test'
import { LevelStore } from '../../src/storage/level.ts'
import { batchOf, onLevel, put, RESERVE, texts } from './stores.ts'

export type Place = Awaited<ReturnType<typeof onLevel>>

export const DAMAGED = { name: 'MeshError', code: 'LOG_DAMAGED' }
export const NOT_READY = { name: 'MeshError', code: 'NOT_READY' }
export const NOT_PRIVATE = { name: 'MeshError', code: 'CONFIG_INVALID' }

export function trap(property: string, run: (place: Place, t: TestContext) => Promise<void>): void {
  void test(property, async (t) => {
    const place = await onLevel()
    try {
      await run(place, t)
    } finally {
      await place.remove()
    }
  })
}

/** A store with 300 records and 20 values, closed. */
export async function filled(place: Place): Promise<void> {
  const { store } = place
  for (let i = 0; i < 20; i += 1)
    await store.persist(batchOf(store, texts(15, 15 * i), [put(`key ${i}`, `value ${i}`)]))
  await store.close()
}

export const open = (place: Place) => LevelStore.open(place.directory, RESERVE)
