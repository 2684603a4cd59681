/**
 * `meshd mcp` before real servers, spoken to by real clients: the official SDK
 * of both generations on both sides (INTERFACE 8 and 12, test 23), and a real
 * daemon that says what may be called.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { eventually, Lab } from '../e2e/lab.ts'
import { type Called, type Client, connect } from '../mcp/client.ts'
import { connectTo, listen } from '../mcp/http.ts'
import type { Era } from '../mcp/server.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
const SERVER = resolve(import.meta.dirname, '../mcp/server.ts')
const ERAS = ['v1', 'v2'] as const
const PAIRS = ERAS.flatMap((client) => ERAS.map((server) => [client, server] as const))
const STALENESS_MS = 3_000

const lab = new Lab()
let host: Host

before(async () => {
  ;[host] = (await lab.mesh(['atlas'], `${STALENESS_MS}ms`)) as [Host]
  await mayCall('echo')
})

after(() => lab[Symbol.asyncDispose]())

/** Gives the id of the artifact. */
async function mayCall(tool: string): Promise<string> {
  const what = ['--action', 'tools/call', '--resource', `tool:${tool}`, '--ttl', '1h']
  const to = ['--to', 'me', '--hold', '--yes', '-o', 'id']
  return (await host.do('artifact', 'issue', ...what, ...to)).trim()
}

interface Session {
  readonly name: string
  readonly client: Client
  /** Where the server leaves what it did. */
  readonly dir: string
}

let sessions = 0

async function session(client: Era, server: Era, ...options: readonly string[]): Promise<Session> {
  sessions += 1
  const name = `client ${client}, server ${server}`
  const dir = join(lab.dir, `mcp-${sessions}`)
  mkdirSync(dir)
  const args = [MESHD, 'mcp', ...options, '--', process.execPath, SERVER, server, dir]
  const command = { command: process.execPath, args, env: { ...host.env } }
  return { name, client: await connect(client, command), dir }
}

const ran = (dir: string) =>
  existsSync(join(dir, 'ran')) ? readFileSync(join(dir, 'ran'), 'utf8') : ''
const said = ({ content }: Called) => content.map(({ text }) => text).join('\n')

async function behindHttp(era: Era) {
  sessions += 1
  const dir = join(lab.dir, `mcp-${sessions}`)
  mkdirSync(dir)
  const server = await listen(era, dir)
  const args = [MESHD, 'mcp', '--http', server.url, '--listen', '127.0.0.1:0']
  const proxy = spawn(process.execPath, args, {
    env: host.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [line] = await once(createInterface(proxy.stderr), 'line')
  const client = await connectTo(era, /through (\S+)/.exec(String(line))?.[1] ?? String(line))
  return {
    ...{ client, dir },
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]()
      proxy.kill()
      assert.deepEqual(await once(proxy, 'exit'), [0, null])
      await server[Symbol.asyncDispose]()
    },
  }
}

const appears = (what: string, file: string) =>
  eventually(
    what,
    async () => existsSync(file),
    (so) => so,
  )

/** With a call of `wait` that has reached the server, and its answer to come. */
async function waiting(pair: readonly [Era, Era]) {
  const opened = await session(...pair)
  const answer = opened.client.call('wait')
  await appears(`${opened.name}: it waits`, join(opened.dir, 'waits'))
  return { ...opened, answer }
}

for (const pair of PAIRS)
  test(`client ${pair[0]}, server ${pair[1]}: listed, called and denied, with the reason for the model`, async () => {
    const { client, dir } = await session(...pair)
    await using _ = client
    assert.deepEqual(await client.tools(), ['echo'])
    const called = await client.call('echo', { words: 'again' })
    assert.deepEqual([called.isError ?? false, said(called)], [false, 'echo: again'])
    const denied = await client.call('remove')
    assert.equal(denied.isError, true)
    assert.match(said(denied), /meshd denied remove: SCOPE_EXCEEDED: .* meshd explain dec_\w{8}/)
    const decision = denied._meta?.['meshd/decision'] as { code: string; id: string }
    assert.equal(decision.code, 'SCOPE_EXCEEDED')
    assert.equal(ran(dir), 'echo\n')
    const { item } = await host.ask<{ item: { leaf: { code: string } } }>('explain', decision.id)
    assert.equal(item.leaf.code, 'SCOPE_EXCEEDED')
  })

for (const era of ERAS)
  test(`over HTTP, client and server ${era}: listed, called, denied, and cut by a revocation`, async () => {
    await using proxied = await behindHttp(era)
    const { client, dir } = proxied
    assert.deepEqual(await client.tools(), ['echo'])
    assert.equal(said(await client.call('echo', { words: 'again' })), 'echo: again')
    const denied = await client.call('remove')
    assert.match(said(denied), /meshd denied remove: SCOPE_EXCEEDED: .* meshd explain dec_\w{8}/)
    const artifact = await mayCall('wait')
    const answer = client.call('wait')
    await appears('it waits', join(dir, 'waits'))
    await host.do('revoke', artifact, '-m', 'INC-5', '--yes')
    assert.match(said(await answer), /meshd stopped wait: REVOKED: .*INC-5/)
    await appears('the server was told', join(dir, 'cancelled'))
    assert.equal(ran(dir), 'echo\n')
  })

test('a revocation cuts the calls that run: the clients are told why, the servers to stop, the record says so', async () => {
  const artifact = await mayCall('wait')
  const all = await Promise.all(PAIRS.map(waiting))
  await host.do('revoke', artifact, '-m', 'INC-4', '--yes')
  for (const { name, answer, client, dir } of all) {
    const cut = await answer
    assert.equal(cut.isError, true, name)
    assert.match(said(cut), /meshd stopped wait: REVOKED: .*INC-4/, name)
    await appears(`${name}: the server was told`, join(dir, 'cancelled'))
    // The session goes on.
    assert.equal(said(await client.call('echo', { words: 'still' })), 'echo: still')
    await client[Symbol.asyncDispose]()
  }
  const stopped = () =>
    host.ask<{ items: unknown[] }>('audit', 'list', '--type', 'outcome', '--outcome', 'stopped')
  await eventually(
    'their outcomes',
    stopped,
    ({ items }) => items.length === PAIRS.length + ERAS.length,
  )
})

test('a daemon that is killed: what runs is cut when its lease ends, and nothing is called or listed after', async () => {
  await mayCall('wait')
  const all = await Promise.all(PAIRS.map(waiting))
  await host.stop('SIGKILL')
  for (const { name, answer, client, dir } of all) {
    assert.match(said(await answer), /meshd stopped wait: GOVERNANCE_STALE/, name)
    const denied = await client.call('echo', { words: 'nobody decides' })
    assert.match(said(denied), /meshd denied echo: UNREACHABLE/, name)
    assert.deepEqual(await client.tools(), [], name)
    assert.equal(ran(dir), '', name)
    await client[Symbol.asyncDispose]()
  }
  host.start()
  await host.do('wait', '--for', 'ready', '--timeout', '20s')
})
