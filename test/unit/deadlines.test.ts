/** Nobody waits longer than its own end, whoever else waits; and what comes in time is given. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines } from '../../src/mesh/deadlines.ts'
import { VirtualClock } from '../sim/clock.ts'

const never = new Promise<string>(() => undefined)

test('one that ends sooner is late at its own time, though it came after one that ends later', async () => {
  const clock = new VirtualClock()
  const deadlines = new Deadlines(clock)
  const late: [string, number][] = []
  const wait = (name: string, endsMs: number) =>
    deadlines.within(never, endsMs).then(() => late.push([name, clock.monotonicMs()]))
  const all = [wait('a', 2000), wait('b', 100), wait('c', 900)]
  await clock.until(Promise.all(all))
  assert.deepEqual(late, [
    ['b', 100],
    ['c', 900],
    ['a', 2000],
  ])
})

test('each is late exactly at its end, or gives what came before it', async () => {
  const plan = fc.array(
    fc.record({ startMs: fc.nat(50), endsMs: fc.nat(100), doneMs: fc.nat(100) }),
    { maxLength: 20 },
  )
  await fc.assert(
    fc.asyncProperty(plan, async (waits) => {
      const clock = new VirtualClock()
      const deadlines = new Deadlines(clock)
      const seen = waits.map(async ({ startMs, endsMs, doneMs }) => {
        await clock.sleep(startMs)
        const done = clock.sleep(doneMs).then(() => 'done')
        const given = await deadlines.within(done, startMs + endsMs)
        return [given, clock.monotonicMs() - startMs] as const
      })
      const got = await clock.until(Promise.all(seen))
      for (const [i, { endsMs, doneMs }] of waits.entries()) {
        const [given, tookMs] = got[i] ?? assert.fail()
        assert.equal(tookMs, Math.min(endsMs, doneMs))
        if (endsMs !== doneMs) assert.equal(given, endsMs < doneMs ? 'late' : 'done')
      }
    }),
  )
})

test('what rejects in time rejects, and an end that has passed is late at once', async () => {
  const clock = new VirtualClock()
  const deadlines = new Deadlines(clock)
  await assert.rejects(deadlines.within(Promise.reject(new Error('EIO')), 10), /EIO/)
  await clock.advance(20)
  assert.equal(await deadlines.within(never, 20), 'late')
})

test('after a time with nobody waiting the next one is late in time too', async () => {
  const clock = new VirtualClock()
  const deadlines = new Deadlines(clock)
  assert.equal(await deadlines.within(Promise.resolve('done'), 50), 'done')
  await clock.advance(500)
  assert.equal(await clock.until(deadlines.within(never, 600)), 'late')
  assert.equal(clock.monotonicMs(), 600)
})

test('a clock that stops short of the end by less than it can tell apart does not hold it up', async () => {
  const world = new VirtualClock()
  await world.advance(13_912)
  // Sums of fractions: a sleep ends a rounding error early, and the rest is no time at all.
  const clock = {
    wallMs: () => world.wallMs(),
    monotonicMs: () => world.monotonicMs(),
    bootMs: () => world.bootMs(),
    sleep: (ms: number, signal?: AbortSignal) => world.sleep(ms < 1e-6 ? 0 : ms - 1e-9, signal),
  }
  const late = new Deadlines(clock).within(never, 13_912.7)
  assert.equal(await world.until(late), 'late')
  assert.ok(world.monotonicMs() < 13_915)
})
