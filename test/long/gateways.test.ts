/**
 * What meshd drops into, on one real daemon: hooks by the real binary, CI by
 * its script line, OPA by its script, Envoy by the bytes that it sends; and
 * what becomes of each when the daemon hangs, and when it was killed.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import type { Host, Said } from '../../src/cli/stage.ts'
import { Lab } from '../e2e/lab.ts'

const lab = new Lab()
let host: Host
let socket = ''

before(async () => {
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  socket = join(host.socketsDir, 'meshd.sock')
  for (const [action, resource] of [
    ['tools/call', 'tool:Read'],
    ['job:deploy', 'env:staging'],
    ['http:get', 'url:app.example/public/*'],
  ] as const) {
    const grant = ['--action', action, '--resource', resource, '--ttl', '1h']
    await host.do('artifact', 'issue', '--to', 'me', ...grant, '--hold', '--yes')
  }
  const bin = join(lab.dir, 'bin')
  mkdirSync(bin)
  chmodSync(resolve('bin/meshd.js'), 0o755)
  symlinkSync(resolve('bin/meshd.js'), join(bin, 'meshd'))
  // Under this very Node, which may stand in no PATH.
  symlinkSync(process.execPath, join(bin, 'node'))
})

after(() => lab[Symbol.asyncDispose]())

/** A line as it stands in a snippet, by a shell, with `meshd` in its PATH. */
function shell(
  line: string,
  stdin = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const path = `${join(lab.dir, 'bin')}:${process.env['PATH'] ?? ''}`
  return new Promise((done, failed) => {
    const child = spawn('sh', ['-c', line], {
      cwd: lab.dir,
      env: { ...host.env, PATH: path, ...env },
    })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => {
        said[stream] += chunk.toString()
      })
    // One that ends before it has read all breaks the pipe, which is its right.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    child.on('error', failed)
    child.on('close', (status) => done({ status: status ?? -1, ...said }))
  })
}

const event = (tool: string) =>
  JSON.stringify({
    ...{ hook_event_name: 'PreToolUse', session_id: 's', cwd: lab.dir, tool_name: tool },
    tool_input: { file_path: '/srv/a' },
  })

/** The command of the entry that is printed for the settings of Claude Code. */
async function hookLine(): Promise<string> {
  const settings = JSON.parse(await host.do('gateway', 'show', 'claude-code')) as {
    hooks: { PreToolUse: { hooks: { command: string }[] }[] }
  }
  return settings.hooks.PreToolUse[0]?.hooks[0]?.command ?? ''
}

/** The line that deploys, in what is printed for GitHub and GitLab. */
async function deployLines(): Promise<readonly string[]> {
  const shown = async (name: string) => parse(await host.do('gateway', 'show', name))
  const github = (await shown('github-actions')) as {
    jobs: { deploy: { steps: { run?: string }[] } }
  }
  const gitlab = (await shown('gitlab-ci')) as { deploy: { script: string[] } }
  return [github.jobs.deploy.steps.at(-1)?.run ?? '', gitlab.deploy.script.join('\n')]
}

const CI = {
  ...{ GITHUB_REPOSITORY: 'acme/web', GITHUB_REF: 'refs/heads/main', GITHUB_SHA: 'a1' },
  ...{ CI_PROJECT_PATH: 'acme/web', CI_COMMIT_REF_NAME: 'main', CI_COMMIT_SHA: 'a1' },
}

/** As Envoy sends it for a request with that path, and all that comes back. */
function envoy(path: string): Promise<string> {
  return new Promise((done) => {
    let got = ''
    const connection = net.connect(socket, () =>
      connection.write(
        `GET /v1/gateway/envoy${path} HTTP/1.1\r\nhost: app.example\r\ncontent-length: 0\r\nx-envoy-internal: true\r\nx-forwarded-proto: https\r\nx-original-uri: /public/a\r\nx-original-method: GET\r\nx-original-host: app.example\r\nconnection: close\r\n\r\n`,
      ),
    )
    connection.on('data', (chunk: Buffer) => (got += chunk.toString()))
    connection.on('error', () => done(got)).on('close', () => done(got))
  })
}

test('a hook lets pass what is granted, blocks what is not, and is in the record', async () => {
  const line = await hookLine()
  const allowed = await shell(line, event('Read'))
  assert.deepEqual([allowed.status, allowed.stderr], [0, ''])
  assert.match(allowed.stdout, /"hookEventName":"PreToolUse"/)
  const last = await host.ask<object>('explain', 'last')
  assert.match(JSON.stringify(last), /"gateway":"claude-code"/)
  const denied = await shell(line, event('Bash'))
  assert.deepEqual([denied.status, denied.stdout], [2, ''])
  assert.match(denied.stderr, /^denied by meshd: SCOPE_EXCEEDED: /)
  for (const stdin of ['', '{', '[]', event('Read').replace('PreToolUse', 'Stop')])
    assert.equal((await shell(line, stdin)).status, 2, stdin)
})

test('CI runs its step when the mesh allows it, and fails it otherwise', async () => {
  const script = join(lab.dir, 'deploy.sh')
  writeFileSync(script, '#!/bin/sh\necho deployed\n', { mode: 0o755 })
  for (const line of await deployLines()) {
    const said = await shell(line, '', CI)
    assert.deepEqual([said.status, said.stdout], [0, 'deployed\n'], said.stderr)
    const other = await shell(line.replace('env:staging', 'env:prod'), '', CI)
    assert.deepEqual([other.status, other.stdout], [126, ''])
  }
})

test('Envoy is answered 200 for what is granted and 403 for the rest, whatever its path tries', async () => {
  assert.match(await envoy('/public/a?page=1'), /^HTTP\/1\.1 200 /)
  for (const path of [
    '/private',
    '/../nginx',
    '/public/../private',
    '//',
    '/public/%2e%2e/b',
    '/',
  ]) {
    const answer = await envoy(path)
    assert.match(answer, /^HTTP\/1\.1 403 /, path)
    assert.match(answer, /meshd-reason: (?:SCOPE_EXCEEDED|REQUEST_MALFORMED)\r\n/, path)
  }
})

test('what hangs, and what was killed, allows nothing', async () => {
  const [hook, lines] = [
    `${(await hookLine()).replace(' || ', ' --timeout 1s || ')}`,
    await deployLines(),
  ]
  const opa = join(lab.dir, 'opa.sh')
  const shown = await host.do('gateway', 'show', 'opa')
  writeFileSync(opa, shown.replace('--max-time 10', '--max-time 1'))
  assert.match(readFileSync(opa, 'utf8'), /--max-time 1 /)
  assert.equal((await shell(`sh ${opa}`)).status, 0)
  const denies = async (when: string) => {
    const [hooked, asked, ...deployed] = await Promise.all([
      shell(hook, event('Read')),
      shell(`sh ${opa}`),
      ...lines.map((line) => shell(line.replace('exec', 'exec --timeout 1s'), '', CI)),
    ])
    assert.deepEqual([hooked.status, hooked.stdout], [2, ''], when)
    assert.notEqual(asked.status, 0, when)
    for (const { status, stdout } of deployed) assert.deepEqual([status, stdout], [125, ''], when)
  }
  process.kill(host.pid, 'SIGSTOP')
  try {
    await denies('hangs')
  } finally {
    process.kill(host.pid, 'SIGCONT')
  }
  await host.stop('SIGKILL')
  await denies('killed')
  assert.equal(await envoy('/public/a'), '')
})
