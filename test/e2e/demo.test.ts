/** The first minute, as a new user meets it: one command, three daemons, the whole argument. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { test } from 'node:test'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')

test('the demo allows, revokes, denies, cuts off and proves, and exits 0', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MESHD, 'demo'], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(status, 0, stdout + stderr)
  const said = [
    'ALLOW',
    'revoked',
    'DENY .*REVOKED',
    'cut off',
    'DENY .*GOVERNANCE_STALE',
    'PROVEN',
    'CAUGHT',
  ]
  let rest = stdout
  for (const each of said) {
    const found = new RegExp(each).exec(rest)
    assert.ok(found !== null, `${each} comes in its turn:\n${stdout}`)
    rest = rest.slice(found.index + found[0].length)
  }
})
