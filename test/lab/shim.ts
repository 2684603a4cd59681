/** The disk that fails (powerfail.c): built, preloaded into a workload, and what the workload was told. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Level } from 'level'
import { idOf } from '../../src/core/id.ts'
import { MeshError } from '../../src/core/problems.ts'
import { createStore } from '../../src/storage/create.ts'
import { FILES, LevelStore } from '../../src/storage/level.ts'
import { installed } from '../long/packages.ts'
import { RESERVE } from '../ports/stores.ts'

const HERE = import.meta.dirname
const GCC = ['/usr/bin', ...(process.env['PATH'] ?? '').split(':')].map((dir) => join(dir, 'gcc'))
/** In memory where there is such a disk: what is durable is the shim's to say. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** `long` in `npm run lab`: every operation instead of some. */
export const LONG = process.env['MESHD_LAB'] === 'long'

export const scratch = mkdtempSync(join(SCRATCH, 'meshd-power-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))

/** Path of the library; null where it cannot be built. */
export const shim = built('powerfail')
export const skip =
  shim === null ? 'not Linux, or no gcc here, and it could not be installed' : false

/** A library of that source, to be preloaded; null where it cannot be built. */
export function built(name: string): string | null {
  const library = join(scratch, `${name}.so`)
  const flags = ['-O1', '-shared', '-fPIC', '-o', library]
  try {
    if (process.platform !== 'linux') return null
    const compiler = installed(GCC, 'gcc', 'libc6-dev')
    if (compiler === null) return null
    execFileSync(compiler, [...flags, join(HERE, `${name}.c`), '-ldl', '-lpthread'], {
      stdio: 'ignore',
    })
    return library
  } catch {
    // No compiler, or no headers: the tests are skipped, and say so.
    return null
  }
}

/** `unsynced` is LevelDB as it writes when nobody asks for more. */
export type Engine = 'store' | 'plain' | 'unsynced'
/** How much is appended: the long one makes LevelDB begin another log file. */
export type Length = 'short' | 'long'

export interface Run {
  readonly engine: Engine
  readonly directory: string
  /** The id that each index was acknowledged with. */
  readonly acknowledged: ReadonlyMap<number, string>
  readonly refusals: number
  /** What was acknowledged after the first refusal. */
  readonly afterRefusal: number
  readonly killed: boolean
  /** Operations and syncs on the disk; null where it did not come to its end. */
  readonly operations: readonly [number, number] | null
}

let directories = 0

function fresh(): string {
  directories += 1
  return join(scratch, `data-${directories}`)
}

export interface Work {
  readonly engine: Engine
  readonly length: Length
  /** Settings of powerfail.c, without their prefix. */
  readonly faults: Readonly<Record<string, string | number>>
  /** Of an earlier run; a new one otherwise. */
  readonly directory?: string
}

/** Runs the workload on a disk that fails so. */
export async function workload({
  engine,
  length,
  faults,
  directory = fresh(),
}: Work): Promise<Run> {
  const count = join(scratch, `count-${basename(directory)}`)
  const settings = Object.entries(faults).map(([name, value]) => [`PF_${name}`, String(value)])
  const child = spawn(process.execPath, [join(HERE, 'power-child.ts'), directory, engine, length], {
    env: {
      ...{ PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(scratch, 'cache') },
      ...{
        LD_PRELOAD: shim ?? '',
        PF_DIR: directory,
        PF_COUNT: count,
        ...Object.fromEntries(settings),
      },
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(child, 'close')
  const killed = child.signalCode === 'SIGKILL'
  return { engine, directory, ...heard(said), killed, operations: counted(count) }
}

function counted(path: string): readonly [number, number] | null {
  if (!existsSync(path)) return null
  const [all = 0, syncs = 0] = readFileSync(path, 'utf8').trim().split(' ').map(Number)
  rmSync(path)
  return [all, syncs]
}

/** What a workload printed so far. */
export function heard(said: string): Pick<Run, 'acknowledged' | 'refusals' | 'afterRefusal'> {
  const acknowledged = new Map<number, string>()
  let [refusals, afterRefusal] = [0, 0]
  // The last line may be half of one.
  for (const line of said.split('\n').slice(0, -1)) {
    const [index = '', id] = line.split(' ')
    if (id === undefined) refusals += 1
    else acknowledged.set(Number(index), id)
    if (id !== undefined && refusals > 0) afterRefusal += 1
  }
  return { acknowledged, refusals, afterRefusal }
}

/** How many operations, and syncs, a run without a fault has. */
export async function operations(
  engine: Engine,
  length: Length,
): Promise<readonly [number, number]> {
  const { directory, operations: all } = await workload({ engine, length, faults: {} })
  rmSync(directory, { recursive: true })
  assert.ok(all !== null, 'a run without a fault comes to its end')
  return all
}

export interface Found {
  /** Acknowledged, and gone or changed. */
  readonly lost: number
  /** Why it did not open; null when it did. */
  readonly refused: string | null
}

/** What the next start finds of what was acknowledged; the directory is removed. */
export async function found(run: Run): Promise<Found> {
  try {
    return await (run.engine === 'store' ? foundInStore(run) : foundPlain(run))
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = error instanceof MeshError ? `${error.code} ` : ''
    return { lost: 0, refused: `${code}${error.message}` }
  } finally {
    rmSync(run.directory, { recursive: true, force: true })
  }
}

async function foundInStore({ directory, acknowledged }: Run): Promise<Found> {
  // Not made whole: nothing can have been acknowledged, and it is made anew.
  const whole = existsSync(join(directory, FILES.marker))
  const store = await (whole
    ? LevelStore.open(directory, RESERVE)
    : createStore(directory, RESERVE))
  try {
    const records = await store.records(0, store.tree.size)
    const lost = [...acknowledged].filter(
      ([index, id]) => idOf(records[index] ?? new Uint8Array()) !== id,
    )
    const nonces = await store.entries('nonce')
    if (nonces.size !== store.tree.size) throw new Error('a record and its put are one')
    return { lost: lost.length, refused: null }
  } finally {
    await store.close()
  }
}

async function foundPlain({ directory, acknowledged }: Run): Promise<Found> {
  const db = new Level<string, string>(join(directory, FILES.database))
  await db.open()
  try {
    const keys = await db.keys().all()
    const there = new Set(keys.map(Number))
    return {
      lost: [...acknowledged.keys()].filter((index) => !there.has(index)).length,
      refused: null,
    }
  } finally {
    await db.close()
  }
}
