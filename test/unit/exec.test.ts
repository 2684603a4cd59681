/** `meshd exec` with a daemon that is made by hand: allows, denies, stops, lies, and dies. The children are real. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { DecisionView, ExecutionView } from '../../src/client/types.ts'
import { MeshError } from '../../src/core/problems.ts'
import { type ExecResult, type ExecutionApi, execute } from '../../src/enforce/exec.ts'
import { Executable } from '../../src/enforce/executable.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-exec-'))
after(() => rmSync(dir, { recursive: true }))

const ID = `sha256:${'0'.repeat(64)}`
const ALLOW: DecisionView = {
  ...{ decision: true, id: ID, code: null, detail: null, record: null, artifact: null },
  ...{ leaseUntil: null, leaseRemainingMs: 60_000, principal: null, principalName: null },
  ...{ policies: [], checks: [], mend: [], observed: null, durationMs: 1 },
}
const DENY: DecisionView = { ...ALLOW, decision: false, code: 'REVOKED', leaseRemainingMs: null }
const RUNNING: ExecutionView = {
  ...{ id: ID, state: 'running', leaseRemainingMs: 60_000, stop: null, outcome: null },
}
const STOP: ExecutionView = {
  ...RUNNING,
  state: 'stopped',
  stop: { code: 'REVOKED', detail: 'rev_0a77e4c1', statement: null },
}

/** Waits for the child to have come so far. */
async function appears(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise((go) => setTimeout(go, 5))
}

/** Nobody may be there to reap it: a zombie is dead too. */
async function dies(pid: number): Promise<void> {
  while (!dead(pid)) await new Promise((go) => setTimeout(go, 5))
}

function dead(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true // It was reaped.
  }
}

/** An allow of what is written into before it can run. */
async function changed(file: string): Promise<DecisionView> {
  await appendFile(file, 'x')
  return ALLOW
}

/** Until the child has ended. */
function silent(_: string, __: number, signal: AbortSignal): Promise<ExecutionView> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }),
  )
}

interface Run {
  readonly result: ExecResult
  readonly outcomes: readonly string[]
  readonly said: readonly string[]
}

async function run(
  script: string,
  api: Partial<ExecutionApi> = {},
  monotonicMs: () => number = () => performance.now(),
  env: NodeJS.ProcessEnv = {},
): Promise<Run> {
  const [outcomes, said]: [string[], string[]] = [[], []]
  const executable = await Executable.find('/bin/sh', '')
  const result = await execute(
    {
      open: async () => ALLOW,
      watch: silent,
      started: async () => {},
      outcome: async (_, kind, status) => void outcomes.push(`${kind} ${status}`),
      ...api,
    },
    {
      ...{ executable, args: ['-c', script], monotonicMs },
      env: { ...process.env, ...env },
      outcomeMs: 100,
      allowed: () => {},
      say: (line) => void said.push(line),
    },
  )
  executable.close()
  return { result, outcomes, said }
}

function statusOf({ result }: Run): number {
  return result.kind === 'ended' ? result.status : assert.fail(result.kind)
}

test('the child’s own status comes through, and is the outcome', async () => {
  const good = await run('exit 0')
  assert.equal(statusOf(good), 0)
  assert.deepEqual(good.outcomes, ['ok 0'])
  const bad = await run('exit 7')
  assert.equal(statusOf(bad), 7)
  assert.deepEqual(bad.outcomes, ['failed 7'])
})

test('a child that a signal ended is 128 and the signal', async () => {
  const run9 = await run('kill -9 $$')
  assert.equal(statusOf(run9), 137)
  assert.deepEqual(run9.outcomes, ['failed 137'])
})

test('a signal that is meant for the child reaches it', async () => {
  const ready = join(dir, 'trap')
  const script = `trap 'exit 7' HUP; : > ${ready}; while :; do sleep 0.01; done`
  const running = run(script)
  await appears(ready)
  process.kill(process.pid, 'SIGHUP')
  assert.equal(statusOf(await running), 7)
})

test('nothing runs on a deny, nor on an allow that lacks an id, an end, or came after it', async () => {
  const file = join(dir, 'ran')
  const script = `: > ${file}`
  for (const answer of [
    DENY,
    { ...ALLOW, id: null },
    { ...ALLOW, leaseRemainingMs: null },
    { ...ALLOW, leaseRemainingMs: 0 },
    { ...DENY, leaseRemainingMs: 60_000, id: ID },
  ]) {
    const { result, outcomes } = await run(script, { open: async () => answer })
    assert.equal(result.kind, 'denied')
    assert.deepEqual(outcomes, [])
  }
  assert.equal(existsSync(file), false)
})

test('an answer that was longer on its way than the lease is a deny', async () => {
  let nowMs = 0
  const open = async () => {
    nowMs = 60_000
    return ALLOW
  }
  const { result } = await run('exit 0', { open }, () => nowMs)
  assert.equal(result.kind, 'denied')
  assert.equal(result.decision.code, 'GOVERNANCE_STALE')
})

test('nothing runs when the daemon is away, lies, or answers garbage', async () => {
  const file = join(dir, 'ran too')
  const script = `: > '${file}'`
  const open = () => Promise.reject(new MeshError('UNREACHABLE', 'nobody listens'))
  await assert.rejects(run(script, { open }), /nobody listens/)
  const lies: readonly string[] = [
    '""',
    'null',
    '{}',
    '{"decision":true}',
    JSON.stringify({ ...ALLOW, decision: 'true' }),
    JSON.stringify({ ...ALLOW, id: 'dec_1' }),
    JSON.stringify({ ...ALLOW, leaseRemainingMs: '60000' }),
  ]
  for (const answer of lies) {
    const asked = run(script, { open: async () => JSON.parse(answer) })
    const ended = await asked.then(
      ({ result }) => result.kind,
      () => 'threw',
    )
    assert.equal(ended, 'threw', answer)
  }
  assert.equal(existsSync(file), false)
})

test('what the kernel does not run, or was changed since it was decided, is told apart and has an outcome', async () => {
  const file = join(dir, 'program')
  copyFileSync('/bin/true', file)
  const cases = [
    ['not executable', ['x'.repeat(200_000)], async () => ALLOW],
    ['changed meanwhile', [], async () => changed(file)],
  ] as const
  for (const [why, args, open] of cases) {
    const executable = await Executable.find(file, '')
    const outcomes: string[] = []
    const outcome: ExecutionApi['outcome'] = async (_, kind, status) =>
      void outcomes.push(`${kind} ${status}`)
    const result = await execute(
      { open, watch: silent, outcome, started: async () => {} },
      {
        ...{ executable, args, env: {}, monotonicMs: () => 0, outcomeMs: 100 },
        allowed: () => {},
        say: () => undefined,
      },
    )
    executable.close()
    assert.equal(result.kind === 'not run' && result.why, why)
    assert.deepEqual(outcomes, ['failed null'])
  }
})

test('a revoked child is ended with its whole group, also one that ignores SIGTERM', async () => {
  const pid = join(dir, 'pid')
  const script = `(trap '' TERM; echo $$ > /dev/null; exec sleep 60) & echo $! > ${pid}; wait`
  let asked = 0
  const watch = async () => {
    asked += 1
    if (asked === 1) return RUNNING
    await appears(pid)
    return STOP
  }
  const ended = await run(script, { watch })
  assert.equal(statusOf(ended), 143)
  assert.deepEqual(ended.outcomes, ['stopped 143'])
  assert.match(ended.said.join('\n'), /STOPPED dec_\w{8} {2}REVOKED rev_0a77e4c1/)
  await dies(Number(readFileSync(pid, 'utf8')))
})

const session = process.platform === 'linux' ? false : 'no /proc to find it by'
test('a revoked child is ended with what left its group for a session of its own', {
  skip: session,
}, async () => {
  const pid = join(dir, 'daemon')
  const script = `setsid sh -c 'echo $$ > ${pid}; exec sleep 60' & wait`
  let asked = 0
  const watch = async () => {
    asked += 1
    if (asked === 1) return RUNNING
    await appears(pid)
    return STOP
  }
  const ended = await run(script, { watch })
  assert.deepEqual(ended.outcomes, ['stopped 143'])
  await dies(Number(readFileSync(pid, 'utf8')))
})

test('a revoked child is ended with what forked away twice, and emptied its environment', {
  skip: session,
}, async () => {
  const pid = join(dir, 'forked')
  const script = `(setsid env -i sh -c 'sleep 60 & echo $! > ${pid}' &) & exec sleep 60`
  let asked = 0
  const watch = async () => {
    asked += 1
    if (asked === 1) return RUNNING
    await appears(pid)
    return STOP
  }
  const ended = await run(script, { watch })
  assert.deepEqual(ended.outcomes, ['stopped 143'])
  assert.equal(dead(Number(readFileSync(pid, 'utf8'))), true)
})

test('what outlives a command that ended by itself is ended, and said', async () => {
  const pid = join(dir, 'left')
  const ended = await run(`sleep 60 & echo $! > ${pid}; exit 4`)
  assert.deepEqual(ended.outcomes, ['failed 4'])
  assert.match(ended.said.join(), /^1 of its processes outlived it/)
  assert.equal(dead(Number(readFileSync(pid, 'utf8'))), true)
})

test('a daemon that was killed: the child is ended when the last lease is over', async () => {
  let nowMs = 0
  const watch = () => {
    nowMs += 40_000
    return Promise.reject(new MeshError('UNREACHABLE', 'nobody listens'))
  }
  const ended = await run('exec sleep 60', { watch }, () => nowMs)
  assert.equal(statusOf(ended), 143)
  assert.match(ended.said.join('\n'), /GOVERNANCE_STALE the daemon did not answer/)
  assert.ok(nowMs >= 60_000)
})

test('a lost lease is told at once, and ends it', async () => {
  let nowMs = 0
  const watch = async () => {
    nowMs += 1_000
    return { ...RUNNING, leaseRemainingMs: nowMs < 3_000 ? 60_000 : 0 }
  }
  const ended = await run('exec sleep 60', { watch }, () => nowMs)
  assert.equal(statusOf(ended), 143)
  assert.equal(nowMs, 3_000)
})

test('a daemon that was restarted vouches for nothing, and one that forgot it neither', async () => {
  const gone = () => Promise.reject(new MeshError('NOT_FOUND', 'no execution runs here'))
  const ended = async () => ({ ...RUNNING, state: 'ended' as const })
  for (const watch of [gone, ended]) {
    assert.equal(statusOf(await run('exec sleep 60', { watch })), 143)
  }
})

test('an answer that extends nothing extends nothing', async () => {
  let nowMs = 0
  const watch = async () => {
    nowMs += 25_000
    return { ...RUNNING, leaseRemainingMs: null }
  }
  assert.equal(statusOf(await run('exec sleep 60', { watch }, () => nowMs)), 143)
  assert.equal(nowMs, 75_000)
})

test('garbage instead of a state extends nothing', async () => {
  const half = '{"state":"running","stop":null}'
  const text = '{"state":"running","stop":null,"leaseRemainingMs":"9"}'
  for (const answer of ['null', '{}', half, text]) {
    let nowMs = 0
    const watch = async () => {
      nowMs += 40_000
      return JSON.parse(answer)
    }
    assert.equal(statusOf(await run('exec sleep 60', { watch }, () => nowMs)), 143)
    assert.ok(nowMs <= 80_000, answer)
  }
})

test('an outcome that cannot be recorded is said, and the status is still the child’s', async () => {
  const outcome = () => Promise.reject(new MeshError('UNREACHABLE', 'nobody listens'))
  const ended = await run('exit 3', { outcome })
  assert.equal(statusOf(ended), 3)
  assert.deepEqual(ended.said, ['the outcome could not be recorded'])
})

test('a daemon that hangs when the child has ended holds its status for a bounded time', async () => {
  const outcome = (_: string, __: string, ___: number | null, signal: AbortSignal) =>
    new Promise<void>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    })
  const ended = await run('exit 3', { outcome })
  assert.equal(statusOf(ended), 3)
  assert.deepEqual(ended.said, ['the outcome could not be recorded'])
})

test('the child knows its execution and never its artifact', async () => {
  const file = join(dir, 'env')
  await run(`env > ${file}`, {}, undefined, { MESHD_ARTIFACT: 'C…', MESHD_ARTIFACT_FILE: 'x.ucan' })
  const env = readFileSync(file, 'utf8')
  assert.match(env, new RegExp(`^MESHD_EXECUTION=${ID}$`, 'm'))
  assert.match(env, new RegExp(`^MESHD_DECISION=${ID}$`, 'm'))
  assert.doesNotMatch(env, /artifact/i)
})
