/** Takes in so many revocations, opens the set again, and says what that took, as JSON, for many.test.ts. */
import { Memory } from '../unit/memory.ts'
import { open, opened, peer, world } from '../unit/sets.ts'
import { ana, keyOf } from '../unit/statements.ts'

const BATCH = 200
const LOOKS = 20_000
const many = Number(process.argv[2])
const { did } = keyOf('revoked')

/** The first is of a key that is looked up later. */
function revocation(at: number): Uint8Array {
  const record = `sha256:${at.toString(16).padStart(64, '0')}` as const
  const target =
    at === 0 ? ({ kind: 'principal', did } as const) : ({ kind: 'execution', record } as const)
  return world.revocation({ target }, [ana]).bytes
}

async function takeIn(memory: Memory): Promise<void> {
  const set = await opened(world, memory)
  for (let i = 0; i < many; i += BATCH)
    await Promise.all(
      Array.from(
        { length: Math.min(BATCH, many - i) },
        (_, j) => set.offer(revocation(i + j), peer, 'gossip').done,
      ),
    )
}

const memory = new Memory()
await takeIn(memory)
const beganMs = performance.now()
const { governance } = await open(memory)
const bootMs = performance.now() - beganMs
const looksMs: number[] = []
for (let i = 0; i < LOOKS; i += 1) {
  const lookedMs = performance.now()
  governance.revocations.did('principal', did)
  looksMs.push(performance.now() - lookedMs)
}
globalThis.gc?.()
console.log(
  JSON.stringify({
    size: governance.size,
    bootS: bootMs / 1_000,
    lookP99Us: (looksMs.toSorted((a, b) => a - b)[Math.floor(LOOKS * 0.99)] ?? 0) * 1_000,
    heapMiB: process.memoryUsage().heapUsed / 1024 / 1024,
  }),
)
