/** `meshd version`: ours, and the Node that runs it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './package.ts'
import type { Command } from './spec.ts'

export function ownVersion(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return String(JSON.parse(manifest).version)
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
