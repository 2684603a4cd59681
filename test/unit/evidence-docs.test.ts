/** What docs/evidence.md shows holds, also for somebody else's tools. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { example } from '../../scripts/docs/evidence.ts'
import { verifyBundle } from '../../src/core/verify/evidence-bundle.ts'
import { verifyReceipt } from '../../src/core/verify/receipt.ts'
import { parseTrust } from '../../src/core/verify/trust.ts'
import { filesOf } from './evidence.ts'

const PAGE = readFileSync(new URL('../../docs/evidence.md', import.meta.url), 'utf8')
const [, SCRIPT = ''] = /```python\n([\s\S]*?)```/.exec(PAGE) ?? []
const missing = ['python3', 'openssl'].find((tool) => spawnSync(tool, ['version']).error)

test('the examples verify', () => {
  const trust = parseTrust(example.trust)
  const { head, index } = verifyReceipt(example.receipt, trust)
  assert.deepEqual([head.witnessed, index], [true, 2])
  assert.equal(verifyBundle(filesOf(example.files), trust).records.count, 3)
})

test('the script of the page verifies the receipt, and refuses a changed one', {
  skip: missing !== undefined && `no ${missing}`,
}, () => {
  const dir = mkdtempSync(join(tmpdir(), 'meshd-evidence-'))
  try {
    const file = (name: string, content: string | Uint8Array) => {
      writeFileSync(join(dir, name), content)
      return join(dir, name)
    }
    const [script, policy] = [file('verify.py', SCRIPT), file('policy', example.policy)]
    const run = (receipt: string) =>
      spawnSync('python3', [script, receipt, policy], { encoding: 'utf8' })
    const good = run(file('good', example.receipt))
    assert.equal(good.status, 0, good.stderr)
    assert.match(good.stdout, /^record 2 of 3, cosigned by 2 \(2 needed\): \{"detail"/)
    const text = Buffer.from(example.receipt).toString()
    for (const wrong of [text.replace('index 2', 'index 1'), text.replace('\n3\n', '\n2\n')])
      assert.notEqual(run(file('wrong', wrong)).status, 0)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
