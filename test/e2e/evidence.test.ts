/**
 * Three real nodes, and what a stranger learns from them with nothing but a
 * trust root: on a machine without network, in a process that knows no daemon.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { authorize, grant, Lab } from './lab.ts'
import { typed } from './typed.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
const WITNESSED_MS_MAX = 3_000

/** A new network namespace has no interface that is up; where none can be made, the absence of a daemon has to do. */
const ALONE = spawnSync('unshare', ['-rn', 'true']).status === 0 ? ['unshare', '-rn'] : []

const lab = new Lab()
let atlas: Host
const file = (name: string) => join(lab.dir, name)

function verify(...words: readonly string[]) {
  const [command = '', ...args] = [...ALONE, process.execPath, MESHD, 'verify', ...words]
  const trust = words.includes('--trust') ? [] : ['--trust', file('root.json')]
  const said = spawnSync(command, [...args, ...trust], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: lab.dir },
  })
  return { status: said.status, stdout: said.stdout, stderr: said.stderr }
}

function flipped(from: string, at: number): string {
  const bytes = readFileSync(from)
  bytes[at] = (bytes[at] ?? 0) ^ 0x04
  writeFileSync(`${from}.flipped`, bytes)
  return `${from}.flipped`
}

before(async () => {
  const [first] = await lab.mesh(['atlas', 'borealis', 'cygnus'])
  assert.ok(first !== undefined)
  atlas = first
  const artifact = await grant(atlas)
  assert.equal((await authorize(atlas)).decision, true)
  await atlas.run('authorize', '--action', 'job:deploy', '--resource', 'env:prod')
  await atlas.do('root', 'show', '-f', file('root.json'))
  const began = performance.now()
  await atlas.do('audit', 'prove', 'last', '-f', file('denied.tlog-proof'))
  assert.ok(performance.now() - began < WITNESSED_MS_MAX, 'a decision is witnessed within 3 s')
  await atlas.do('policy', 'rollback', 'starter@1', '-m', 'signed anew', '--yes', '--wait=all')
  assert.equal((await authorize(atlas)).decision, true)
  await atlas.do('revoke', artifact, '-m', 'key leaked', '--yes', '--wait=all')
  assert.equal((await authorize(atlas)).code, 'REVOKED')
  await atlas.do('audit', 'export', '-f', file('all.evidence'))
  await atlas.do('audit', 'export', '--dir', file('all'))
})

after(() => lab[Symbol.asyncDispose]())

test('a receipt proves what was denied, offline, and says what it does not prove', () => {
  const { status, stdout } = verify(file('denied.tlog-proof'))
  assert.equal(status, 0)
  assert.match(stdout, /^✓ record \d+ hashes into its tree/)
  assert.match(stdout, /^✓ cosigned [23] of 3 \(2 needed\)$/m)
  assert.match(stdout, /^PROVEN {2}On \S+ \S+ UTC atlas denied .* env:prod: SCOPE_EXCEEDED/m)
  assert.match(stdout, /^NOT PROVEN {2}that atlas measured its facts truly/m)
})

test('allows, denials, a policy change and a revocation verify and replay where meshd never ran', () => {
  for (const evidence of [file('all.evidence'), file('all')]) {
    const { status, stdout, stderr } = verify(evidence, '--replay')
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /^records 0 – \d+ {3}witnessed 0 – \d+ .* gaps 0 /m)
    assert.match(stdout, /^replayed 4 decisions: 4 same$/m)
  }
  const said = verify(file('all.evidence'), '--replay', '--json')
  const { item } = JSON.parse(said.stdout)
  assert.deepEqual(
    [item.valid, item.kind, item.details.replay],
    [true, 'evidence', { judged: 4, same: 4, differing: [], notJudged: {} }],
  )
})

test('one flipped bit anywhere: exit 3, with the reason', () => {
  for (const name of ['denied.tlog-proof', 'all.evidence']) {
    const { length } = readFileSync(file(name))
    for (const part of [0.02, 0.5, 0.99]) {
      const { status, stderr } = verify(flipped(file(name), Math.floor(length * part)))
      assert.equal(status, 3, `${name} at ${part}`)
      assert.match(stderr, /\[PROOF_INVALID\]/)
    }
  }
})

test('one missing record: exit 3', () => {
  const folder = file('cut')
  cpSync(file('all'), folder, { recursive: true })
  const [bundle = ''] = readdirSync(join(folder, 'tile/entries/000.p'))
  const path = join(folder, 'tile/entries/000.p', bundle)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.subarray(2 + bytes.readUInt16BE(0)))
  assert.match(verify(folder).stderr, /is not what the manifest says/)
  assert.equal(verify(folder).status, 3)
  rmSync(path)
  assert.match(verify(folder).stderr, /is missing/)
  assert.equal(verify(folder).status, 3)
})

test('one foreign root: exit 3; and something else than a root', async () => {
  const stranger = lab.host('stranger')
  await stranger.do('init', '--mesh', 'other')
  stranger.start()
  await stranger.answers()
  await stranger.do('root', 'show', '-f', file('foreign.json'))
  for (const what of ['denied.tlog-proof', 'all.evidence', 'all']) {
    const { status, stderr } = verify(file(what), '--trust', file('foreign.json'))
    assert.equal(status, 3, what)
    assert.match(stderr, /another mesh/)
  }
  assert.equal(verify(file('all'), '--trust', file('denied.tlog-proof')).status, 3)
})

test('a case holds its own records, their tokens, and the hashes of the others', async () => {
  await atlas.do('audit', 'export', '--principal', 'me', '--since', '1h', '-f', file('me.evidence'))
  const { status, stdout } = verify(file('me.evidence'), '--replay')
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^! \d+ records? outside of the case \{"principal":"did:key:/m)
  assert.match(stdout, /^replayed 4 decisions: 4 same$/m)
  assert.match(stdout, /^NOT PROVEN {2}that no other record belongs to the case/m)
})

test('records and decisions go to other systems a line each', async () => {
  const lines = async (...words: string[]) =>
    (await atlas.do('audit', 'export', ...words, '-f', '-'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  const records = await lines('--format', 'ndjson')
  assert.deepEqual(
    records.map(({ leaf }) => leaf.index),
    records.map((_, at) => at),
  )
  const events = await lines('--format', 'ocsf', '--principal', 'me')
  assert.deepEqual(
    events.map(({ class_uid, action, status_code }) => [class_uid, action, status_code]),
    [
      [6003, 'Allowed', undefined],
      [6003, 'Denied', 'SCOPE_EXCEEDED'],
      [6003, 'Allowed', undefined],
      [6003, 'Denied', 'REVOKED'],
    ],
  )
})

test('other tools read it: tar unpacks it, sha256sum checks it', () => {
  const folder = file('unpacked')
  const shell = (script: string) => spawnSync('sh', ['-ec', script], { encoding: 'utf8' })
  const { status, stderr } = shell(
    `mkdir ${folder} && cd ${folder} && tar xf ${file('all.evidence')} && sha256sum --quiet -c manifest`,
  )
  assert.equal(status, 0, stderr)
  assert.equal(verify(folder).status, 0)
})

test('the commands of docs/evidence.md run as they stand', async () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/evidence.md'), 'utf8')
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(page) ?? []
  const commands = [...block.matchAll(/^meshd (.*?)(?:\s+#.*)?$/gm)].map(
    ([, command = '']) => command,
  )
  assert.equal(commands.length, 5)
  for (const command of commands) {
    const here = command
      .replaceAll(/\b(\S+\.(?:json|tlog-proof|evidence))\b/g, (name) => file(`typed-${name}`))
      .replace('dec_91ee07c2', 'last')
      .replace('planner', 'me')
    const said = await typed(atlas, here)
    assert.equal(said.status, 0, `${here}\n${said.stdout}${said.stderr}`)
  }
})

test('a checkpoint and an artifact are verified by themselves', async () => {
  assert.match(
    verify(join(file('all'), 'checkpoint.witnessed')).stdout +
      verify(join(file('all'), 'checkpoint')).stdout,
    /^PROVEN {2}that the log of atlas had \d+ records/m,
  )
  const held = file('held.ucan')
  const asked = ['--action', 'job:deploy', '--resource', 'env:staging', '--ttl', '1h']
  await atlas.do('artifact', 'issue', '--to', 'me', ...asked, '-f', held, '--yes')
  const { status, stdout } = verify(held)
  assert.equal(status, 0)
  assert.match(stdout, /^PROVEN {2}that .* may job:deploy on env:staging until /m)
  assert.equal(verify(file('root.json')).status, 3)
})
