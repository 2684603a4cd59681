/** Reading the configuration again: all of what may change, at once, or nothing. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../src/daemon/config.ts'
import { createLogger } from '../../src/daemon/logger.ts'
import { measuredFiles, watched } from '../../src/daemon/measured-files.ts'
import { LiveConfig } from '../../src/daemon/reload.ts'
import { world } from './deciding.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-reload-'))
after(() => rmSync(dir, { recursive: true }))
const path = join(dir, 'meshd.yaml')
const env = { HOME: dir }

function live(text: string): LiveConfig {
  write(text)
  return new LiveConfig(loadConfig(path, env), path, env)
}

function write(text: string): void {
  writeFileSync(path, `version: 1\n${text}`, { mode: 0o600 })
}

test('what may change does, what may not waits for a restart, and readers see one configuration', () => {
  const config = live('node: { name: atlas }\nlog: { level: info }\n')
  const seen: string[] = []
  config.onChange(({ log, node }) => seen.push(`${log.level} ${node.name}`))
  write('node: { name: borealis }\nlog: { level: debug }\nenvironment: { labels: { env: prod } }\n')
  const { applied, restart, rejected } = config.reload()
  assert.deepEqual(applied.toSorted(), ['environment.labels', 'log.level'])
  assert.deepEqual(restart, ['node.name'])
  assert.equal(rejected, null)
  assert.deepEqual(seen, ['debug atlas'])
  assert.equal(config.current.environment.labels.get('env'), 'prod')
  // What waits is told again: it still differs from what runs.
  assert.deepEqual(config.reload(), { applied: [], restart: ['node.name'], rejected: null })
})

test('a file with one mistake changes nothing of what runs', () => {
  const config = live('lease: { staleness_at_most: 5s }\n')
  const before = config.current
  for (const text of [
    'lease: { staleness_at_most: 9s }\nlog: { level: loud }\n',
    'lease: { staleness_at_most: 9s }\nlaese: {}\n',
    ':\n',
  ]) {
    write(text)
    assert.match(String(config.reload().rejected), /meshd\.yaml:\d+:\d+/)
    assert.equal(config.current, before)
  }
})

test('a file that is gone, a directory in its place: what it made stricter stays', () => {
  const usual = { HOME: dir, MESHD_CONFIG: join(dir, 'usual.yaml') }
  writeFileSync(usual.MESHD_CONFIG, 'version: 1\nlease: { staleness_at_most: 5s }\n', {
    mode: 0o600,
  })
  const config = new LiveConfig(loadConfig(null, usual), null, usual)
  rmSync(usual.MESHD_CONFIG)
  assert.match(String(config.reload().rejected), /not there any more/)
  assert.equal(config.current.lease.stalenessAtMostMs, 5000)
  usual.MESHD_CONFIG = dir
  assert.match(String(config.reload().rejected), /no plain file/)
  assert.equal(config.current.lease.stalenessAtMostMs, 5000)
})

test('the log says as much as the configuration of now wants, in the form that it wants', () => {
  const lines: string[] = []
  const config = live('log: { level: error, format: json }\n')
  const logger = createLogger({
    level: () => config.current.log.level,
    format: () => (config.current.log.format === 'pretty' ? 'pretty' : 'json'),
    write: (line) => void lines.push(line),
    now: () => 0,
  })
  logger.info('not yet')
  write('log: { level: info, format: pretty }\n')
  assert.deepEqual(config.reload().applied, ['log.level', 'log.format'])
  logger.info('now', { passphrase: 'x', text: 'a\u001b[2J' })
  assert.deepEqual(lines, ['  now passphrase=[redacted] text=a\ufffd[2J\n'])
})

test('a right that is taken back waits for no disk, and the later of two reloads wins', async () => {
  const { callers, log } = await world()
  const rule = (uid: number, principal: string) => ({ match: { uid }, principal, asserts: [] })
  await callers.reload({ callers: [rule(7, 'planner')], sockets: [] })
  assert.equal(callers.rules.length, 1)
  // The first needs a key, which takes a while; the second takes everything away meanwhile.
  const slow = callers.reload({ callers: [rule(7, 'planner'), rule(8, 'new')], sockets: [] })
  assert.equal(callers.principalOf('new'), null)
  await callers.reload({ callers: [], sockets: [] })
  assert.deepEqual(callers.rules, [])
  await slow
  assert.deepEqual(callers.rules, [])
  assert.ok(log)
})

test('a name that stands for another file has no digest until that one is measured', async () => {
  const [one, other] = [join(dir, 'one'), join(dir, 'other')]
  writeFileSync(one, 'one')
  writeFileSync(other, 'other')
  const files = measuredFiles(new Map([['app', one]]), () => {})
  await files.start()
  const first = files.values().get('app')
  assert.equal(first?.length, 64)
  const used = files.use(watched(new Map([['app', other]])))
  assert.equal(files.values().get('app'), undefined)
  await used
  assert.equal(files.values().get('app')?.length, 64)
  assert.notEqual(files.values().get('app'), first)
  await files.use(new Map())
  assert.equal(files.values().size, 0)
  files.stop()
})
