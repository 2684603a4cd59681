import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Did } from '../../src/core/keys.ts'
import { CLOCK_STEP_MS_MIN, LEASE_PAUSE_MS } from '../../src/core/limits.ts'
import { ClockWatch } from '../../src/mesh/clock.ts'
import { VirtualClock } from '../sim/clock.ts'
import { DIDS } from '../sim/lease-roots.ts'

const SKEW_MS = 500
const STALENESS_MS = 4_000
const [A, B, C] = DIDS as unknown as [Did, Did, Did]

function watched(floorMs = 0) {
  const clock = new VirtualClock(1)
  const watch = new ClockWatch(clock, () => floorMs)
  const trust = (witnesses: readonly Did[] = [A, B, C]) =>
    watch.trust(witnesses, SKEW_MS, STALENESS_MS)
  return { clock, watch, trust }
}

test('a look says what happened to time since the last one', async () => {
  const { clock, watch } = watched()
  assert.equal(watch.look(SKEW_MS), null)
  await clock.advance(LEASE_PAUSE_MS)
  assert.equal(watch.look(SKEW_MS), null)
  await clock.advance(LEASE_PAUSE_MS + 1)
  assert.match(watch.look(SKEW_MS) ?? '', /did not run/)
  clock.stepWall(SKEW_MS)
  assert.equal(watch.look(SKEW_MS), null)
  for (const stepMs of [SKEW_MS + 1, -SKEW_MS - 1]) {
    clock.stepWall(stepMs)
    assert.match(watch.look(SKEW_MS) ?? '', new RegExp(`stepped by ${stepMs} ms`))
    assert.equal(watch.look(SKEW_MS), null)
  }
  clock.stepWall(CLOCK_STEP_MS_MIN)
  assert.equal(watch.look(0), null)
})

test('a machine that slept is known by its boot clock, also when its wall clock was set back meanwhile', () => {
  const { clock, watch } = watched()
  watch.look(SKEW_MS)
  clock.suspend(SKEW_MS)
  assert.equal(watch.look(SKEW_MS), null)
  for (const setBackMs of [0, SKEW_MS + 1, 60_000]) {
    clock.suspend(SKEW_MS + 1)
    clock.stepWall(-setBackMs)
    assert.match(watch.look(SKEW_MS) ?? '', new RegExp(`slept for ${SKEW_MS + 1} ms`))
    assert.equal(watch.look(SKEW_MS), null)
  }
})

test('the median decides, and of two in the middle the one that accuses this clock less', () => {
  const cases: [readonly number[], number | null, boolean][] = [
    [[], null, true],
    [[3], 3, true],
    [[-501], -501, false],
    [[0, 300_000], 0, true],
    [[-300_000, -300_000], -300_000, false],
    [[-2, 4, 300_000], 4, true],
    [[-300_000, 600, 700], 600, false],
  ]
  for (const [offsets, offsetMs, trusted] of cases) {
    const { watch, trust } = watched()
    for (const [at, each] of offsets.entries()) watch.note(DIDS[at] as Did, each)
    assert.deepEqual(trust(), { offsetMs, trusted })
  }
})

test('a witness that has not answered within the staleness, or is none, has no say', async () => {
  const { clock, watch, trust } = watched()
  watch.note(A, 9_000)
  assert.equal(trust([B, C]).offsetMs, null)
  await clock.advance(STALENESS_MS)
  assert.equal(trust().trusted, false)
  await clock.advance(1)
  assert.deepEqual(trust(), { offsetMs: null, trusted: true })
})

test('a clock behind what is durable is not believed until a witness says the same', () => {
  const clock = new VirtualClock(1)
  const { watch, trust } = watched(clock.wallMs() + SKEW_MS + 1)
  assert.equal(trust().trusted, false)
  watch.note(A, 900)
  assert.equal(trust().trusted, false)
  watch.note(A, 3)
  assert.equal(trust().trusted, true)
  watch.forget()
  assert.equal(trust().trusted, false)
})
