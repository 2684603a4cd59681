/**
 * Another user of the host at the places where the daemon and the commands
 * write (FAULTS 103): a umask that forbids nothing, links in the place of
 * sockets and of exported files, put there again and again while they are made.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { ASK, eventually, grant, Lab } from '../e2e/lab.ts'
import { row } from './row.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
const OTHER_UID = 65_534
const skip = process.getuid?.() === 0 ? false : 'only root can be two users'
const VICTIM = 'what nobody may write'
const ROUNDS = 15
const STARTS = 6

const lab = new Lab()
let atlas: Host
let victim = ''
const others: ChildProcess[] = []

before(async () => {
  if (skip !== false) return
  ;[atlas] = (await lab.mesh(['atlas'])) as [Host]
  await grant(atlas)
  victim = join(lab.dir, 'victim')
  writeFileSync(victim, VICTIM, { mode: 0o600 })
  chmodSync(lab.dir, 0o711)
})

after(async () => {
  for (const each of others) each.kill('SIGKILL')
  await lab[Symbol.asyncDispose]()
})

const untouched = () => {
  assert.equal(readFileSync(victim, 'utf8'), VICTIM)
  const { mode, uid, gid } = statSync(victim)
  assert.deepEqual([mode & 0o7777, uid, gid], [0o600, 0, 0])
}

/** A program of the other user. It gets its words as JSON, and ends when its input does, with a number. */
function other(program: string, words: unknown): ChildProcess {
  const who = [`--reuid=${OTHER_UID}`, `--regid=${OTHER_UID}`, '--clear-groups']
  const body = `
    const fs = require('node:fs'), net = require('node:net')
    const words = JSON.parse(process.argv[1])
    let over = false, count = 0, hits = []
    process.stdin.on('end', () => { over = true }).resume()
    const look = ${program}
    const turn = async () => {
      for (let i = 0; i < 20; i += 1) await look()
      if (!over) return setImmediate(turn)
      console.log(JSON.stringify({ count, hits: [...new Set(hits)] }))
    }
    turn()`
  const stdio = ['pipe', 'pipe', 'inherit'] as const
  const run = [process.execPath, '-e', body, JSON.stringify(words)]
  const child = spawn('setpriv', [...who, ...run], { stdio: [...stdio], cwd: '/' })
  others.push(child)
  return child
}

interface Tried {
  readonly count: number
  /** What it got. */
  readonly hits: readonly string[]
}

async function over(child: ChildProcess): Promise<Tried> {
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  child.stdin?.end()
  await once(child, 'close')
  return JSON.parse(text) as Tried
}

const OPENS = `async () => {
  for (const path of words) {
    count += 1
    for (const flag of ['r', 'r+'])
      try { fs.closeSync(fs.openSync(path, flag)); hits.push(flag + ' ' + path) } catch {}
    if (!path.endsWith('.sock')) continue
    await new Promise((done) => {
      const socket = net.connect(path, () => { hits.push('connects ' + path); socket.destroy(); done() })
      socket.on('error', done)
    })
  }
}`

/** Now there, now not: what is looked at is another thing a moment later. */
const LINKS = `async () => {
  for (const { path, to } of words) {
    count += 1
    try { fs.symlinkSync(to, path) } catch {}
    if (Math.random() < 0.5) continue
    try { fs.unlinkSync(path) } catch {}
    if (Math.random() < 0.1) await new Promise((done) => setTimeout(done, 3))
  }
}`

/** Files, folders, sockets. */
function below(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name)))
}

function meshd(words: readonly string[], env: Host['env']): ChildProcess {
  const line = 'umask 000; exec "$@"'
  return spawn('sh', ['-c', line, 'sh', process.execPath, MESHD, ...words], {
    ...{ env, stdio: 'ignore' },
  })
}

test('under a umask of 000 another user opens nothing that init and start make, at any moment', {
  skip,
}, async (t) => {
  // A start of before says which names there will be.
  const names = below(atlas.dir).map((path) => relative(atlas.dir, path))
  const open = lab.host('open')
  chmodSync(open.dir, 0o711)
  const places = names.map((name) => join(open.dir, name))
  const seen = other(OPENS, places)
  const [exit] = await once(meshd(['init', '--mesh', 'open', '--no-input'], open.env), 'exit')
  assert.equal(exit, 0)
  const daemon = meshd(['start'], open.env)
  try {
    await eventually(
      'it answers',
      async () => (await open.run('status', '-q')).status,
      (exitOf) => exitOf === 0,
      30_000,
    )
    const { count, hits } = await over(seen)
    assert.deepEqual(hits, [])
    const missing = places.filter((path) => !existsSync(path) && !/\.(ldb|log)$/.test(path))
    assert.ok(count > 1_000 && missing.length < places.length / 2, `${count} tries: ${missing}`)
    row(t, 103, `umask 000: 0 of ${count} tries by another user at ${places.length} places`)
  } finally {
    daemon.kill('SIGKILL')
    await once(daemon, 'close')
  }
})

/** A folder of the other user, and who puts links to the victim at these names in it without a pause. */
function swapped(name: string, files: readonly string[]) {
  const dir = join(lab.dir, name)
  mkdirSync(dir)
  chownSync(dir, OTHER_UID, OTHER_UID)
  const links = files.map((file) => ({ path: join(dir, file), to: victim }))
  return { dir, links, attack: () => other(LINKS, links) }
}

test('what is exported goes to no file that a link leads to, whoever puts links there meanwhile', {
  skip,
}, async (t) => {
  const names = ['a.tar', 'a.tar.part', 'a.ndjson', 'a.ucan', 'a.proof', 'a.root', 'a.mesh']
  const { dir, attack, links } = swapped('shared', names)
  for (const { path, to } of links) symlinkSync(to, path)
  const [record = ''] = (await atlas.do('audit', 'list', '-o', 'id')).split('\n')
  const issue = ['artifact', 'issue', '--to', 'me', ...ASK, '--ttl', '1h', '--yes']
  const commands = [
    ['audit', 'export', '-f', join(dir, 'a.tar')],
    ['audit', 'export', '--format', 'ndjson', '-f', join(dir, 'a.ndjson')],
    [...issue, '-f', join(dir, 'a.ucan')],
    ['audit', 'prove', record, '-f', join(dir, 'a.proof')],
    ['root', 'show', '-f', join(dir, 'a.root')],
    ['mesh', 'export', '-f', join(dir, 'a.mesh')],
  ]
  await eventually(
    'it is published',
    () => atlas.run(...(commands[0] as string[])),
    ({ status }) => status === 0,
  )
  // First each with its link in place, then all of them in the race.
  for (const words of commands.slice(1)) {
    const { status, stderr } = await atlas.run(...words)
    assert.ok(status !== 0 && /it is a symbolic link/.test(stderr), `${words}: ${stderr}`)
  }
  const attacker = attack()
  let [written, refused] = [0, 0]
  for (let round = 0; round < ROUNDS; round += 1)
    for (const words of commands) {
      const { status } = await atlas.run(...words)
      if (status === 0) written += 1
      else refused += 1
      untouched()
    }
  const { count } = await over(attacker)
  row(
    t,
    103,
    `exports: 0 through a link of ${written + refused} raced by ${count} links, ${refused} of them refused`,
  )
})

test('a socket is neither made nor widened through a link, and not where another may replace it', {
  skip,
}, async (t) => {
  const raced = lab.host('raced')
  await raced.do('init', '--mesh', 'raced')
  const config = raced.env['MESHD_CONFIG'] ?? ''
  const { dir, attack, links } = swapped('sockets', ['meshd.sock', 'read.sock', 'admin.sock'])
  writeFileSync(config, readFileSync(config, 'utf8').replace(raced.socketsDir, dir))
  for (const [mode, owner, says] of [
    [0o755, OTHER_UID, /belongs to uid 65534, who could replace a socket/],
    [0o1777, OTHER_UID, /belongs to uid 65534, who could replace a socket/],
    [0o777, 0, /lets others replace a socket/],
  ] as const) {
    chownSync(dir, owner, owner)
    chmodSync(dir, mode)
    raced.start()
    await assert.rejects(raced.answers(), { code: 'UNREACHABLE' })
    await raced.stop('SIGKILL')
    assert.match(raced.log(), says)
    writeFileSync(raced.logFile, '')
  }
  // As /tmp is: everybody may put something there, and take away what is theirs.
  chmodSync(dir, 0o1777)
  let [starts, refused] = [0, 0]
  const attacker = attack()
  for (let round = 0; round < STARTS; round += 1) {
    raced.start()
    const ended = await Promise.race([
      raced.answers().then(() => true),
      eventually(
        'it says so',
        async () => raced.log(),
        (log) => log.split('is no socket').length > refused + 1,
        30_000,
      ).then(() => false),
    ]).catch(() => false)
    if (ended) starts += 1
    else refused += 1
    await raced.stop('SIGKILL')
    untouched()
  }
  const { count } = await over(attacker)
  row(
    t,
    103,
    `sockets: 0 links followed of ${count} in ${STARTS} starts, ${refused} of them refused; 3 of 3 places refused where another may replace one`,
  )
  assert.ok(links.length === 3 && starts + refused === STARTS)
})
