/** Commands that measure something: what they say is a fact while it is fresh, and nothing else is. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { type Collected, parseCollected, runCollector } from '../../src/daemon/collector-run.ts'
import { type CollectorSpec, Collectors } from '../../src/daemon/collectors.ts'
import { VirtualClock } from '../sim/clock.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-collector-'))
after(() => rmSync(dir, { recursive: true }))

const OUTPUTS = new Map([
  ['free', 'integer'],
  ['tier', 'text'],
  ['sealed', 'boolean'],
] as const)
const GOOD = '{"free": 12, "tier": "gold", "sealed": true}'

test('a run says every declared key with its type, and no other', () => {
  const parse = (text: string) => Object.fromEntries(parseCollected(utf8(text), OUTPUTS))
  assert.deepEqual(parse(GOOD), { free: 12, tier: 'gold', sealed: true })
  for (const text of [
    '{"free": 12, "tier": "gold"}',
    '{"free": 12, "tier": "gold", "sealed": true, "more": 1}',
    '{"free": 12, "free": 13, "tier": "gold", "sealed": true}',
    '{"free": 1.5, "tier": "gold", "sealed": true}',
    '{"free": "12", "tier": "gold", "sealed": true}',
    '{"free": 12, "tier": null, "sealed": true}',
    `{"free": 12, "tier": "${'x'.repeat(129)}", "sealed": true}`,
    `${GOOD}${GOOD}`,
    '[]',
    '',
  ])
    assert.throws(() => parse(text), Malformed, text)
})

const shell = (script: string, timeoutMs = 20_000) =>
  runCollector(['/bin/sh', '-c', script], OUTPUTS, timeoutMs, new AbortController().signal)

test('a command that ends well has said it; it has nothing of the daemon’s environment', async () => {
  process.env['MESHD_TEST_SECRET'] = 'x'
  const said = await shell(`test -z "$MESHD_TEST_SECRET" && test "$PWD" = / && echo '${GOOD}'`)
  delete process.env['MESHD_TEST_SECRET']
  assert.equal(said.get('free'), 12)
})

test('one that fails, says too much, hangs or leaves somebody behind has said nothing', async () => {
  await assert.rejects(shell(`echo '${GOOD}'; exit 3`), /ended with 3/)
  await assert.rejects(shell(`echo '${GOOD}'; kill -9 $$`), /SIGKILL/)
  await assert.rejects(shell('exec cat /dev/zero'), /printed more than/)
  await assert.rejects(shell('exec sleep 60', 50), /did not end within 50 ms/)
  const file = join(dir, 'alive')
  await assert.rejects(shell(`(sleep 0.4; echo > ${file}) & exec sleep 60`, 50), /within 50 ms/)
  await new Promise((done) => setTimeout(done, 500))
  assert.equal(existsSync(file), false, 'what it started ends with it')
  await assert.rejects(
    runCollector([join(dir, 'none')], OUTPUTS, 1000, new AbortController().signal),
    /ENOENT/,
  )
})

const SPEC: CollectorSpec = {
  ...{ command: ['/bin/x'], everyMs: 10_000, timeoutMs: 2_000, freshMs: 22_000, outputs: OUTPUTS },
}

/** Runs end as the test says. */
class Runs {
  readonly clock = new VirtualClock(1)
  readonly told: string[] = []
  count = 0
  #end: PromiseWithResolvers<ReadonlyMap<string, Collected>> = Promise.withResolvers()
  readonly collectors = new Collectors({
    clock: this.clock,
    tell: (what, error) => void this.told.push(`${what}: ${String(error)}`),
    run: () => {
      this.count += 1
      this.#end = Promise.withResolvers()
      return this.#end.promise
    },
  })

  async says(free: number): Promise<void> {
    this.#end.resolve(new Map([['free', free]]))
    await this.clock.settle()
  }

  async fails(): Promise<void> {
    this.#end.reject(new Error('no disk'))
    await this.clock.settle()
  }

  get free(): Collected | null {
    return this.collectors.facts().get('disk')?.get('free') ?? null
  }
}

test('what a run said is a fact from its end until it is no longer fresh', async () => {
  const runs = new Runs()
  runs.collectors.use(new Map([['disk', SPEC]]))
  assert.equal(runs.free, null)
  await runs.says(12)
  assert.equal(runs.free, 12)
  const facts = runs.collectors.facts()
  await runs.clock.advance(10_000)
  assert.equal(runs.count, 2)
  // The second run hangs; the first was begun at 0.
  await runs.clock.advance(11_999)
  assert.equal(runs.collectors.facts(), facts)
  await runs.clock.advance(1)
  assert.equal(runs.free, null)
  assert.deepEqual(runs.collectors.states(), [{ name: 'disk', failure: 'it is late' }])
  await runs.says(13)
  assert.equal(runs.free, 13)
  runs.collectors.stop()
})

test('a run that fails takes the facts of the one before away, and is told once until one succeeds', async () => {
  const runs = new Runs()
  runs.collectors.use(new Map([['disk', SPEC]]))
  await runs.says(12)
  for (let times = 0; times < 3; times++) {
    await runs.clock.advance(10_000)
    await runs.fails()
    assert.equal(runs.free, null)
  }
  assert.deepEqual(runs.told, ['collector disk: Error: no disk'])
  assert.equal(runs.collectors.states()[0]?.failure, 'no disk')
  await runs.clock.advance(10_000)
  await runs.says(14)
  assert.equal(runs.free, 14)
  await runs.clock.advance(10_000)
  await runs.fails()
  assert.equal(runs.told.length, 2)
  runs.collectors.stop()
})

test('one that the configuration no longer names, or names otherwise, is no fact at once', async () => {
  const runs = new Runs()
  runs.collectors.use(new Map([['disk', SPEC]]))
  await runs.says(12)
  runs.collectors.use(new Map([['disk', { ...SPEC }]]))
  assert.equal(runs.free, 12, 'the same is not begun again')
  runs.collectors.use(new Map([['disk', { ...SPEC, command: ['/bin/y'] }]]))
  assert.equal(runs.free, null)
  await runs.says(15)
  assert.equal(runs.free, 15)
  runs.collectors.use(new Map())
  assert.equal(runs.free, null)
  assert.deepEqual(runs.collectors.states(), [])
})
