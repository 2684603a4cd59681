/**
 * Makes the reference pages from the tables they describe; a tidy test holds
 * the pages to it.
 *
 *     node scripts/docs.ts
 */
import { writeFileSync } from 'node:fs'
import { cliPage } from './docs/cli.ts'
import { configPage, configSchemaFile } from './docs/config.ts'
import { reasonsPage } from './docs/reasons.ts'

export const PAGES: ReadonlyMap<string, () => Promise<string> | string> = new Map<
  string,
  () => Promise<string> | string
>([
  ['docs/reasons.md', reasonsPage],
  ['docs/cli.md', cliPage],
  ['docs/config.md', configPage],
  ['config/config-v1.schema.json', configSchemaFile],
])

if (import.meta.main)
  for (const [file, make] of PAGES)
    writeFileSync(new URL(`../${file}`, import.meta.url), await make())
