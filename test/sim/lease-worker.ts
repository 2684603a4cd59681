/** A thread of `npm run sim:lease`: so many runs of a situation for each message, and what they saw back. */
import { parentPort } from 'node:worker_threads'
import { runs, type Situation } from './lease-runs.ts'

export interface LeaseTask {
  readonly situation: Situation
  readonly first: number
  readonly seeds: number
}

parentPort?.on('message', async ({ situation, first, seeds }: LeaseTask) => {
  parentPort?.postMessage(await runs(situation, seeds, { first }))
})
