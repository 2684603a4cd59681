/** Events of a real log on a simulated disk: nothing is missed or told twice, and nobody's slowness is anybody else's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventHub, type Live } from '../../src/api/event-hub.ts'
import { EventStream, type Look, type Wants } from '../../src/api/event-stream.ts'
import type { Out } from '../../src/api/stream.ts'
import { type EventPlace, parseEventPlace } from '../../src/core/event-place.ts'
import type { Did } from '../../src/core/keys.ts'
import {
  EVENT_COMMENT_MS,
  EVENT_LOOK_MS,
  EVENT_STALL_MS,
  EVENT_STREAMS_PER_CALLER_MAX,
  EVENTS_WAITING_MAX,
} from '../../src/core/limits.ts'
import { Log } from '../../src/mesh/log.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'

const NODE = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' as Did
const CALLER = {
  ...{ principal: null, name: null, uid: 7, gid: 7, pid: 7, socket: '/s', asserts: [] },
  identified: true,
}
const ALL: Wants = {
  types: new Set(['system', 'epoch', 'execution', 'lease']),
  matches: () => true,
  own: null,
}

/** Who listens: it keeps what it is given, and may stop taking it. */
class Client implements Out {
  readonly #gone = new AbortController()
  readonly #drained: (() => void)[] = []
  text = ''
  full = false

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  caller = () => CALLER

  write(text: string): void {
    this.text += text
  }

  drained(): Promise<void> {
    return new Promise((done) => this.#drained.push(done))
  }

  take(): void {
    this.full = false
    for (const done of this.#drained.splice(0)) done()
  }

  leave(): void {
    this.#gone.abort()
  }

  /** As an EventSource would dispatch them. */
  get events(): readonly {
    readonly type: string
    readonly data: { readonly [key: string]: unknown }
  }[] {
    return this.text.split('\n\n').flatMap((block) => {
      const type = /^event: (.*)$/m.exec(block)?.[1]
      const data = [...block.matchAll(/^data: (.*)$/gm)].map(([, line]) => line)
      return type === undefined ? [] : [{ type, data: JSON.parse(data.join('\n')) }]
    })
  }

  get details(): readonly unknown[] {
    return this.events.flatMap(({ data }) => {
      const leaf = data['leaf'] as { detail?: string } | undefined
      return leaf?.detail === undefined ? [] : [leaf.detail]
    })
  }

  get gaps(): readonly object[] {
    return this.events.flatMap(({ type, data }) => (type === 'gap' ? [data] : []))
  }

  get last(): EventPlace {
    return parseEventPlace([...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '')
  }
}

async function world() {
  const clock = new VirtualClock()
  const store = await DiskStore.open(new Disk(clock))
  const log = await Log.open({ store, clock, node: NODE })
  log.openForAppends()
  const reader = new LogReader({ log, store })
  const reads: number[] = []
  const pruned = { below: 0 }
  const node = {
    ...{ log, records: { of: () => null } },
    reader: {
      get least() {
        return pruned.below
      },
      range: (first: number, count: number) => {
        reads.push(first)
        return reader.range(first, count)
      },
      exhibits: (first: number, count: number) => reader.exhibits(first, count),
    },
  }
  const hub = new EventHub(node)
  let written = 0
  const append = async (count = 1) => {
    const drafts = Array.from({ length: count }, () => `${written++}`)
    await clock.until(
      Promise.all(drafts.map((detail) => log.append({ type: 'system', event: 'test', detail }))),
    )
    await clock.settle()
  }
  const looks: Look[] = []
  const listen = async (after: EventPlace | null, wants = ALL, owner = 'uid=7') => {
    const client = new Client()
    const stream = new EventStream({ hub, clock, looks: () => looks }, wants, owner, after)
    const done = stream.follow(client)
    await clock.settle()
    return { client, done }
  }
  return { clock, log, hub, append, listen, looks, reads, pruned }
}

const numbers = (count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => `${first + i}`)

test('a record is an event as soon as it is durable, named by its place in the log', async () => {
  const { append, listen, clock } = await world()
  await append(2)
  const { client, done } = await listen(null)
  assert.equal(client.text, 'retry: 1000\nid: 1.1\n\n', 'what was before is not told')
  await append(1)
  assert.match(
    client.text,
    /\n\nid: 1\.2\nevent: system\ndata: \{"id":"sha256:[0-9a-f]{64}","index":2,/,
  )
  client.leave()
  await clock.until(done)
})

test('however often a client comes and goes, each record is told once, and in order', async () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
      { weight: 1, arbitrary: fc.constant(300) },
      { weight: 2, arbitrary: fc.constantFrom('leave' as const, 'come' as const) },
    ),
    { maxLength: 12 },
  )
  const runs = fc.asyncProperty(steps, async (does) => {
    const { append, listen, clock } = await world()
    await append(1)
    let at = { epoch: 1, index: 0 }
    let listening: Awaited<ReturnType<typeof listen>> | null = null
    const told: unknown[] = []
    const leave = async () => {
      if (listening === null) return
      await clock.settle()
      told.push(...listening.client.details)
      at = listening.client.last
      listening.client.leave()
      await clock.until(listening.done)
      listening = null
    }
    let total = 0
    for (const step of does) {
      if (step === 'leave') await leave()
      else if (step === 'come') listening ??= await listen(at)
      else {
        await append(step)
        total += step
      }
    }
    listening ??= await listen(at)
    await clock.advance(EVENT_LOOK_MS)
    await leave()
    assert.deepEqual(told, numbers(total, 1))
  })
  await fc.assert(runs, { numRuns: 15 })
})

test('who listens at the end is told from memory; who is behind, from disk', async () => {
  const { append, listen, reads } = await world()
  await append(10)
  const [late] = [await listen({ epoch: 1, index: 3 }), await listen(null), await listen(null)]
  assert.deepEqual(reads, [4])
  await append(5)
  assert.deepEqual(reads, [4], 'a record is read for nobody once it was printed')
  assert.deepEqual(late.client.details, numbers(11, 4))
})

test('no text in a record ends a line, or an event', async () => {
  const { log, listen, clock } = await world()
  const { client } = await listen(null)
  const evil = fc.constantFrom('\n', '\r', '\n\ndata: x', '\u2028', '\u0000')
  const texts = fc.array(fc.oneof(fc.string(), evil))
  const details = fc.sample(texts, 50).map((parts) => parts.join('').toWellFormed())
  const append = (detail: string) => log.append({ type: 'system', event: 'test', detail })
  await clock.until(Promise.all(details.map(append)))
  await clock.settle()
  assert.deepEqual(client.details, details)
  assert.equal(client.text.includes('\r'), false)
})

test('what is gone is said: of a log that was retired, that was pruned, that is shorter now', async () => {
  const { append, listen, log, clock, pruned } = await world()
  await append(9)
  pruned.below = 5
  const late = await listen({ epoch: 1, index: 1 })
  assert.deepEqual(late.client.gaps, [{ why: 'pruned', epoch: 1, from: 2, to: 5 }])
  assert.deepEqual(late.client.details, numbers(4, 5))
  const ahead = await listen({ epoch: 1, index: 11 })
  assert.deepEqual(ahead.client.gaps, [{ why: 'ahead', epoch: 1, from: 9, to: 12 }])
  const running = await listen({ epoch: 1, index: 7 })
  await append(1)
  assert.deepEqual(running.client.details, ['8', '9'])
  pruned.below = 0
  await clock.until(log.retire(2, { type: 'epoch', detail: 'retired' }))
  await clock.settle()
  assert.deepEqual(running.client.gaps, [{ why: 'epoch', epoch: 1, from: 10, to: null }])
  await append(9)
  await append(3)
  assert.deepEqual(running.client.details, ['8', '9', 'retired', ...numbers(12, 10)])
  const old = await listen({ epoch: 1, index: 3 })
  assert.deepEqual(old.client.gaps, [{ why: 'epoch', epoch: 1, from: 4, to: null }])
  const unknown = await listen({ epoch: 5, index: 3 })
  assert.deepEqual(unknown.client.gaps, [{ why: 'ahead', epoch: 5, from: 4, to: null }])
  assert.deepEqual(unknown.client.details, ['retired', ...numbers(12, 10)])
})

test('types and filters leave out the others, and the place moves on all the same', async () => {
  const { append, listen, clock } = await world()
  const even = ({ place }: { place: EventPlace }) => place.index % 2 === 0
  const { client } = await listen(null, { ...ALL, matches: even })
  const other = await listen(null, { ...ALL, types: new Set(['decision']) })
  const mine = await listen(null, {
    ...ALL,
    own: { record: async (told) => !even(told), live: async () => false },
  })
  await append(6)
  assert.deepEqual(client.details, ['0', '2', '4'])
  assert.deepEqual(mine.client.details, ['1', '3', '5'])
  await clock.advance(EVENT_COMMENT_MS)
  assert.deepEqual(other.client.details, [])
  assert.equal(other.client.text, 'retry: 1000\n\n:\nid: 1.5\n\n')
})

const live = (n: number): Live => ({ type: 'execution', data: { n }, owner: 'uid=7' })

test('what is no record has no id, and is told to who may see it', async () => {
  const { hub, listen, clock } = await world()
  const { client } = await listen(null)
  const other = await listen(null, {
    ...ALL,
    own: { record: async () => false, live: async () => false },
  })
  hub.offer(live(1))
  hub.offer({ ...live(2), type: 'peer' })
  await clock.settle()
  assert.equal(client.text, 'retry: 1000\n\nevent: execution\ndata: {"n":1}\n\n')
  assert.deepEqual(other.client.events, [])
})

test('what is looked at is told once as it is, and when it changes', async () => {
  const { looks, listen, clock } = await world()
  const look = (key: string): Look => ({
    ...{ name: 'lease', key },
    live: { type: 'lease', data: { key }, owner: null },
  })
  looks.push(look('held'))
  const { client } = await listen(null)
  await clock.advance(3 * EVENT_LOOK_MS)
  looks[0] = look('lost')
  await clock.advance(3 * EVENT_LOOK_MS)
  assert.deepEqual(
    client.events.map(({ data }) => data['key']),
    ['held', 'lost'],
  )
})

test('a client that takes nothing is told the gap and sent away, and comes back to all of it', async () => {
  const { append, listen, clock } = await world()
  await append(1)
  const { client, done } = await listen(null)
  client.full = true
  await append(1)
  await append(39)
  assert.deepEqual(client.details, ['1'], 'nothing is kept for it but what was on its way')
  await clock.advance(EVENT_STALL_MS)
  await clock.until(done)
  assert.deepEqual(client.gaps, [{ why: 'overflow', epoch: 1, from: 1, to: 41 }])
  // What was on its way may have been lost: it was the gap's to say.
  const again = await listen({ epoch: 1, index: 0 })
  assert.deepEqual(again.client.details, numbers(40, 1))
})

test('a slow client is waited for, and the others are not held up', async () => {
  const { append, listen, clock } = await world()
  const [slow, quick] = [await listen(null), await listen(null)]
  slow.client.full = true
  await append(5)
  assert.deepEqual(quick.client.details, numbers(5))
  await clock.advance(EVENT_STALL_MS - 1)
  slow.client.take()
  await clock.settle()
  assert.deepEqual(slow.client.details, numbers(5))
  assert.deepEqual(slow.client.gaps, [])
})

test('more than waits for one client overflows it: the gap is told, and it is sent away', async () => {
  const { append, hub, listen, clock } = await world()
  const { client, done } = await listen(null)
  client.full = true
  await append(1)
  for (let n = 0; n <= EVENTS_WAITING_MAX; n += 1) hub.offer(live(n))
  client.take()
  await clock.until(done)
  assert.equal(client.gaps.length, 1)
  assert.ok(client.events.length <= EVENTS_WAITING_MAX + 2)
})

test('streams are bounded, for each caller below all of them, and a place is free again at the end', async () => {
  const { hub, listen, clock } = await world()
  const open = []
  for (let n = 0; n < EVENT_STREAMS_PER_CALLER_MAX; n += 1) open.push(await listen(null))
  assert.throws(() => hub.checkRoom('uid=7'), { code: 'TOO_MANY' })
  hub.checkRoom('uid=8')
  open[0]?.client.leave()
  await clock.until(open[0]?.done ?? Promise.resolve())
  hub.checkRoom('uid=7')
})
