/**
 * One admitted member floods gossip (FAULTS 37, 75; L6): with what is nothing,
 * with statements that nobody in a role signed, with requests for what is not
 * there, with subscriptions. Honest callers are answered, and no honest
 * statement is lost. Ratios are printed, not asserted: they are the machine's.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { formatEnvelope } from '../../src/core/dsse.ts'
import { signerOf } from '../../src/core/keys.ts'
import { formatSyncRequest } from '../../src/mesh/sync-frames.ts'
import { signedFreeze } from './artisan.ts'
import { comparison, cpuOf, honestCaller, rssOf, watched } from './gauges.ts'
import { graft, ihave, iwant, message, prune, type RawGossip, subscription } from './raw-gossip.ts'
import { row } from './row.ts'
import { pause, Siege } from './siege.ts'

const FLOOD_MS = 5_000
const QUIET_MS = 4_000
let siege: Siege
let honest: Awaited<ReturnType<typeof honestCaller>>

before(async () => {
  siege = await Siege.begin()
  honest = await honestCaller(siege.atlas)
})

after(() => siege[Symbol.asyncDispose]())

/** Sends what it makes in turn, as much as the other side takes in. */
async function pour(
  gossip: () => Promise<RawGossip>,
  frames: (n: number) => readonly Uint8Array[],
) {
  let [open, sent, reopened] = [await gossip(), 0, 0]
  for (const untilMs = performance.now() + FLOOD_MS; performance.now() < untilMs; ) {
    for (let i = 0; i < 100; i += 1) {
      if (!open.send(...frames(sent))) break
      sent += 1
    }
    await pause(10)
    if (open.open) continue
    // It was cut: it comes again.
    reopened += 1
    open = await gossip().catch(() => open)
    await pause(50)
  }
  return { sent, reopened }
}

/** A stream of gossip, on a new connection where the last one was cut. */
const opener = () => {
  let connection: Connection | null = null
  return async () => {
    if (connection?.status !== 'open') connection = await siege.greeted()
    return siege.mallory.gossip(connection)
  }
}

const stranger = signerOf(randomBytes(32))
/** In every form, signed by a key without a role, and never the same. */
const unsigned = (n: number) =>
  formatSyncRequest({
    ask: 'push',
    blobs: [formatEnvelope(signedFreeze(siege.mesh, `forged-${n}`, n + 1, [stranger]))],
  })

const FLOODS: Readonly<
  Record<string, readonly [signed: boolean, (n: number) => readonly Uint8Array[]]>
> = {
  'messages that are nothing': [false, () => [message(siege.topic, randomBytes(200))]],
  'statements that nobody in a role signed': [true, (n) => [message(siege.topic, unsigned(n))]],
  'IHAVE and IWANT': [
    false,
    () => [
      ihave(
        siege.topic,
        Array.from({ length: 500 }, () => randomBytes(20)),
      ),
      iwant(Array.from({ length: 500 }, () => randomBytes(20))),
    ],
  ],
  'subscriptions, GRAFT and PRUNE': [
    false,
    (n) => [
      ...Array.from({ length: 5_000 }, (_, i) => subscription(`/meshd/${n}/${i}`)),
      graft(siege.topic, 100),
      prune(siege.topic),
      graft('/none'),
    ],
  ],
}

for (const [what, [signed, frames]] of Object.entries(FLOODS))
  test(`under a flood of ${what} from one member the honest are answered, and nothing they sign is lost`, async (t) => {
    const { atlas } = siege
    // The honest do the same with and without a flood: what a freeze costs is no work of the flood.
    const [quiet, before] = await Promise.all([
      watched(atlas, honest, QUIET_MS),
      siege.freezeFor(QUIET_MS - 1_000),
    ])
    const [rssBefore, cpuBefore] = [rssOf(atlas), cpuOf(atlas)]
    const attack = pour(opener(), frames)
    const [flood, names, attacked] = await Promise.all([
      attack,
      siege.freezeFor(FLOOD_MS - 1_000),
      watched(atlas, honest, FLOOD_MS, () => attack),
    ])
    const cpu = (cpuOf(atlas) - cpuBefore).toFixed(1)
    assert.ok(names.length > 0)
    assert.equal(attacked.load.allows, attacked.load.answers)
    const missing = await siege.lost([...before, ...names])
    assert.equal(missing, 0)
    const metric = `${flood.sent} frames, cut ${flood.reopened} times; ${comparison(quiet, attacked)}; ${missing} of ${names.length} honest statements lost; RSS +${rssOf(atlas) - rssBefore} MiB, ${cpu} s of CPU`
    row(t, 75, metric)
    if (signed) row(t, 37, metric)
  })

test('no daemon told of a bug', () => {
  assert.deepEqual(siege.bugs(), [])
})
