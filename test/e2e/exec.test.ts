/**
 * `meshd exec` on a real daemon (INTERFACE 8 and 12, test 22): what it gives
 * back, what it passes on, and that a freeze ends what it started. What else
 * must end a child is in test/long/exec.test.ts.
 */
import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { allDead, begun, family } from './family.ts'
import { ASK, grant, Lab } from './lab.ts'
import { run } from './typed.ts'

const lab = new Lab()
let host: Host

before(async () => {
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  await grant(host)
})

after(() => lab[Symbol.asyncDispose]())

test('it gives the status of the child, and its own for what never ran', async () => {
  const plain = join(lab.dir, 'plain.txt')
  writeFileSync(plain, 'no program', { mode: 0o644 })
  const folder = join(lab.dir, 'folder')
  mkdirSync(folder)
  const cases: readonly (readonly [number, readonly string[]])[] = [
    [0, ['true']],
    [7, ['sh', '-c', 'exit 7']],
    [143, ['sh', '-c', 'kill -TERM $$']],
    [137, ['sh', '-c', 'kill -KILL $$']],
    [127, ['no-such-program-here']],
    [127, ['/no/such/program']],
    [126, [plain]],
    [126, [folder]],
  ]
  for (const [status, command] of cases) {
    const said = await run(host, ['exec', ...ASK, '--', ...command])
    assert.equal(said.status, status, `${command.join(' ')}: ${said.stderr}`)
  }
  const denied = await run(host, ['exec', '--', 'true'])
  assert.deepEqual([denied.status, /DENY .*SCOPE_EXCEEDED/.test(denied.stderr)], [126, true])
  const alone = lab.host('nobody')
  const away = await run(alone, ['exec', ...ASK, '--', 'true'])
  assert.deepEqual([away.status, /\[UNREACHABLE\]/.test(away.stderr)], [125, true])
})

test('a mesh of one witness says ALONE in its status', async () => {
  assert.match(await host.do('status'), /^prod · atlas · READY .* ALONE$/m)
})

test('arguments reach the child as they are, or nothing runs', async () => {
  const odd = 'a\u0001b\nc\t"\u202e\u{1f600} $HOME *'
  const said = await run(host, ['exec', ...ASK, '--', 'printf', '%s', odd])
  assert.deepEqual([said.status, said.stdout], [0, odd])
  assert.equal(said.stderr.includes('\u0001'), false)
  const bound = await run(host, ['exec', '--', 'printf', '%s', odd])
  assert.equal(bound.status, 126)
  const million = Array.from({ length: 10 }, () => 'x'.repeat(100_000))
  const long = await run(host, ['exec', ...ASK, '--', 'sh', '-c', 'echo $#', 'sh', ...million])
  assert.deepEqual([long.status, long.stdout], [0, '10\n'])
  const unbound = await run(host, ['exec', '--', 'echo', ...million])
  assert.deepEqual([unbound.status, unbound.stdout], [126, ''])
  for (const args of [['\ufffd'], ['--arg', 'exe=1', '--', 'true']]) {
    const refused = await run(host, [
      'exec',
      ...ASK,
      ...(args.length > 1 ? args : ['--', 'echo', ...args]),
    ])
    assert.deepEqual([refused.status, refused.stdout], [64, ''], refused.stderr)
  }
})

test('a script is told where it lies, and gets no artifact', async () => {
  const path = join(lab.dir, 'script')
  writeFileSync(path, '#!/bin/sh\necho "$MESHD_SCRIPT $1"; env | grep -c ^MESHD_ARTIFACT\n', {
    mode: 0o755,
  })
  const env = { ...host.env, MESHD_ARTIFACT: 'C…' }
  const said = await run({ env }, ['exec', ...ASK, '--', path, 'one'])
  assert.deepEqual([said.status, said.stdout], [1, `${realpathSync(path)} one\n0\n`])
})

test('a signal for it is one for the child', async () => {
  for (const [signal, status] of [
    ['SIGINT', 9],
    ['SIGTERM', 8],
  ] as const) {
    const [child, ended] = begun(host, [
      ...['sh', '-c', 'trap "exit 9" INT; trap "exit 8" TERM; echo up; sleep 30 >&- 2>&- & wait'],
    ])
    await new Promise((up) => child.stdout?.once('data', up))
    child.kill(signal)
    assert.equal((await ended).status, status, signal)
  }
})

test('a freeze ends the child and all that it started', async () => {
  const { ended, pids } = await family(host)
  await host.do('freeze', 'action:job', '-m', 'INC-2', '--yes', '--wait=all')
  const said = await ended
  assert.match(said.stderr, /STOPPED dec_\w+ {2}FROZEN frz_\S+ "INC-2"/)
  assert.equal(said.status, 143)
  await allDead(pids, 2_000)
  await host.do('unfreeze', 'action:job', '--yes', '--wait=all')
})
