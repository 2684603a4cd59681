/**
 * An admitted member on its streams (FAULTS 59, 64, 79, 133, 134; L6): it sends
 * what never ends, lies to whoever syncs with it, asks without an end, and
 * stays where it is when it is suspended.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { concat, toBase64, toHex, utf8 } from '../../src/core/bytes.ts'
import { type StatementId, sha256Hex } from '../../src/core/id.ts'
import {
  ASKS_PER_PEER_MAX,
  ASKS_PER_PEER_PER_S,
  NONCE_BYTES,
  READ_RECORDS,
  STATE_ASKS_PER_PEER_PER_S,
} from '../../src/core/limits.ts'
import { fourBytes } from '../../src/mesh/frames.ts'
import { formatLineageRequest } from '../../src/mesh/lineage-frames.ts'
import { formatLogRequest } from '../../src/mesh/log-frames.ts'
import type { Protocol } from '../../src/mesh/ports.ts'
import { formatStateQuestion } from '../../src/mesh/state-frames.ts'
import {
  formatSyncAnswer,
  formatSyncRequest,
  parseSyncRequest,
} from '../../src/mesh/sync-frames.ts'
import { authorize, eventually } from '../e2e/lab.ts'
import { Attacker } from './attacker.ts'
import { comparison, handlesOf, honestCaller, rssOf, watched } from './gauges.ts'
import { message } from './raw-gossip.ts'
import { row } from './row.ts'
import { pause, Siege } from './siege.ts'

const ATTACK_MS = 4_000
/** Whatever the machine does meanwhile. */
const ATTACK_AND_MORE_S = 5

let siege: Siege
let honest: Awaited<ReturnType<typeof honestCaller>>

before(async () => {
  siege = await Siege.begin()
  honest = await honestCaller(siege.atlas)
})

after(() => siege[Symbol.asyncDispose]())

test('oversize, endless and slow frames cost one stream each and end by their deadline', async (t) => {
  const { atlas, mallory } = siege
  const [quiet, rssBefore] = [await watched(atlas, honest, 3_000), rssOf(atlas)]
  const connection = await siege.greeted()
  const ended: number[] = []
  let sent = 0
  const drip = async (first: Uint8Array, next: Uint8Array, everyMs: number) => {
    const beganMs = performance.now()
    const stream = await mallory.send(connection, 'sync', first)
    while (stream.status === 'open' && performance.now() - beganMs < 10_000) {
      stream.send(next)
      sent += next.length
      await pause(everyMs)
    }
    ended.push(performance.now() - beganMs)
  }
  const attack = () =>
    Promise.all([
      drip(fourBytes(0xffff_ffff), new Uint8Array(4_096), 5),
      drip(fourBytes(1024 * 1024), new Uint8Array(16_384), 1),
      drip(fourBytes(1024 * 1024), new Uint8Array(1), 100),
      drip(new Uint8Array(1), new Uint8Array(0), 100),
      ...Array.from({ length: 12 }, () => drip(fourBytes(900_000), Uint8Array.of(0x7b), 50)),
    ])
  const attacked = await watched(atlas, honest, 3_000, attack)
  const longest = Math.max(...ended) / 1000
  assert.ok(longest < 8, `${longest} s`)
  assert.equal(attacked.load.allows, attacked.load.answers)
  row(
    t,
    64,
    `${ended.length} streams, ${sent} bytes, the longest ${longest.toFixed(1)} s; RSS +${rssOf(atlas) - rssBefore} MiB; ${comparison(quiet, attacked)}`,
  )
})

/** A tree of ids that nobody has, another one each time. */
function invented(request: Uint8Array): Uint8Array | null {
  const asked = parseSyncRequest(request)
  if (asked.ask === 'compare') {
    const leaves = [{ key: toHex(randomBytes(32)), hash: toHex(randomBytes(32)) }]
    const [leaf] = leaves as [(typeof leaves)[number]]
    const envelopes = sha256Hex(utf8(`leaf ${leaf.key} ${leaf.hash}`))
    const part = { as: 'list', prefix: '', leaves } as const
    const summary = { ...asked.summary, envelopes, root: 9_999 }
    const incarnation = toBase64(randomBytes(NONCE_BYTES))
    const tops = [{ tree: 'envelopes' as const, part }]
    return formatSyncAnswer({ say: 'summary', incarnation, summary, tops })
  }
  if (asked.ask === 'roots') return formatSyncAnswer({ say: 'roots', more: true, blobs: [] })
  if (asked.ask === 'fetch')
    return formatSyncAnswer({ say: 'statements', missing: asked.ids, blobs: [] })
  return null
}

test('who syncs with a liar believes nothing, asks a few times, and syncs with the others', async (t) => {
  const { mallory } = siege
  await siege.greeted()
  const before = await siege.digest()
  mallory.asked.clear()
  mallory.answering = async (protocol, request) => (protocol === 'sync' ? invented(request) : null)
  await eventually(
    'it is asked',
    async () => mallory.asked.get('sync') ?? 0,
    (count) => count > 0,
    30_000,
  )
  await pause(8_000)
  const rounds = mallory.asked.get('sync') ?? 0
  mallory.answering = async () => null
  assert.equal(await siege.digest(), before)
  const names = await siege.freezeFor(1)
  assert.equal(await siege.lost(names), 0)
  assert.ok(rounds < 40, `${rounds} rounds`)
  const metric = `asked ${rounds} times in 8 s, nothing believed, 0 of ${names.length} honest statements lost`
  row(t, 133, metric)
})

/** An honest caller asks meanwhile. */
async function attacked(attack: () => Promise<unknown>): Promise<string> {
  const { atlas } = siege
  const quiet = await watched(atlas, honest, ATTACK_MS)
  const under = await watched(atlas, honest, ATTACK_MS, attack)
  assert.equal(under.load.allows, under.load.answers)
  return comparison(quiet, under)
}

/** Asked as fast as may be, as much at once as is answered. */
async function besieged(...floods: readonly (readonly [Protocol, readonly Uint8Array[]])[]) {
  const { mallory } = siege
  const connection = await siege.greeted()
  let [asked, answered, bytes] = [0, 0, 0]
  const ask = async (protocol: Protocol, questions: readonly Uint8Array[], untilMs: number) => {
    while (performance.now() < untilMs) {
      const question = questions[asked++ % questions.length] as Uint8Array
      const answer = await mallory.ask(connection, protocol, question).catch(() => null)
      answered += answer === null ? 0 : 1
      bytes += answer?.length ?? 0
    }
  }
  const each = Math.floor(ASKS_PER_PEER_MAX / floods.length)
  const metric = await attacked(() => {
    const untilMs = performance.now() + ATTACK_MS
    const asking = floods.flatMap((flood) =>
      Array.from({ length: each }, () => ask(...flood, untilMs)),
    )
    return Promise.all(asking)
  })
  return { asked, answered, bytes, metric }
}

test('the other side of sync: ground prefixes, walks and fetches without an end are bounded', async (t) => {
  const prefixes = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))
  const questions = [
    formatSyncRequest({ ask: 'walk', tree: 'envelopes', nodes: prefixes, lists: prefixes }),
    formatSyncRequest({
      ask: 'fetch',
      ids: Array.from({ length: 1_024 }, () => `sha256:${toHex(randomBytes(32))}` as StatementId),
    }),
    formatSyncRequest({ ask: 'roots', from: 0 }),
    formatSyncRequest({
      ask: 'addresses',
      have: Array.from({ length: 1_000 }, () => toHex(randomBytes(32))),
      blobs: [],
    }),
    concat(
      utf8('{"ask":"walk","lists":[],"nodes":["'),
      utf8('a'.repeat(70)),
      utf8('"],"tree":"envelopes"}\n'),
    ),
  ]
  const { asked, answered, bytes, metric } = await besieged(['sync', questions])
  assert.ok(answered > 0)
  assert.ok(answered <= ASKS_PER_PEER_PER_S * ATTACK_AND_MORE_S, `${answered}`)
  row(t, 134, `${asked} questions, ${answered} answers of ${bytes} bytes; ${metric}`)
})

test('asked without an end on every other protocol at once, a node answers the honest', async (t) => {
  const id: StatementId = `sha256:${'1'.repeat(64)}`
  const { asked, answered, metric } = await besieged(
    [
      'log',
      [
        formatLogRequest({ ask: 'records', epoch: 1, first: 0, count: READ_RECORDS }),
        formatLogRequest({ ask: 'consistency', epoch: 1, from: 3, to: 900 }),
      ],
    ],
    [
      'state',
      [formatStateQuestion({ nonce: toBase64(randomBytes(NONCE_BYTES)), ids: [], own: true })],
    ],
    ['lineage', [formatLineageRequest({ ask: 'receipt', id })]],
  )
  assert.ok(answered > 0)
  const perSecond = ASKS_PER_PEER_PER_S + STATE_ASKS_PER_PEER_PER_S
  assert.ok(answered <= perSecond * ATTACK_AND_MORE_S, `${answered}`)
  row(t, 134, `on the other protocols ${asked} questions, ${answered} answers; ${metric}`)
})

test('questions as large as may be, more of them than are answered, cost a share of the node', async (t) => {
  const { mallory } = siege
  const connection = await siege.greeted()
  const blob = concat(fourBytes(900_000), new Uint8Array(900_000))
  const question = concat(utf8('{"ask":"push"}\n'), blob)
  let sent = 0
  const ask = async (untilMs: number) => {
    for (; performance.now() < untilMs; sent += question.length)
      await mallory.ask(connection, 'sync', question).catch(() => null)
  }
  const metric = await attacked(() => {
    const untilMs = performance.now() + ATTACK_MS
    return Promise.all(Array.from({ length: 4 * ASKS_PER_PEER_MAX }, () => ask(untilMs)))
  })
  row(t, 134, `questions of ${question.length} bytes, ${sent} bytes asked for; ${metric}`)
})

test('streams that are opened and reset at once cost a share of the node', async (t) => {
  const { mallory } = siege
  const connection = await siege.greeted()
  let opened = 0
  const open = async (untilMs: number) => {
    for (; performance.now() < untilMs; opened += 1) {
      const stream = await mallory.send(connection, 'sync', new Uint8Array(4))
      stream.abort(new Error('another one'))
    }
  }
  const metric = await attacked(() => {
    const untilMs = performance.now() + ATTACK_MS
    return Promise.all(Array.from({ length: ASKS_PER_PEER_MAX }, () => open(untilMs)))
  })
  row(t, 79, `${opened} streams opened and reset at once; ${metric}`)
})

test('a thousand streams of a member are bounded, and none of them leaks', async (t) => {
  const { atlas, mallory } = siege
  const before = handlesOf(atlas)
  const connection = await siege.greeted()
  let refused = 0
  const opened = Array.from({ length: 1_000 }, async (_, i) => {
    const name = ['state', 'sync', 'log', 'lineage'][i % 4] as string
    const stream = await mallory.send(connection, name, Uint8Array.of(0)).catch(() => null)
    if (stream === null) refused += 1
    return stream
  })
  const streams = await Promise.all(opened)
  await eventually(
    'all of them end',
    async () => streams.filter((stream) => stream?.status === 'open').length,
    (count) => count === 0,
    10_000,
  )
  assert.equal((await authorize(atlas)).code, null)
  row(
    t,
    79,
    `1,000 streams of a member: ${refused} refused at once, all ended, ${handlesOf(atlas) - before} handles more`,
  )
})

test('a suspended member on open streams hears nothing more, within a second', async (t) => {
  await using eve = await Attacker.start()
  const { atlas, mesh } = siege
  const connection = await siege.admit(eve, 'eve')
  const gossip = await eve.gossip(connection)
  // A question that was begun before, and ends after.
  const half = await eve.send(connection, 'sync', fourBytes(25))
  let [last, counted] = [performance.now(), 0]
  let over = false
  t.after(() => {
    over = true
  })
  const asking = (async () => {
    while (!over) {
      const answer = await eve
        .ask(connection, 'sync', formatSyncRequest({ ask: 'roots', from: 1 }), 200)
        .catch(() => null)
      if (answer !== null) {
        last = performance.now()
        counted += 1
      }
      await pause(10)
    }
  })()
  await eventually(
    'it is answered',
    async () => counted,
    (count) => count > 0,
  )
  await atlas.do('peer', 'suspend', 'eve', '-m', 'INC-5', '--yes', '--wait=committed')
  const acceptedMs = performance.now()
  await eventually(
    'it is cut',
    async () => connection.status,
    (now) => now !== 'open',
    2_000,
  )
  const cutMs = performance.now() - acceptedMs
  const before = eve.leaked
  over = true
  await asking
  if (half.status === 'open') half.send(utf8('{"ask":"roots","from":1}\n'))
  gossip.send(message(siege.topic, randomBytes(10)))
  for (let i = 0; i < 5; i += 1)
    await eve
      .dial(await siege.address())
      .then((again) => eve.hello(again, { mesh }))
      .catch(() => null)
  await pause(500)
  assert.ok(cutMs < 1_000, `${cutMs} ms`)
  assert.ok(last - acceptedMs < 1_000)
  assert.equal(eve.leaked, before)
  row(
    t,
    59,
    `${counted} answers before; the last ${Math.round(last - acceptedMs)} ms and the end ${Math.round(cutMs)} ms after the suspension, then ${eve.leaked - before} bytes on open and new connections`,
  )
})

test('no daemon told of a bug', () => {
  assert.deepEqual(siege.bugs(), [])
})
