/** What the file may say, and what it may not: each mistake with its place, and nothing that loosens. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MeshError } from '../../src/core/problems.ts'
import { loadConfig, parseConfig } from '../../src/daemon/config.ts'
import { row } from '../lab/row.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-config-'))
after(() => rmSync(dir, { recursive: true }))

function refused(text: string, says: RegExp): void {
  assert.throws(
    () => parseConfig(text, 'meshd.yaml'),
    (error) =>
      error instanceof MeshError &&
      error.code === 'CONFIG_INVALID' &&
      says.test(error.message) &&
      !error.message.includes('\n'),
    text,
  )
}

test('each mistake is named with its line and column', (t) => {
  for (const [text, says] of [
    [
      'version: 1\nnode: { nmae: x }\n',
      /meshd\.yaml:2:9 node\.nmae: unknown key; did you mean `name`\?/,
    ],
    ['version: 2\n', /meshd\.yaml:1:1 version: /],
    ['', /version: /],
    ['version: 1\nversion: 1\n', /:2:1 map keys must be unique/],
    ['version: 1\nlease: { staleness_at_most: 60 }\n', /:2:10 lease\.staleness_at_most: /],
    ['version: 1\nlog: { level: loud }\n', /:2:8 log\.level: /],
    ['version: 1\na: &x 1\nb: *x\n', /:3:4 aliases are not understood/],
    [
      'version: 1\napi: { callers: [{ match: { uid: -1 }, principal: x }] }\n',
      /api\.callers\.0\.match\.uid/,
    ],
    ['version: 1\ntelemetry: { metrics_listen: "0.0.0.0:1" }\n', /a loopback address and port/],
    ['version: 1\nmesh: { listen: ["10.0.0.1:1"] }\n', /a multiaddr/],
    ['\u0000', /meshd\.yaml:1:1/],
  ] as const)
    refused(text, says)
  row(t, 104, '0 unknown keys taken')
})

// Without its bound this takes minutes, and the stack.
test('what is nested too deep is refused at once, whatever nests it', () => {
  const stairs = (times: number) =>
    Array.from({ length: times }, (_, i) => `${' '.repeat(i)}a:\n`).join('')
  const deep = [
    '- ',
    '[',
    '{ a: ',
    '? ',
    'a: ',
    '   -',
    '- ? ',
    '|\n - ',
    '{ a: b: ',
    '[, a: ',
  ].flatMap((open) => [40, 1_000, 30_000].map((times) => open.repeat(times)))
  for (const text of [...deep, stairs(200), `a: |\n  b\n${stairs(200)}`])
    for (const before of ['', 'version: 1\nnode:\n  name: '])
      assert.throws(
        () => parseConfig(before + text, 'meshd.yaml'),
        (error) => error instanceof MeshError && error.code === 'CONFIG_INVALID',
        JSON.stringify(text.slice(0, 20)),
      )
})

test('what only looks deep is read', () => {
  const comment = `# ${'[{- '.repeat(500)}\n`
  const name = `'${'[ - ? : '.repeat(7)}'`
  const config = `${comment}version: 1\nenvironment:\n  labels: { a: ${name}, b: ${name} }\n`
  assert.equal(parseConfig(config, 'meshd.yaml').environment?.labels?.['a']?.length, 56)
})

test('a socket that is a caller’s identity is open to nobody else', () => {
  const socket = (mode: string) =>
    `version: 1\napi: { sockets: [{ path: /run/x.sock, mode: "${mode}", principal: x }] }\n`
  for (const mode of ['0666', '0662', '0661', '0777', '660', '1660', '0668'])
    refused(socket(mode), /four octal digits, the last of them 0/)
  for (const mode of ['0600', '0660', '0620']) parseConfig(socket(mode), 'meshd.yaml')
})

test('a file that others may write, that is none, or too large is not read', () => {
  const path = join(dir, 'meshd.yaml')
  const code = (says: RegExp) => (error: unknown) =>
    error instanceof MeshError && error.code === 'CONFIG_INVALID' && says.test(error.message)
  writeFileSync(path, 'version: 1\n')
  chmodSync(path, 0o666)
  assert.throws(() => loadConfig(path, {}), code(/everybody may write it/))
  chmodSync(path, 0o600)
  assert.equal(loadConfig(path, { HOME: dir }).found, true)
  writeFileSync(path, `version: 1\n#${'x'.repeat(1024 * 1024)}\n`)
  assert.throws(() => loadConfig(path, {}), code(/larger than/))
  assert.throws(() => loadConfig(dir, {}), code(/no plain file/))
  assert.throws(() => loadConfig(join(dir, 'none'), {}), code(/no such file/))
})

test('the environment wins over the file, each value checked like it, and says where it is from', () => {
  const path = join(dir, 'own.yaml')
  writeFileSync(path, 'version: 1\nlog: { level: info }\n', { mode: 0o600 })
  const env = { HOME: dir, MESHD_LOG_LEVEL: 'debug', MESHD_NODE_NAME: 'dorado' }
  const { config, origins } = loadConfig(path, env)
  assert.equal(config.log.level, 'debug')
  assert.equal(config.node.name, 'dorado')
  assert.equal(origins.get('log.level'), 'environment')
  assert.throws(
    () => loadConfig(path, { ...env, MESHD_LOG_LEVEL: 'loud' }),
    (error) => error instanceof MeshError && /environment: log\.level/.test(error.message),
  )
})
