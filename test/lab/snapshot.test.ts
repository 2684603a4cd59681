/**
 * What is on the disk at one moment, below the file system: a workload on ext4 in an image stands still, the image is
 * copied, and the copy is mounted, which replays its journal. What was not written yet is not there. Beside it,
 * LevelDB alone.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { row } from './row.ts'
import { type Engine, type Found, found, heard, LONG } from './shim.ts'

const IMAGE_BYTES = 64 * 1024 * 1024
const CYCLES = LONG ? 20 : 4
/** Records of the long workload. */
const RECORDS = 256
/** A journal that is being written: two copies of one disk differ. */
const COPIES_MAX = 20

const dir = mkdtempSync(join(tmpdir(), 'meshd-snapshot-'))
const [blank, image, copy] = ['blank', 'image', 'copy'].map((name) => join(dir, `${name}.img`)) as [
  string,
  string,
  string,
]
const mounts = new Set<string>()
const run = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { stdio: 'ignore' })

function mount(from: string, name: string): string {
  const at = join(dir, name)
  mkdirSync(at, { recursive: true })
  run('mount', '-o', 'loop', from, at)
  mounts.add(at)
  return at
}

function unmount(at: string): void {
  run('umount', at)
  mounts.delete(at)
}

after(() => {
  for (const at of [...mounts]) unmount(at)
  rmSync(dir, { recursive: true })
})

function mountable(): boolean {
  try {
    run('truncate', '-s', String(IMAGE_BYTES), blank)
    run('mkfs.ext4', '-q', '-F', blank)
    unmount(mount(blank, 'disk'))
    return true
  } catch {
    return false // said as the reason why the tests are skipped
  }
}

const skip = mountable() ? false : 'an image of ext4 cannot be mounted here'

/** The disk of one moment: of a journal that is written meanwhile there is no such copy. */
function snapshot(): void {
  for (let i = 0; i < COPIES_MAX; i += 1) {
    copyFileSync(image, copy)
    if (readFileSync(copy).equals(readFileSync(image))) return
  }
  assert.fail('the disk never stands still')
}

interface Cycle extends Found {
  readonly acknowledged: number
}

/** @param records after so many of them it stands still */
async function cycle(engine: Engine, records: number): Promise<Cycle> {
  copyFileSync(blank, image)
  const disk = mount(image, 'disk')
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'power-child.ts'), join(disk, 'data'), engine, 'long'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  let said = ''
  try {
    for await (const text of child.stdout.setEncoding('utf8')) {
      said += text
      if (said.split('\n').length > records) break
    }
    child.kill('SIGSTOP')
    snapshot()
  } finally {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    unmount(disk)
  }
  const { acknowledged, ...rest } = heard(said)
  const mounted = mount(copy, 'copy')
  const directory = join(mounted, 'data')
  const result = await found({
    engine,
    directory,
    acknowledged,
    ...rest,
    killed: true,
    operations: null,
  })
  unmount(mounted)
  return { ...result, acknowledged: acknowledged.size }
}

async function cycles(engine: Engine): Promise<readonly Cycle[]> {
  const results: Cycle[] = []
  for (let i = 0; i < CYCLES; i += 1)
    results.push(await cycle(engine, 1 + Math.floor((RECORDS * i) / CYCLES)))
  return results
}

const sum = (results: readonly Cycle[], of: 'lost' | 'acknowledged') =>
  results.reduce((total, each) => total + each[of], 0)

test('of what was acknowledged before the disk was copied nothing is lost', { skip }, async (t) => {
  const ours = await cycles('store')
  for (const { lost, refused } of ours)
    assert.deepEqual({ lost, refused }, { lost: 0, refused: null })
  row(t, 15, `0 lost of ${sum(ours, 'acknowledged')} acknowledged, ${CYCLES} snapshots`)
  for (const engine of ['plain', 'unsynced'] as const) {
    const plain = await cycles(engine)
    const bad = plain.filter(({ lost, refused }) => lost > 0 || refused !== null)
    const how = engine === 'plain' ? 'that syncs' : 'as it writes by itself'
    row(
      t,
      15,
      `LevelDB alone, ${how}: ${sum(plain, 'lost')} of ${sum(plain, 'acknowledged')} lost, in ${bad.length} of ${CYCLES} snapshots`,
    )
  }
})
