/**
 * Makes the frozen vectors of test/vectors from fixed keys and times; a test
 * holds the files to it. They are a second implementation's way in.
 *
 *     node scripts/vectors.ts
 */
import { writeFileSync } from 'node:fs'
import { artifactVectors } from './vectors/artifact.ts'

export const VECTORS: ReadonlyMap<string, () => unknown> = new Map([
  ['artifact.json', artifactVectors],
])

export function formatVectors(make: () => unknown): string {
  return `${JSON.stringify(make(), null, 1)}\n`
}

if (import.meta.main) {
  for (const [name, make] of VECTORS) {
    writeFileSync(new URL(`../test/vectors/${name}`, import.meta.url), formatVectors(make))
  }
}
