/**
 * `npm run bench [section…]`: what meshd costs beside floors that are built
 * here and measured in the same run. Machines are shared and noisy: only the
 * ratios mean something. With --write, the table goes to docs/performance.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { appends } from './bench/appends.ts'
import { audit } from './bench/audit.ts'
import { cosigning } from './bench/cosigning.ts'
import { decisions } from './bench/decisions.ts'
import { exec } from './bench/exec.ts'
import { gateway } from './bench/gateway.ts'
import { identity } from './bench/identity.ts'
import { idle } from './bench/idle.ts'
import { mcp } from './bench/mcp.ts'
import { revocation } from './bench/revocation.ts'
import { forMarkdown, forTerminal, type Section } from './bench/table.ts'

const SECTIONS: Readonly<Record<string, () => Promise<Section>>> = {
  appends,
  audit,
  cosigning,
  decisions,
  exec,
  gateway,
  identity,
  idle,
  mcp,
  revocation,
}
const PAGE = 'docs/performance.md'
const BEGIN = '<!-- the last run -->'

const write = process.argv.includes('--write')
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const unknown = wanted.find((word) => !(word in SECTIONS))
if (unknown !== undefined)
  throw new Error(`no section ${unknown}: ${Object.keys(SECTIONS).join(', ')}`)

const [before = 0] = loadavg()
const measured: Section[] = []
for (const [name, measure] of Object.entries(SECTIONS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const section = await measure()
  measured.push(section)
  console.log(forTerminal(section))
}
const missed = measured.flatMap(({ rows }) => rows).filter(({ goal }) => goal?.met === false)
console.log(missed.length === 0 ? '\nevery goal is met' : `\n${missed.length} goals are missed`)

if (write) {
  const page = readFileSync(PAGE, 'utf8')
  const load = `load average ${[before, ...loadavg()].map((value) => value.toFixed(1)).join(', ')}`
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}, ${load} (one minute before the run; then 1, 5 and 15 minutes at its end)`
  const head = page.slice(0, page.indexOf(BEGIN) + BEGIN.length)
  writeFileSync(PAGE, `${head}\n\n${machine}\n\n${measured.map(forMarkdown).join('\n')}`)
}
