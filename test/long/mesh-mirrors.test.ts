/** Worlds of whole nodes that hold copies of each other's logs, one of whose disks is set back: all that must hold holds as well. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { row } from '../lab/row.ts'
import { runSeed } from '../sim/mesh-run.ts'
import { Returned } from '../sim/returned.ts'

const SEEDS = [1, 7, 13, 25]

test('nothing is violated where logs come back from mirrors', { timeout: 600_000 }, async (t) => {
  const returned = new Returned()
  for (const seed of SEEDS) {
    const shape = { mirrors: 1, restore: 1, nodes: 4, witnesses: 3, liar: 0 }
    const outcome = await runSeed(seed, { read: (event) => returned.see(event), shape })
    assert.deepEqual(outcome.findings, [], `seed ${seed}`)
  }
  const { records, restores } = returned
  assert.ok(records > 0, `records came back, of ${restores} disks that were set back`)
  row(t, 20, `0 contradictions: ${records} records came back, ${restores} disks set back`)
})
