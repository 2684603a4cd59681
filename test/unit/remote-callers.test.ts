/** Who may call over TCP, as an operator writes it down: digests and names, in private files, taken over whole or not at all. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { meshdOf } from '../../src/core/facts.ts'
import { objectOf } from '../../src/core/ipld.ts'
import { REMOTE_CALLERS_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { MeshError } from '../../src/core/problems.ts'
import { loadConfig, parseConfig } from '../../src/daemon/config.ts'
import { FactReader } from '../../src/daemon/facts.ts'
import { LiveConfig } from '../../src/daemon/reload.ts'
import { parseTokens, RemoteCallers } from '../../src/daemon/remote-callers.ts'
import { governed } from './deciding.ts'
import { ALICE, BOB, NOTHING_MEASURED } from './judgements.ts'
import { filesIn, fingerprintOf } from './tls.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-remote-'))
after(() => rmSync(dir, { recursive: true }))
const { cert, key, ca } = filesIn(dir)

const digest = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`

test('a line of the tokens is a digest, a principal, and whom it speaks for', () => {
  const text = `# comment\n\n${digest(1)} edge user:* svc:a\n  ${digest(2)}\tgate  \n`
  assert.deepEqual(parseTokens(text), [
    { kind: 'token', digest: digest(1), principal: 'edge', asserts: ['user:*', 'svc:a'] },
    { kind: 'token', digest: digest(2), principal: 'gate', asserts: [] },
  ])
  assert.deepEqual(parseTokens(''), [])
})

test('a line that is anything else is refused, and named', () => {
  for (const line of [
    ...['edge', digest(1), `${digest(1)}edge`, `${digest(1).toUpperCase()} edge`],
    ...[
      `${digest(1)} a:b`,
      `${digest(1)} edge user:\u202e`,
      `sha256:00 edge`,
      `x ${digest(1)} edge`,
    ],
  ])
    assert.throws(() => parseTokens(`${digest(9)} a\n${line}`), /^Malformed|line 2/, line)
  const twice = `${digest(1)} edge\n${digest(1)} gate`
  assert.throws(() => parseTokens(twice), Malformed)
  const lines = Array.from({ length: REMOTE_CALLERS_MAX + 1 }, (_, i) => `${digest(i)} edge`)
  assert.throws(() => parseTokens(lines.join('\n')), Malformed)
})

test('whatever is written is read back', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,9}$/)
  const pattern = fc.stringMatching(/^[!-~]{1,9}$/)
  const one = fc.record({
    n: fc.nat(),
    principal: name,
    asserts: fc.array(pattern, { maxLength: 3 }),
  })
  const many = fc.uniqueArray(one, { selector: ({ n }) => n, maxLength: 9 })
  fc.assert(
    fc.property(many, (callers) => {
      const lines = callers.map(({ n, principal, asserts }) =>
        [digest(n), principal, ...asserts].join(' '),
      )
      const read = parseTokens(lines.join('\n'))
      assert.deepEqual(
        read,
        callers.map(({ n, principal, asserts }) => ({
          ...{ kind: 'token', digest: digest(n), principal, asserts },
        })),
      )
    }),
  )
})

const path = join(dir, 'meshd.yaml')
const tokens = join(dir, 'tokens')

function write(tcp: string, lines = `${digest(1)} edge\n`, mode = 0o600): void {
  writeFileSync(path, `version: 1\napi: { tcp: { listen: '127.0.0.1:0', ${tcp} } }\n`, {
    mode: 0o600,
  })
  writeFileSync(tokens, lines)
  chmodSync(tokens, mode)
}

function live(): LiveConfig {
  return new LiveConfig(loadConfig(path, { HOME: dir }), path, { HOME: dir })
}

const SERVER = `cert: ${cert}, key: ${key}`
const GOOD = `${SERVER}, tokens_file: ${tokens}`
const invalid = (code: string) => (error: unknown) =>
  error instanceof MeshError && error.code === code

test('nobody can be let in by leaving something out', () => {
  for (const tcp of [
    ...[SERVER, `cert: ${cert}, tokens_file: ${tokens}`, `${SERVER}, client_ca: ca.pem`],
    ...[`${GOOD}, plain: true`, `${GOOD}, hosts: ['*']`, `${GOOD}, hosts: [EVIL]`],
    `${GOOD}, clients: [{ certificate: 'AA:BB', principal: edge }]`,
  ]) {
    write(tcp)
    assert.throws(live, invalid('CONFIG_INVALID'), tcp)
  }
})

test('a file that others could read, or write, or that is not what it should be, is refused', () => {
  for (const [tcp, code, lines, mode] of [
    [GOOD, 'KEY_UNAVAILABLE', undefined, 0o640],
    [GOOD, 'KEY_UNAVAILABLE', 'x'.repeat(70_000), 0o600],
    [GOOD, 'CONFIG_INVALID', 'a token\n', 0o600],
    [`cert: ${cert}, key: ${dir}/no, tokens_file: ${tokens}`, 'KEY_UNAVAILABLE', undefined, 0o600],
    [`cert: ${dir}/no, key: ${key}, tokens_file: ${tokens}`, 'CONFIG_INVALID', undefined, 0o600],
    [`cert: ${ca}, key: ${key}, tokens_file: ${tokens}`, 'CONFIG_INVALID', undefined, 0o600],
    [`cert: ${cert}, key: ${cert}, tokens_file: ${tokens}`, 'CONFIG_INVALID', undefined, 0o600],
    [`${SERVER}, client_ca: ${tokens}`, 'CONFIG_INVALID', undefined, 0o600],
    [
      `${SERVER}, client_ca: ${ca}, clients: [{ certificate: ${digest(1)}, principal: a }], tokens_file: ${tokens}`,
      ...(['CONFIG_INVALID', undefined, 0o600] as const),
    ],
  ] as const) {
    write(tcp, lines, mode)
    assert.throws(live, invalid(code), tcp)
  }
  write(GOOD)
  symlinkSync(tokens, join(dir, 'link'))
  write(`${SERVER}, tokens_file: ${dir}/link`)
  assert.throws(live, invalid('KEY_UNAVAILABLE'))
})

test('a reload reads the files again, and keeps all of the old where one of them is wrong', () => {
  const clients = `client_ca: ${ca}, clients: [{ certificate: '${fingerprintOf('client')}', principal: gate }]`
  write(`${GOOD}, ${clients}`)
  const config = live()
  const principals = () => config.tcpFiles?.callers.map(({ principal }) => principal)
  assert.deepEqual(principals(), ['gate', 'edge'])
  write(`${GOOD}, ${clients}`, `${digest(1)} other\n`)
  assert.deepEqual(config.reload(), { applied: [], restart: [], rejected: null })
  assert.deepEqual(principals(), ['gate', 'other'])
  write(`${GOOD}, ${clients}`, 'nonsense\n')
  assert.match(String(config.reload().rejected), /tokens: line 1/)
  assert.deepEqual(principals(), ['gate', 'other'])
  write(GOOD)
  assert.deepEqual(config.reload().applied, ['api.tcp'])
  assert.deepEqual(principals(), ['edge'])
  write(GOOD.replace('cert:', `hosts: [a], cert:`))
  assert.deepEqual(config.reload().applied, ['api.tcp'])
  writeFileSync(path, `version: 1\napi: { tcp: { listen: '127.0.0.1:9', ${GOOD} } }\n`)
  assert.deepEqual(config.reload().restart, ['api.tcpListen'])
})

test('the configurations of the guide are what the daemon understands', () => {
  const guide = readFileSync('docs/guides/authzen.md', 'utf8')
  const blocks = [...guide.matchAll(/^```yaml\n([\s\S]*?)^```/gm)]
  assert.equal(blocks.length, 3)
  for (const [, text = ''] of blocks) parseConfig(text, 'docs/guides/authzen.md')
})

test('of who came over TCP there is no fact, not even a socket', async () => {
  const measured = { env: NOTHING_MEASURED, attestations: new Map() }
  const facts = new FactReader({ self: ALICE, measured: () => measured })
  const remotes = new RemoteCallers({
    names: { rules: [], keys: [], nameFor: () => null, principalOf: () => BOB },
    listed: () => [
      { ...{ kind: 'certificate', principal: 'edge', asserts: [] }, digest: digest(7) },
    ],
    listen: '127.0.0.1:8443',
  })
  const shown = Buffer.from(digest(7).slice('sha256:'.length), 'hex')
  const caller = remotes.byCertificate(shown) ?? assert.fail()
  const process = await facts.measure(caller, true)
  const { attested, ...runtime } = facts.read(caller, process, governed()).runtime
  assert.equal(attested.size, 0)
  assert.deepEqual(new Set(Object.values(runtime)), new Set([null]))
  assert.deepEqual(meshdOf(facts.read(caller, process, governed()))['runtime'], objectOf([]))
})
