/** The logs of running nodes, exported as anybody may, for the checkers. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tarFiles } from '../../src/cli/evidence-files.ts'
import type { Host } from '../../src/cli/stage.ts'
import { parseTrust } from '../../src/core/verify/trust.ts'
import { type Audit, auditOf, check, type Returned } from './audited.ts'

/** As it is now. */
export async function exported(host: Host): Promise<Audit> {
  const [root, file] = ['root.json', 'log.evidence'].map((name) => join(host.dir, name)) as [
    string,
    string,
  ]
  await host.do('root', 'show', '-f', root)
  await host.do('audit', 'export', '-f', file)
  return auditOf(tarFiles(readFileSync(file)), parseTrust(readFileSync(root)))
}

/** That the checkers find nothing, and had something to check: S1 each allow that a caller was told. */
export function nothingFound(audits: readonly Audit[], returned: readonly Returned[]): void {
  const { findings, met } = check(audits, returned)
  assert.deepEqual(findings, [])
  assert.equal(met.get('S1'), returned.length)
}
