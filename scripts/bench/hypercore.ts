/**
 * Another append-only log with a Merkle tree, for comparison. It is no
 * dependency: 64 packages for one row. Where it is installed the environment says:
 *
 *     npm install --prefix /tmp/hc --ignore-scripts hypercore@11
 *     MESHD_BENCH_HYPERCORE=/tmp/hc npm run bench appends
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** As much of it as is used. */
interface Core {
  ready(): Promise<void>
  append(block: Uint8Array): Promise<unknown>
  close(): Promise<void>
}

/** null where it is not installed. */
export async function openHypercore(directory: string): Promise<Core | null> {
  const prefix = process.env['MESHD_BENCH_HYPERCORE']
  if (prefix === undefined) return null
  const path = createRequire(join(prefix, 'package.json')).resolve('hypercore')
  const { default: Hypercore } = await import(pathToFileURL(path).href)
  const core: Core = new Hypercore(directory)
  await core.ready()
  return core
}
