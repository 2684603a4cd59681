/** kill -9 in the middle of appends (FAULTS 1, 3): what was answered is there, whatever else is. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { idOf } from '../../src/core/id.ts'
import { createStore } from '../../src/storage/create.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { row } from '../lab/row.ts'

const RESERVE = { bytes: 4096, marginBytes: 0 }
const CHILD = join(import.meta.dirname, 'storage-child.ts')

/** What the child was told to be durable, until it was killed after so many. */
async function acknowledged(directory: string, count: number): Promise<Map<number, string>> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', CHILD, directory],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.split('\n').length > count) child.kill('SIGKILL')
  })
  await once(child, 'close')
  // The last line may be half of one.
  const lines = said
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
  return new Map(lines.map(([index, id]) => [Number(index), id ?? '']))
}

test('nothing that was acknowledged before a kill -9 is lost, over and over', async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'meshd-kill-'))
  const directory = join(scratch, 'data')
  await (await createStore(directory, RESERVE)).close()
  const all = new Map<number, string>()
  for (const count of [1, 40, 700]) {
    const durable = await acknowledged(directory, count)
    assert.ok(durable.size >= count, `${durable.size} acknowledged`)
    for (const [index, id] of durable) {
      assert.ok(!all.has(index), `index ${index} was given twice`)
      all.set(index, id)
    }
    const store = await LevelStore.open(directory, RESERVE)
    const records = await store.records(0, store.tree.size)
    for (const [index, id] of all)
      assert.equal(idOf(records[index] ?? new Uint8Array()), id, `record ${index}`)
    const nonces = await store.entries('nonce')
    assert.equal(nonces.size, store.tree.size)
    await store.close()
  }
  row(t, 3, `0 lost and 0 given twice of ${all.size} acknowledged indexes, 3 kills`)
  rmSync(scratch, { recursive: true })
})
