/** A flipped bit on a simulated disk: drawn by a seed, watched when it is read, and repaired when the mesh is. */
import { equalBytes } from '../../src/core/bytes.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Space } from '../../src/mesh/ports.ts'
import type { Dice } from './clock.ts'
import { shadowOf } from './disk-state.ts'
import type { Host } from './host.ts'
import type { Life } from './mesh-ports.ts'
import type { MeshWorld } from './mesh-world.ts'

/** A third of the flips are of a record, a third of any kept value; a third are of a statement, before its hash was taken. */
export function flip(world: MeshWorld, host: Host, dice: Dice): void {
  const { disk } = host
  const { records, kept } = disk.state
  const kind = dice.integer(3)
  const [share, crash] = [dice.unit(), dice.unit() < 0.5]
  const pick = <T>(list: readonly T[]) => list[Math.floor(share * list.length)]
  // Their owner holds the hashes of copies; the others of a space with nothing in a value have no bit.
  const names = [...kept].filter(([name, { bytes }]) => bytes.length > 0 && !/^copy\//.test(name))
  const statements = names.filter(([name]) => name.startsWith('statement/'))
  const [name] = pick(kind === 1 ? names : statements) ?? []
  let what = 'record'
  if (kind === 0) {
    if (records.length === 0) return
    disk.flipRecord(Math.floor(share * records.length))
  } else {
    if (name === undefined) return
    const at = name.indexOf('/')
    const [space, key] = [name.slice(0, at) as Space, name.slice(at + 1)]
    what = space
    if (kind === 1) disk.flip(space, key)
    else disk.flipUnseen(space, key)
  }
  world.write({ ev: 'flipped', what, unseen: kind === 2 }, host)
  // Most of what is kept is read when a node starts.
  if (!crash || host.life === null) return
  world.crash(host, false)
  world.clock.after(RESTART_MS, () => host.life === null && world.boot(host))
}

const RESTART_MS = 500

/** What was read of a space, or of the log, is compared with what was written. */
export async function watched<
  T extends ReadonlyMap<string, Uint8Array> | readonly Uint8Array[] | Uint8Array | null,
>(life: Life, what: string, reading: Promise<T>): Promise<T> {
  const { gate, disk } = life
  if (!disk.hurt) return gate.through(reading)
  try {
    const gave = await gate.through(reading)
    if (gave instanceof Map && !same(life, what, gave))
      life.write({ ev: 'read', what, gave: 'wrong' })
    return gave
  } catch (error) {
    if (isDamage(error)) life.write({ ev: 'read', what, gave: 'damage' })
    throw error
  }
}

function same({ disk }: Life, space: string, gave: ReadonlyMap<string, Uint8Array>): boolean {
  return [...gave].every(([key, bytes]) => {
    const there = disk.state.kept.get(`${space}/${key}`)
    return there === undefined || equalBytes(bytes, shadowOf(there))
  })
}

export function isDamage(error: unknown): boolean {
  return error instanceof MeshError && error.code === 'LOG_DAMAGED'
}

/** As an operator does whose node says that its disk is damaged: a sound copy is put in, and it starts again. */
export function repair(world: MeshWorld, host: Host): void {
  if (!host.disk.hurt) return
  world.crash(host, false)
  host.disk.repair()
  world.write({ ev: 'repaired', what: 'disk' }, host)
}
