/**
 * Secrets that are known to the test, and everything that a daemon and the
 * commands tell while they are used (FAULTS 102, S18): keys of two nodes, of
 * their founder and of a caller, a passphrase, invites, tokens, and each of
 * them also in the wrong place.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { sha256Hex } from '../../src/core/id.ts'
import { parseInvite } from '../../src/core/invite.ts'
import { ASK, Lab, UID } from '../e2e/lab.ts'
import { raw, request, socketOf, statusOf } from '../e2e/raw.ts'
import { freePort } from '../long/nginx.ts'
import { filesIn, send } from '../unit/tls.ts'
import { drawn, filesBelow, found, type Secret, seedIn, written } from './canary.ts'
import { row } from './row.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
/** The daemon says all that it can say. */
const DEBUG = { MESHD_LOG_LEVEL: 'debug' }

const lab = new Lab()
const secrets: Secret[] = []
/** What was told: by whom, and what. */
const told: [where: string, what: string | Buffer][] = []
let atlas: Host
let borealis: Host
let port = 0

const known = (secret: Secret) => void secrets.push(secret)
const secretText = () => randomBytes(24).toString('base64url')

/** What the system shows of a process to whoever may look. */
function shown(pid: number, who: string): void {
  for (const file of ['cmdline', 'environ', 'comm', 'status'])
    told.push([`${file} of ${who}`, readFileSync(`/proc/${pid}/${file}`)])
}

/** A command in a process of its own: all that it says, and what is seen of it while it runs. */
async function typed(host: Host, words: readonly string[], stdin = ''): Promise<string> {
  const name = words.join(' ')
  const child = spawn(process.execPath, [MESHD, ...words, '--no-input'], { env: host.env })
  shown(child.pid ?? 0, name)
  const [said, talk]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => talk.push(chunk))
  // One that refuses before it reads has closed its stdin.
  child.stdin.on('error', () => undefined).end(stdin)
  await new Promise((done) => child.on('close', done))
  told.push([`stderr of ${name}`, Buffer.concat(talk)])
  const stdout = Buffer.concat(said)
  // It is what that command is for, and nobody else's.
  if (!name.startsWith('invite create')) told.push([`stdout of ${name}`, stdout])
  return stdout.toString()
}

function keysOf(host: Host): void {
  for (const file of filesBelow(join(host.dir, 'keys')))
    if (file.endsWith('.key')) known(drawn(`${host.name}: ${file}`, seedIn(file)))
}

async function invite(name: string): Promise<string> {
  const line = (await typed(atlas, ['invite', 'create', '--name', name, '-o', 'id'])).trim()
  known(drawn(`invite of ${name}`, parseInvite(line).secret))
  known(written(`line of the invite of ${name}`, line.slice(-64)))
  return line
}

const token = secretText() + secretText()
const wrongToken = secretText() + secretText()
const passphrase = secretText() + secretText()
const wrongPassphrase = secretText() + secretText()

/** HTTPS, with one token that is known. */
function withHttps(host: Host): void {
  const { cert, key } = filesIn(lab.dir)
  const tokens = join(lab.dir, 'tokens')
  writeFileSync(tokens, `sha256:${sha256Hex(Buffer.from(token))} edge\n`, { mode: 0o600 })
  const config = host.env['MESHD_CONFIG'] ?? ''
  const tcp = `, tcp: { listen: "127.0.0.1:${port}", cert: ${cert}, key: ${key}, tokens_file: ${tokens}, hosts: [localhost] }`
  writeFileSync(config, readFileSync(config, 'utf8').replace(/(api: \{.*?) \}/, `$1${tcp} }`))
  known(written('token', token))
  known(written('a token of nobody', wrongToken))
  const pem = readFileSync(key, 'utf8').split('\n').slice(1, -2)
  for (const line of pem) known(written('TLS key', line.slice(0, 48)))
}

before(async () => {
  atlas = lab.host('atlas')
  borealis = lab.host('borealis')
  port = await freePort()
  withHttps(atlas)
  await typed(atlas, ['init', '--mesh', 'prod', '--staleness', '5s'])
  for (const host of [atlas, borealis]) {
    host.start(DEBUG)
    await host.answers()
    shown(host.pid, `the daemon of ${host.name}`)
  }
})

after(() => lab[Symbol.asyncDispose]())

test('no memory of a daemon lands in a core file', () => {
  for (const { pid } of [atlas, borealis])
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m)
})

test('what joins: invites on stdin, wrong, used up, and of somebody else', async () => {
  const line = await invite('borealis')
  const changed = `${line.slice(0, -8)}AAAAAAAA`
  await typed(borealis, ['peer', 'join', '-', '--verbose'], changed)
  await typed(borealis, ['peer', 'join', '-', '--verbose'], line.slice(0, -3))
  await typed(borealis, ['peer', 'join', '-', '--verbose'], `${line}\n`)
  await typed(borealis, ['peer', 'join', '-', '--verbose'], `${line}\n`)
  await typed(atlas, ['peer', 'join', '-', '--json'], line)
  const other = await invite('nobody')
  await typed(atlas, ['invite', 'list', '--json'])
  // Not quite what an invite begins with: taken for an address.
  for (const wrong of [other.replace('1:', ''), other.replace('meshd-', ''), ` .${other}`])
    await typed(
      borealis,
      ['peer', 'join', '-', '--verbose', '--mesh', `sha256:${'0'.repeat(64)}`],
      wrong,
    )
  await borealis.do('wait', '--for', 'ready', '--timeout', '30s')
})

test('what signs and asks: keys, passphrases, artifacts', async () => {
  const pass = ['--passphrase-file', '-']
  known(written('passphrase', passphrase))
  known(written('wrong passphrase', wrongPassphrase))
  await typed(atlas, ['key', 'create', 'alice', ...pass], passphrase)
  await typed(atlas, ['key', 'create', 'deployer', '--for', `uid=${UID}`])
  const issue = ['artifact', 'issue', '--to', 'me', ...ASK, '--ttl', '1h', '--yes']
  await typed(atlas, [...issue, '--hold'])
  const file = join(lab.dir, 'artifact')
  await typed(atlas, [
    'artifact',
    'issue',
    '--to',
    'alice',
    ...ASK,
    '--ttl',
    '1h',
    '--yes',
    '-f',
    file,
  ])
  const on = ['artifact', 'delegate', file, '--to', 'me', '--ttl', '1m', '--yes', ...pass]
  await typed(atlas, [...on, '--verbose'], wrongPassphrase)
  await typed(atlas, on, passphrase)
  await typed(atlas, ['authorize', ...ASK, '--json'])
  await typed(atlas, ['exec', ...ASK, '--', 'sh', '-c', 'cat /proc/self/environ'])
  await typed(atlas, ['freeze', 'action:x', '--yes'])
  // A key that is none any more: half of the founder's is left.
  const founder = join(lab.dir, 'operator', 'founder.key')
  const whole = readFileSync(founder, 'utf8')
  known(drawn('founder', seedIn(founder)))
  known(written('half of the founder', whole.split('\n')[1]?.slice(24, 48) ?? ''))
  writeFileSync(founder, whole.replace(/^(MC.{46}).*$/m, '$1'))
  await typed(atlas, ['freeze', 'action:y', '--yes', '--verbose'])
  writeFileSync(founder, whole)
})

test('what is asked over HTTPS, with a token and with another', async () => {
  const asked = {
    body: {
      subject: { type: 'user', id: 'a' },
      action: { name: 'job:deploy' },
      resource: { type: 'env', id: 'staging' },
    },
  }
  const codes: number[] = []
  for (const each of [token, wrongToken, `${wrongToken}\u00e9`.replace(/.$/, '!')]) {
    const got = await send(port, '/access/v1/evaluation', { ...asked, token: each })
    codes.push(got.status)
    told.push(['an answer over HTTPS', JSON.stringify([got.status, got.headers, got.body])])
  }
  assert.deepEqual(codes, [200, 401, 401])
  // In the query, where it is written down by many servers.
  const got = await send(port, `/access/v1/evaluation?access_token=${wrongToken}`, asked)
  told.push(['an answer to a query', JSON.stringify([got.status, got.headers, got.body])])
})

const LOOKS = [
  ...['/v1/status', '/v1/peers', '/v1/invites', '/v1/callers', '/v1/governance', '/v1/root'],
  ...['/v1/statements', '/v1/records', '/v1/records/stats?by=code', '/v1/doctor', '/v1/trust'],
  ...['/v1/log/exhibits?first=0', '/v1/log/verify', '/v1/mesh/export', '/v1/mesh/records'],
  ...['/v1/mesh/executions', '/v1/drift', '/v1/wallet', '/v1/wallet/requests', '/v1/executions'],
  ...['/v1/events', '/metrics', '/readyz?verbose', '/v1/log/checkpoint', '/v1/decisions/last'],
]

test('what the API answers, and what is carried away', async () => {
  for (const host of [atlas, borealis]) {
    const answers = LOOKS.map(async (path) => {
      const answer = await raw(
        socketOf(host, 'admin'),
        request('GET', path),
        path === '/v1/events' ? 1_000 : 15_000,
      )
      told.push([`${host.name}: ${path}`, answer])
      return [path, statusOf(answer)] as const
    })
    const bad = (await Promise.all(answers)).filter(([, status]) => status >= 500 || status === 0)
    assert.deepEqual(
      bad.filter(([path]) => !path.startsWith('/readyz')),
      [],
    )
  }
  for (const words of [
    ['doctor', '--json'],
    ['config', 'show', '--origin', '--json'],
    ['key', 'list', '--json'],
    ['peer', 'list', '-o', 'wide'],
    ['audit', 'list', '--json'],
    ['explain', 'last', '--json'],
    ['root', 'show', '--json'],
    ['artifact', 'list', '--json'],
  ])
    await typed(atlas, words)
  const evidence = join(lab.dir, 'evidence')
  await typed(atlas, ['audit', 'export', '-f', evidence])
  const carried = join(lab.dir, 'carried')
  await typed(atlas, ['mesh', 'export', '-f', carried])
  for (const file of [evidence, carried]) told.push([file, readFileSync(file)])
})

/** Of the wallet, which is kept in the database: the one secret that belongs there. */
function walletSeeds(files: readonly string[]): readonly Secret[] {
  const text = files.map((file) => readFileSync(file, 'latin1')).join('')
  const seeds = [...text.matchAll(/"seed":"([A-Za-z0-9+/]{43}=)"/g)].map(([, seed]) => seed ?? '')
  return [...new Set(seeds)].map((seed) => drawn('a caller’s key', Buffer.from(seed, 'base64')))
}

test('none of it is told, by whoever and wherever', async (t) => {
  for (const host of [atlas, borealis]) {
    keysOf(host)
    shown(host.pid, `the daemon of ${host.name}, later`)
    await host.stop()
    told.push([`log of ${host.name}`, host.log()])
    const data = filesBelow(join(host.dir, 'data'))
    for (const file of data) told.push([file, readFileSync(file)])
  }
  const callers = walletSeeds(filesBelow(join(atlas.dir, 'data')))
  assert.ok(callers.length > 0, 'the wallet has a key')
  const isData = (where: string) => where.includes('/data/')
  const hits = told.flatMap(([where, what]) =>
    found(isData(where) ? secrets : [...secrets, ...callers], what).map(
      (name) => `${name} in ${where}`,
    ),
  )
  assert.deepEqual(hits, [])
  row(
    t,
    102,
    `${secrets.length + callers.length} secrets, 0 hits in ${told.length} outputs; no core files; the heap is not looked at`,
  )
})
