/**
 * Makes the reference pages from the tables they describe; a tidy test holds
 * the pages to it.
 *
 *     node scripts/docs.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { withRoutes } from './docs/api.ts'
import { cliPage } from './docs/cli.ts'
import { configPage, configSchemaFile } from './docs/config.ts'
import { evidenceExamples } from './docs/evidence.ts'
import { filled } from './docs/examples.ts'
import { withLimits } from './docs/limits.ts'
import { reasonsPage } from './docs/reasons.ts'
import { reliabilityPage } from './docs/reliability.ts'

export const PAGES: ReadonlyMap<string, () => Promise<string> | string> = new Map<
  string,
  () => Promise<string> | string
>([
  ['docs/reasons.md', reasonsPage],
  ['docs/cli.md', cliPage],
  ['docs/config.md', configPage],
  ['docs/reliability.md', reliabilityPage],
  // Written by hand around a generated part.
  ['docs/protocol.md', () => withLimits(filled(page('docs/protocol.md')))],
  ['docs/evidence.md', () => filled(page('docs/evidence.md'), evidenceExamples)],
  ['docs/api.md', () => withRoutes(page('docs/api.md'))],
  ['config/config-v1.schema.json', configSchemaFile],
])

function page(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
}

if (import.meta.main)
  for (const [file, make] of PAGES)
    writeFileSync(new URL(`../${file}`, import.meta.url), await make())
