/** `meshd version`: ours, and the Node that runs it. */
import { readFileSync } from 'node:fs'
import type { Command } from './spec.ts'

/** Of package.json, which lies above the sources and above dist alike. */
export function ownVersion(): string {
  for (const up of ['../', '../../', '../../../']) {
    try {
      const manifest = JSON.parse(
        readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8'),
      )
      if (manifest.name === 'meshd') return String(manifest.version)
    } catch {
      // Not at this height: one of the next is the package's own.
    }
  }
  return 'unknown'
}

export const version: Command = {
  name: 'version',
  group: 'OPERATE',
  says: 'print the version',
  examples: ['meshd version'],
  run: async (context) => {
    context.print(`meshd ${ownVersion()}  node ${process.versions.node}`)
    return 0
  },
}
