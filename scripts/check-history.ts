/**
 * Looks at what real nodes left with the checkers of the simulation.
 *
 *     node scripts/check-history.ts <folder>
 *
 *     root.json      the trust root: meshd root show -f root.json
 *     *.evidence     whole logs: meshd audit export -f 1.evidence; of one log in the order of their names
 *     allowed.jsonl  what callers were told, {"node":"did:key:…","id":"sha256:…"} a line; may be absent
 *
 * Exit 1: something was found, or nothing was there to look at.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tarFiles } from '../src/cli/evidence-files.ts'
import { parseTrust } from '../src/core/verify/trust.ts'
import { AUDITED, auditOf, check, type Returned } from '../test/lab/audited.ts'

const folder = process.argv[2] ?? '.'
const trust = parseTrust(readFileSync(join(folder, 'root.json')))
const audits = globSync(join(folder, '*.evidence'))
  .sort()
  .map((file) => auditOf(tarFiles(readFileSync(file)), trust))
const told = join(folder, 'allowed.jsonl')
const lines = existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : []
const returned = lines.map((line) => JSON.parse(line) as Returned)
const { findings, met } = check(audits, returned)
for (const { id, says } of AUDITED)
  console.log(`${id.padEnd(4)} ${String(met.get(id) ?? 0).padStart(8)}  ${says}`)
for (const { id, says } of findings) console.log(`✗ ${id}: ${says}`)
const records = audits.reduce((sum, { entries }) => sum + entries.length, 0)
console.log(
  `${audits.length} logs, ${records} records, ${returned.length} allows that callers were told`,
)
if (findings.length > 0 || records === 0) process.exitCode = 1
