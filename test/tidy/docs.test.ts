/** Generated pages equal their tables. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PAGES } from '../../scripts/docs.ts'
import { parseConfig } from '../../src/daemon/config.ts'

for (const [file, make] of PAGES)
  test(`${file} is what \`npm run docs\` makes`, async () => {
    assert.equal(readFileSync(file, 'utf8'), await make())
  })

test('the example of the configuration is valid, and names every section', () => {
  const file = parseConfig(readFileSync('config/meshd.yaml', 'utf8'), 'config/meshd.yaml')
  const sections = ['node', 'mesh', 'lease', 'environment', 'api', 'audit', 'telemetry', 'log']
  assert.deepEqual(Object.keys(file), ['version', ...sections])
})

test('the unit keeps what breaks the daemon out, and what confines it in', () => {
  const unit = readFileSync('config/meshd.service', 'utf8')
  for (const line of ['NoNewPrivileges=yes', 'CapabilityBoundingSet=', 'ProtectSystem=strict'])
    assert.ok(unit.split('\n').includes(line), line)
  for (const directive of ['MemoryDenyWriteExecute', 'PrivateUsers', 'ProtectProc'])
    assert.doesNotMatch(unit, new RegExp(`^${directive}=`, 'm'))
})
