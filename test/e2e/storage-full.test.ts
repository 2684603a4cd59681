/** A disk that is really full (FAULTS 22, 23): nothing acknowledged is lost, and a revocation still lands. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { idOf } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { Log } from '../../src/mesh/log.ts'
import type { Clock } from '../../src/mesh/ports.ts'
import { createStore } from '../../src/storage/create.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { row } from '../lab/row.ts'

const MIB = 1024 * 1024
const NODE = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' as Did
const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/** A small disk of its own; null where this user may not mount one. */
function mounted(): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'meshd-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', directory], {
      stdio: 'ignore',
    })
    return directory
  } catch {
    // Not root, or in a container: the test is skipped, and says so.
    rmSync(directory, { recursive: true })
    return null
  }
}

const disk = mounted()

test('a full disk loses nothing that was acknowledged, and takes a revocation', {
  skip: disk === null ? 'mounting a tmpfs is not allowed here' : false,
}, async (t) => {
  assert.ok(disk !== null)
  const directory = join(disk, 'data')
  // Never seen to be low: every record is tried, until the disk itself refuses.
  const reserve = { bytes: 10 * MIB, marginBytes: 0, free: () => 0 }
  const held = { ...reserve, free: () => 1024 * MIB }
  try {
    const created = await createStore(directory, held)
    assert.equal(created.low, null)
    await created.close()
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(4 * MIB))
    const store = await LevelStore.open(directory, reserve)
    const log = await Log.open({ store, clock, node: NODE })
    log.openForAppends()
    const acknowledged = new Map<number, string>()
    const append = async () => {
      const detail = randomBytes(15_000).toString('base64')
      const { index, id } = await log.append({ type: 'system', event: 'test', detail })
      acknowledged.set(index, id)
    }
    await assert.rejects(
      async () => {
        for (let i = 0; i < 2_000; i += 1) await append()
      },
      { name: 'MeshError', code: 'NOT_READY' },
    )
    await log.persist([{ space: 'statement', key: 'revocation', value: randomBytes(2_000) }])
    assert.ok(!existsSync(join(directory, 'reserve')), 'the reserve was given up')
    assert.match(log.unwritable() ?? '', /reserve is used up/)
    await log.close()
    await store.close()

    const again = await LevelStore.open(directory, reserve)
    assert.ok(acknowledged.size > 100, `${acknowledged.size} were acknowledged`)
    for (const [index, id] of acknowledged)
      assert.equal(idOf((await again.records(index, 1))[0] ?? new Uint8Array()), id)
    assert.equal((await again.get('statement', 'revocation'))?.length, 2_000)
    await again.close()
    row(t, 22, `0 lost of ${acknowledged.size} acknowledged when the disk was full`)
    row(t, 23, 'reserve given up, and the revocation is durable')
  } finally {
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true })
  }
})
