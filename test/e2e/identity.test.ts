/**
 * A caller is the process that the kernel names, and what that process runs
 * (FAULTS 90, 142): a copy, a changed file, another program in its place and
 * another process of its number are none of them, and explain says what was
 * expected and what was seen.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { preAuthentication } from '../../src/core/dsse.ts'
import { sha256Hex } from '../../src/core/id.ts'
import { type Signer, signerOf } from '../../src/core/keys.ts'
import { peerReader } from '../../src/daemon/peer-credentials.ts'
import { row } from '../lab/row.ts'
import { eventually, Lab } from './lab.ts'
import { bodyOf, request, socketOf } from './raw.ts'

const OTHER_UID = 65_534
const PATIENCE_MS = 60_000
const exact = ((await peerReader())?.pidfd ?? null) !== null
const skip = exact ? false : 'the kernel names no process: SO_PEERPIDFD needs Linux 6.5'
const asTwo = exact && process.getuid?.() === 0 ? false : 'only root can be two users'

const lab = new Lab()
/** Programs that are this Node in everything but a byte at their end. */
const dir = join(realpathSync(lab.dir), 'bin')
const planner = join(dir, 'planner')
let host: Host

before(async () => {
  if (!exact) return
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  for (const path of [lab.dir, host.dir]) chmodSync(path, 0o711)
  mkdirSync(dir)
  copyFileSync(process.execPath, planner)
  appendFileSync(planner, 'a')
  chmodSync(planner, 0o755)
  const bound = ['--action', 'tool:plan', '--bind', `exe=${planner}`] as const
  const issue = ['artifact', 'issue', '--to', 'me', '--resource', 'x:y'] as const
  await host.do(...issue, ...bound, '--ttl', '1h', '--hold', '--yes')
})

after(() => lab[Symbol.asyncDispose]())

const ask = (action: string) =>
  request(
    'POST',
    '/v1/executions',
    `{"action":{"name":"${action}"},"resource":{"type":"x","id":"y"}}`,
  )
const SEEN = /needs exe = [0-9a-f]{64}, saw exe [0-9a-f]{64}/
const PLAN = ask('tool:plan')

/** Asks on a connection of its own: `connects(path, bytes)`. */
const CONNECTS = `
  const [path, bytes] = process.argv.slice(1)
  const socket = require('node:net').connect(path, () => socket.write(Buffer.from(bytes, 'base64')))
  socket.pipe(process.stdout)
`
/** Asks on a connection that it was given as a descriptor: `asks(fd, bytes)`. */
const ASKS = `
  const [fd, bytes] = process.argv.slice(1)
  const socket = new (require('node:net').Socket)({ fd: Number(fd) })
  socket.write(Buffer.from(bytes, 'base64'))
  socket.pipe(process.stdout)
`
/** Connects, and becomes another program, which asks: `becomes(path, bytes, program, asks)`. */
const BECOMES = `
  const [path, bytes, program, asks] = process.argv.slice(1)
  const { dup2 } = require('node:ffi').dlopen('libc.so.6', {
    dup2: { arguments: ['i32', 'i32'], return: 'i32' },
  }).functions
  const socket = require('node:net').connect(path, () => {
    dup2(socket._handle.fd, 0)
    process.execve(program, [program, '-e', asks, '0', bytes], process.env)
  })
`
/** Connects, hands the connection to another process, and ends; that one asks once a file is there: `leaves(path, bytes, program, asks, file)`. */
const LEAVES = `
  const [path, bytes, program, asks, file] = process.argv.slice(1)
  const wait = 'const timer = setInterval(() => {' +
    'if (!require("node:fs").existsSync(' + JSON.stringify(file) + ')) return;' +
    'clearInterval(timer);' + asks + '}, 10)'
  const socket = require('node:net').connect(path, () => {
    const stdio = ['inherit', 'inherit', 'inherit', socket]
    const { spawn } = require('node:child_process')
    spawn(program, ['-e', wait, '3', bytes], { stdio, detached: true }).unref()
    process.exit()
  })
`

const encoded = (bytes: string) => Buffer.from(bytes).toString('base64')

async function answerOf(child: ChildProcess): Promise<DecisionView> {
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await once(child, 'close')
  return JSON.parse(bodyOf(said)) as DecisionView
}

function run(program: string, script: string, args: readonly string[]): ChildProcess {
  const stdio = ['pipe', 'pipe', 'ignore'] as const
  return spawn(program, ['--no-warnings', '-e', script, ...args], { stdio: [...stdio], cwd: '/' })
}

const asked = (program: string, bytes = PLAN) =>
  answerOf(run(program, CONNECTS, [socketOf(host, 'meshd'), encoded(bytes)]))

/** A file that was never measured may take longer than a decision waits: then it is asked again. */
const allowed = (once: () => Promise<DecisionView>) =>
  eventually('an allow', once, ({ decision }) => decision, PATIENCE_MS)

/** Denied at check 4, and explain shows what was expected and what was seen. */
async function mismatch(once: () => Promise<DecisionView>, pair: RegExp): Promise<void> {
  const explained = async () => {
    const { id, code } = await once()
    assert.equal(code, 'RUNTIME_MISMATCH')
    assert.ok(id !== null)
    return host.do('explain', id)
  }
  await eventually(String(pair), explained, (said) => pair.test(said), PATIENCE_MS)
}

test('two users on one socket are two callers, each with what is held for it', {
  skip: asTwo,
}, async (t) => {
  await host.do('key', 'create', 'other', '--for', `uid=${OTHER_UID}`)
  const issue = [
    'artifact',
    'issue',
    '--resource',
    'x:y',
    '--ttl',
    '1h',
    '--hold',
    '--yes',
  ] as const
  await host.do(...issue, '--to', 'other', '--action', 'tool:other')
  await host.do(...issue, '--to', 'me', '--action', 'tool:mine')
  const asOther = (bytes: string) => {
    const who = [`--reuid=${OTHER_UID}`, '--regid=0', '--clear-groups', process.execPath]
    const args = ['-e', CONNECTS, socketOf(host, 'meshd'), encoded(bytes)]
    return answerOf(spawn('setpriv', [...who, ...args], { cwd: '/' }))
  }
  const mine = await asked(process.execPath, ask('tool:mine'))
  const others = await asOther(ask('tool:other'))
  assert.deepEqual([mine.decision, mine.principalName], [true, 'me'])
  assert.deepEqual([others.decision, others.principalName], [true, 'other'])
  assert.equal((await asOther(ask('tool:mine'))).code, 'SCOPE_EXCEEDED')
  assert.equal((await asked(process.execPath, ask('tool:other'))).decision, false)
  row(t, 142, '0 allows of 2 callers with what is held for the other')
})

test('what is bound to an executable serves that file in its place, and no copy of it', {
  skip,
}, async (t) => {
  await allowed(() => asked(planner))
  const copy = join(dir, 'copy')
  copyFileSync(planner, copy)
  await mismatch(() => asked(copy), new RegExp(`needs path = ${planner}, saw path ${copy}`))
  const another = /needs exe = ([0-9a-f]{64}), saw exe (?!\1)[0-9a-f]{64}/
  await mismatch(() => asked(process.execPath), another)
  row(t, 90, '0 allows of 2 by another file')
})

test('what a builder attests of an executable, and what a command measured, are facts of the decision', {
  skip,
}, async (t) => {
  const builder = signerOf(new Uint8Array(32).fill(7))
  const provenance = 'https://slsa.dev/provenance/v1'
  const digest = sha256Hex(readFileSync(planner))
  const [statement, ready] = [join(dir, 'planner.intoto.json'), join(dir, 'ready')]
  writeFileSync(statement, attestation(builder, provenance, digest))
  writeFileSync(ready, '{"ready": true}')
  const config = readFileSync(host.env['MESHD_CONFIG'] ?? '', 'utf8')
  const environment = {
    attestations: { build: { file: statement, keys: [builder.did] } },
    collectors: {
      probe: { command: ['/bin/cat', ready], every: '1s', outputs: { ready: 'boolean' } },
    },
  }
  const measured = `environment: ${JSON.stringify(environment)}\n`
  writeFileSync(host.env['MESHD_CONFIG'] ?? '', `${config}${measured}`)
  await host.do('config', 'reload')
  const needs = ['--bind', `attested.build=${provenance}`, '--env', 'collected.probe.ready=true']
  const issue = ['artifact', 'issue', '--to', 'me', '--action', 'tool:built', '--resource', 'x:y']
  await host.do(...issue, ...needs, '--ttl', '1h', '--hold', '--yes')
  const built = (program: string) => () => asked(program, ask('tool:built'))
  await allowed(built(planner))
  await mismatch(built(process.execPath), /needs attested build = .*, saw attested build absent/)
  // A collector that fails is no fact any more.
  rmSync(ready)
  await eventually('a denial', built(planner), ({ code }) => code === 'ENVIRONMENT_FAILED')
  row(t, 90, '0 allows to what was not built by whom the artifact names')
})

function attestation(builder: Signer, predicateType: string, sha256: string): string {
  const type = 'application/vnd.in-toto+json'
  const subject = [{ name: 'planner', digest: { sha256 } }]
  const _type = 'https://in-toto.io/Statement/v1'
  const payload = utf8(JSON.stringify({ _type, subject, predicateType, predicate: {} }))
  const sig = toBase64(builder.sign(preAuthentication(type, payload)))
  const signatures = [{ keyid: '', sig }]
  return JSON.stringify({ payloadType: type, payload: toBase64(payload), signatures })
}

test('a process that becomes another program with its connection open is that program', {
  skip,
}, async (t) => {
  const args = [socketOf(host, 'meshd'), encoded(PLAN)]
  const became = (from: string, to: string) => answerOf(run(from, BECOMES, [...args, to, ASKS]))
  await mismatch(() => became(planner, process.execPath), SEEN)
  // And the other way round: what is judged is what runs at the decision.
  await allowed(() => became(process.execPath, planner))
  row(t, 142, '0 allows to what the process was before')
})

test('a process that has ended lends nothing to whoever has its connection, or its number', {
  skip,
}, async (t) => {
  const left = join(dir, 'left')
  const args = [socketOf(host, 'meshd'), encoded(PLAN), process.execPath, ASKS, left]
  const leaving = run(planner, LEAVES, args)
  const answer = answerOf(leaving)
  await once(leaving, 'exit')
  const again = await another(leaving.pid ?? 0)
  writeFileSync(left, '')
  await mismatch(() => answer, /needs exe = .*, saw exe absent/)
  if (again?.kill('SIGKILL') === true) await once(again, 'exit')
  const reused = again === null ? 'its number was not given again' : 'its number reused'
  row(t, 90, `0 allows after the process ended, ${reused}`)
})

/** The same program under the number of one that ended; null where that cannot be chosen. */
async function another(pid: number): Promise<ChildProcess | null> {
  for (let tries = 0; tries < 20; tries++) {
    try {
      writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1))
    } catch {
      return null // not root, or a kernel without it
    }
    const child = spawn(planner, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' })
    if (child.pid === pid) return child
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return null
}

// The last one: the file is changed.
test('a file that was changed is another executable', { skip }, async (t) => {
  appendFileSync(planner, 'b')
  await mismatch(() => asked(planner), SEEN)
  row(t, 90, '0 allows to a changed file in the same place')
})
