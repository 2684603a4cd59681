/**
 * A daemon that must not start: each time one sentence, its code, a hint, the
 * documented exit status, and nothing changed. Once it is mended it starts, and
 * everything is as it was.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { RecordView } from '../../src/client/types.ts'
import { row } from '../lab/row.ts'
import { authorize, eventually, grant, Lab, status } from './lab.ts'
import { run } from './typed.ts'

const lab = new Lab()
const atlas = lab.host('atlas')
const data = join(atlas.dir, 'data')
const keys = join(atlas.dir, 'keys')
const config = atlas.env['MESHD_CONFIG'] ?? ''
const good = readFileSync(config, 'utf8')
let decided = ''

before(async () => {
  await atlas.do('init', '--mesh', 'prod')
  atlas.start()
  await atlas.do('wait', '--for', 'ready')
  await grant(atlas)
  const { id, code } = await authorize(atlas)
  assert.equal(code, null)
  decided = id ?? ''
  assert.equal(await atlas.stop(), 0)
})

after(() => lab[Symbol.asyncDispose]())

/** Starts in this process, which ends at once, or is ended. */
async function refused(exit: number, says: RegExp, on: Host = atlas): Promise<void> {
  const late = setTimeout(() => process.emit('SIGTERM', 'SIGTERM'), 8_000)
  const said = await on.run('start')
  clearTimeout(late)
  assert.match(said.stderr, says)
  assert.equal(said.status, exit, said.stderr)
  const [sentence, hint] = said.stderr
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
  assert.match(sentence ?? '', /^meshd: .+ {2}\[[A-Z_]+\]$/)
  assert.match(hint ?? '', /^hint: \S/)
}

interface Trouble {
  readonly of: string
  readonly exit: number
  readonly says: RegExp
  make(): void
  mend(): void
}

const key = (name: string) => join(keys, `${name}.key`)
const away = (path: string) => `${path}.away`
const mode = (path: string, bad: number, right: number) => ({
  make: () => chmodSync(path, bad),
  mend: () => chmodSync(path, right),
})
const gone = (path: string) => ({
  make: () => renameSync(path, away(path)),
  mend: () => renameSync(away(path), path),
})
/** Another file in its place, made by `put`. */
const replaced = (path: string, put: (path: string) => void) => ({
  make: () => {
    renameSync(path, away(path))
    put(path)
  },
  mend: () => {
    rmSync(path, { force: true })
    renameSync(away(path), path)
  },
})
const flipped = (path: string, ...places: readonly number[]) =>
  replaced(path, (copy) => {
    const bytes = readFileSync(away(path))
    for (const at of places) bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(copy, bytes, { mode: 0o600 })
  })
const configured = (text: string) => ({
  make: () => writeFileSync(config, text),
  mend: () => writeFileSync(config, good),
})
const foreign = `mesh: { id: sha256:${'0'.repeat(64)},`

const TROUBLES: readonly Trouble[] = [
  ...[0o640, 0o604, 0o660].map((bits) => ({
    of: `a key file of mode ${bits.toString(8)}`,
    exit: 3,
    says: /log\.key: mode \d+ lets others use it {2}\[KEY_UNAVAILABLE\]/,
    ...mode(key('log'), bits, 0o600),
  })),
  {
    of: 'a key file that is a link',
    exit: 3,
    says: /witness\.key: it is a symbolic link {2}\[KEY_UNAVAILABLE\]/,
    ...replaced(key('witness'), (path) => symlinkSync(away(path), path)),
  },
  {
    of: 'a key file with something else in it',
    exit: 3,
    says: /identity\.key: it holds no Ed25519 private key {2}\[KEY_UNAVAILABLE\]/,
    ...replaced(key('identity'), (path) => writeFileSync(path, 'a secret\n', { mode: 0o600 })),
  },
  {
    of: 'one key missing while there is data',
    exit: 3,
    says: /witness\.key: missing, though .* holds data signed by it {2}\[KEY_UNAVAILABLE\]/,
    ...gone(key('witness')),
  },
  {
    of: 'all keys missing while there is data',
    exit: 3,
    says: /missing, though .* holds data signed by it {2}\[KEY_UNAVAILABLE\]/,
    ...gone(keys),
  },
  {
    of: 'a data directory that others may read',
    exit: 3,
    says: /data` is not private: its mode is 755 {2}\[CONFIG_INVALID\]/,
    ...mode(data, 0o755, 0o700),
  },
  {
    of: 'a data directory that is a link',
    exit: 3,
    says: /data` is not private: it is not a directory itself/,
    ...replaced(data, (path) => symlinkSync(away(path), path)),
  },
  {
    of: 'a data directory without its marker',
    exit: 3,
    says: /holds a log whose INITIALIZED is gone {2}\[LOG_DAMAGED\]/,
    ...gone(join(data, 'INITIALIZED')),
  },
  {
    of: 'a data directory without its database',
    exit: 3,
    says: /\[LOG_DAMAGED\]/,
    ...gone(join(data, 'db')),
  },
  {
    of: 'a data directory without its head file',
    exit: 3,
    says: /\[LOG_DAMAGED\]/,
    ...gone(join(data, 'head')),
  },
  {
    of: 'an api directory whose path is too long',
    exit: 3,
    says: /longer than 107 bytes.* {2}\[CONFIG_INVALID\]/,
    ...configured(good.replace(/^api:.*$/m, `api: { dir: ${atlas.dir}/${'x'.repeat(100)} }`)),
  },
  {
    of: 'a key of the configuration that nobody knows',
    exit: 3,
    says: /meshd\.yaml:2:9 node\.nmae: unknown key; did you mean `name`\? {2}\[CONFIG_INVALID\]/,
    ...configured(good.replace('{ name:', '{ nmae:')),
  },
  {
    of: 'a key of the configuration twice',
    exit: 3,
    says: /meshd\.yaml:7:1 .*unique {2}\[CONFIG_INVALID\]/,
    ...configured(`${good}version: 1\n`),
  },
  {
    of: 'an alias in the configuration',
    exit: 3,
    says: /meshd\.yaml:7:1 .*alias.* {2}\[CONFIG_INVALID\]/,
    ...configured(`${good.replace('version: 1', 'version: &v 1')}*v : 1\n`),
  },
  {
    of: 'another mesh in the configuration than on disk',
    exit: 3,
    says: /names sha256:0{64}, the data directory sha256:[0-9a-f]{64} {2}\[WRONG_MESH\]/,
    ...configured(good.replace('mesh: {', foreign)),
  },
  {
    of: 'a configuration that everybody may write',
    exit: 3,
    says: /meshd\.yaml: everybody may write it {2}\[CONFIG_INVALID\]/,
    ...mode(config, 0o666, 0o600),
  },
  {
    of: 'an api directory in which others may replace a socket',
    exit: 3,
    says: /its mode 777 lets others replace a socket {2}\[CONFIG_INVALID\]/,
    ...mode(atlas.socketsDir, 0o777, 0o750),
  },
  {
    of: 'something else where a socket should be',
    exit: 3,
    says: /meshd\.sock: exists and is no socket {2}\[CONFIG_INVALID\]/,
    make: () => writeFileSync(join(atlas.socketsDir, 'meshd.sock'), 'mine'),
    mend: () => rmSync(join(atlas.socketsDir, 'meshd.sock')),
  },
]

for (const { of, exit, says, make, mend } of TROUBLES) {
  test(`it does not start with ${of}`, async () => {
    const before = existsSync(data) ? readdirSync(data).sort() : []
    make()
    try {
      await refused(exit, says)
    } finally {
      mend()
    }
    assert.deepEqual(
      readdirSync(data)
        .filter((name) => name !== 'reserve')
        .sort(),
      before.filter((name) => name !== 'reserve'),
    )
  })
}

test('a flipped bit in each slot of the head file, or in the database, is damage', async (t) => {
  const db = join(data, 'db')
  const size = (name: string) => statSync(join(db, name)).size
  const [file = ''] = readdirSync(db)
    .filter((name) => /\.(ldb|log)$/.test(name))
    .sort((a, b) => size(b) - size(a))
  for (const path of [join(data, 'head'), join(db, file)]) {
    const middle = Math.floor(readFileSync(path).length / 2)
    // The head file has two slots, so that a torn write leaves one: both are hit.
    const places = path.endsWith('head') ? [20, 4096 + 20] : [middle]
    const { make, mend } = flipped(path, ...places)
    const whole = new Map(readdirSync(db).map((name) => [name, readFileSync(join(db, name))]))
    make()
    await refused(3, /\[LOG_DAMAGED\]/)
    mend()
    // What a reopened database writes beside itself is not what is tested.
    for (const name of readdirSync(db)) if (!whole.has(name)) rmSync(join(db, name))
    for (const [name, bytes] of whole) writeFileSync(join(db, name), bytes, { mode: 0o600 })
  }
  row(t, 17, '0 silent')
})

test('with another log key than the mesh knows it runs, and allows nothing that nobody could verify', async () => {
  const { make, mend } = replaced(key('log'), (path) => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
    writeFileSync(path, pem, { mode: 0o600 })
  })
  make()
  atlas.start()
  await atlas.answers()
  const denied = await authorize(atlas)
  assert.equal(denied.decision, false)
  await eventually(
    'it says so',
    () => status(atlas),
    ({ notReady }) => /AUDIT_UNAVAILABLE: the log key here is not/.test(notReady.join()),
  )
  await eventually(
    'denied for it',
    () => authorize(atlas),
    ({ code }) => code === 'AUDIT_UNAVAILABLE',
  )
  assert.equal(await atlas.stop(), 0)
  mend()
})

test('a port that somebody has, for peers or for scrapers, ends it with status 6', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => other.once('listening', done))
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : 0
  const listen = good.replace('/tcp/0', `/tcp/${port}`)
  const scrape = `${good}telemetry: { metrics_listen: 127.0.0.1:${port} }\n`
  for (const text of [listen, scrape]) {
    writeFileSync(config, text)
    const said = await run(atlas, ['start'])
    assert.match(said.stderr, /cannot listen on \S+ {2}\[NOT_READY\]/)
    assert.equal(said.status, 6)
  }
  writeFileSync(config, good)
  other.close()
})

test('of two daemons on one data directory, or on one socket, the second is refused', async (t) => {
  atlas.start()
  await atlas.do('wait', '--for', 'ready')
  await refused(6, /in use by another daemon {2}\[NOT_READY\]/)
  const second = lab.host('second')
  const own = readFileSync(second.env['MESHD_CONFIG'] ?? '', 'utf8')
  const shared = own.replace(/^api:.*$/m, `api: { dir: ${atlas.socketsDir} }`)
  writeFileSync(second.env['MESHD_CONFIG'] ?? '', shared)
  await refused(6, /another daemon listens on .*meshd\.sock {2}\[NOT_READY\]/, second)
  assert.equal((await status(atlas)).ready, true)
  row(t, 29, 'the second is refused')
})

test('after all of that it starts, holds what it acknowledged, and allows', async () => {
  const { items } = await atlas.ask<{ items: RecordView[] }>('audit', 'list', '--limit', '1000')
  assert.ok(
    items.some(({ id }) => id === decided),
    'the decision is gone',
  )
  await atlas.do('audit', 'verify')
  assert.equal((await authorize(atlas)).code, null)
  assert.equal(existsSync(away(keys)), false)
})
