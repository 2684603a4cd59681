/** One thread of pool.ts: a world for each message, and what came of it back. */
import { parentPort } from 'node:worker_threads'
import { runSeed } from './mesh-run.ts'
import type { Task } from './pool.ts'

parentPort?.on('message', async ({ seed, less, once, size }: Task) => {
  parentPort?.postMessage(await runSeed(seed, { less, once, size }))
})
