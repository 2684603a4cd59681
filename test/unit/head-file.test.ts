/** The head file: two slots of a kind, so that a torn write leaves the one before. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { HeadFile } from '../../src/storage/head-file.ts'
import { BEGINNING, formatStanding, parseStanding } from '../../src/storage/standing.ts'

const at = (commit: number) => ({ ...BEGINNING, commit })
const DAMAGED = { name: 'MeshError', code: 'LOG_DAMAGED' }

async function withFile(run: (path: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'meshd-head-'))
  const path = join(directory, 'head')
  HeadFile.create(path, BEGINNING)
  try {
    await run(path)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function acknowledged(path: string): Promise<number> {
  const head = HeadFile.open(path)
  await head.close()
  return head.standing.commit
}

test('a new head file says the beginning, and no checkpoint', () =>
  withFile(async (path) => {
    const head = HeadFile.open(path)
    assert.deepEqual(head.standing, BEGINNING)
    assert.equal(head.checkpoint, null)
    await head.close()
  }))

test('the newest of what was written is what is read', () =>
  withFile(async (path) => {
    const head = HeadFile.open(path)
    await Promise.all([head.acknowledge(at(1)), head.keep(utf8('one')), head.acknowledge(at(2))])
    await head.keep(utf8('two'))
    await head.close()
    const again = HeadFile.open(path)
    assert.equal(again.standing.commit, 2)
    assert.deepEqual(again.checkpoint, utf8('two'))
    await again.acknowledge(at(3))
    await again.close()
    assert.equal(await acknowledged(path), 3)
  }))

test('whichever byte of the newest slot is torn, the one before is read', () =>
  withFile(async (path) => {
    const head = HeadFile.open(path)
    await head.acknowledge(at(1))
    await head.acknowledge(at(2))
    await head.close()
    const whole = readFileSync(path)
    const slot = whole.readUIntBE(0, 6) === 3 ? 0 : 4096
    for (let i = 0; i < 81; i += 1) {
      const torn = Buffer.from(whole)
      torn[slot + i] = (torn[slot + i] as number) ^ 0x80
      writeFileSync(path, torn)
      assert.equal(await acknowledged(path), 1, `byte ${i}`)
    }
  }))

test('a file in which neither slot holds, or of another length, is damage', () =>
  withFile(async (path) => {
    const whole = readFileSync(path)
    writeFileSync(path, Buffer.alloc(whole.length))
    assert.throws(() => HeadFile.open(path), DAMAGED)
    writeFileSync(path, whole)
    truncateSync(path, whole.length - 1)
    assert.throws(() => HeadFile.open(path), DAMAGED)
  }))

test('a standing is read as it was written', () => {
  const standing = fc.record(
    {
      commit: fc.nat(2 ** 31 - 1).map((low) => low + 2 ** 40),
      epoch: fc.nat(2 ** 31 - 1),
      size: fc.nat(2 ** 31 - 1).map((low) => 2 * low + 1),
      kept: fc.nat(2 ** 31 - 1),
      sum: fc.nat(2 ** 31 - 1).map((low) => low * 2 ** 16),
      rootHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(standing, (each) => {
      assert.deepEqual(parseStanding(new Uint8Array(formatStanding(each))), each)
    }),
  )
})
