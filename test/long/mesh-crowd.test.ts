/** Worlds of many nodes: few seeds, and everything that a seed may do to them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSeed } from '../sim/mesh-run.ts'
import type { Swarm } from '../sim/swarm.ts'

const CROWD: Partial<Swarm> = {
  ...{ witnesses: 5, faultsMs: 3_000, healMs: 20_000, rotations: 0 },
  lease: { read: 3, write: 3, faults: 0, stalenessMs: 4_000, skewMs: 400 },
}
const CROWDS = [
  { nodes: 12, seed: 7 },
  { nodes: 20, seed: 7 },
  { nodes: 50, seed: 8 },
]

for (const { nodes, seed } of CROWDS)
  test(`${nodes} nodes come through it, and have one governance`, {
    timeout: 900_000,
  }, async (t) => {
    const { findings, met, events } = await runSeed(seed, { shape: { ...CROWD, nodes } })
    assert.deepEqual(findings, [])
    assert.ok((met.get('L1') ?? 0) > 0, 'they were asked in the end')
    t.diagnostic(`${events} events, ${met.get('an allow')} allows`)
  })
