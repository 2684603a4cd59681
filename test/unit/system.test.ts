import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { systemClock, systemRandom } from '../../src/daemon/system.ts'

test('random bytes are as many as were asked for, and never the same twice, wherever the pool ends', () => {
  const random = systemRandom()
  const seen = new Set<string>()
  for (const length of [12, 32, 4095, 12, 4096, 5000, 16]) {
    for (let i = 0; i < 50; i += 1) {
      const bytes = random.bytes(length)
      assert.equal(bytes.length, length)
      seen.add(Buffer.from(bytes).toString('hex'))
    }
  }
  assert.equal(seen.size, 7 * 50)
  assert.ok(![...seen].some((hex) => /00{12}/.test(hex)), 'nothing that was given out already')
})

test('what was given out is its own memory', () => {
  const random = systemRandom()
  const first = random.bytes(12)
  const copy = first.slice()
  for (let i = 0; i < 1000; i += 1) random.bytes(12)
  assert.deepEqual(first, copy)
  assert.equal(first.buffer.byteLength, 12)
})

test('a sleep ends with its signal, never rejects, and keeps no process alive', async () => {
  const clock = systemClock()
  const wake = new AbortController()
  const sleeping = clock.sleep(60_000, wake.signal)
  wake.abort()
  await sleeping
  await clock.sleep(60_000, wake.signal)

  const module = new URL('../../src/daemon/system.ts', import.meta.url).href
  const script = `import { systemClock } from '${module}'; void systemClock().sleep(60_000)`
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 20_000,
  })
  assert.equal(status, 0)
})
