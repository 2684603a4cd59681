/**
 * Another append-only log with a Merkle tree, for comparison: 64 packages, and
 * none of them but here. It signs each append, and syncs nothing before it
 * answers: what it acknowledges a power cut may take.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** As much of it as is used; it has no types of its own. */
interface Core {
  ready(): Promise<void>
  append(block: Uint8Array): Promise<unknown>
  close(): Promise<void>
}

export async function openHypercore(directory: string): Promise<Core> {
  const require = createRequire(import.meta.url)
  const path = require.resolve('hypercore')
  const { default: Hypercore } = await import(pathToFileURL(path).href)
  const core: Core = new Hypercore(directory)
  await core.ready()
  return core
}
