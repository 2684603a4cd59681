/** Two hundred that join at once by one member (FAULTS 54): all of them are members in the end, everywhere, and honest callers are answered meanwhile. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { agreed } from '../e2e/lab.ts'
import { Attacker } from './attacker.ts'
import { comparison, honestCaller, rssOf, watched } from './gauges.ts'
import { row } from './row.ts'
import { pause, Siege } from './siege.ts'

const JOINERS = 200
const QUIET_MS = 3_000
/** Measured beside them for so long; they may take longer. */
const WITHIN_MS = 5_000
const AGAIN_MS = 250
const ALL_MS_MAX = 120_000

let siege: Siege
let honest: Awaited<ReturnType<typeof honestCaller>>

before(async () => {
  siege = await Siege.begin()
  honest = await honestCaller(siege.atlas)
})

after(() => siege[Symbol.asyncDispose]())

async function members(): Promise<number> {
  const { items } = await siege.borealis.ask<{ items: readonly { state: string }[] }>(
    'peer',
    'list',
  )
  return items.filter(({ state }) => state !== 'pending').length
}

/** Asks again like a daemon whose connection was cut. @returns how often, and when it was let in */
async function join(joiner: Attacker, invite: string, address: string) {
  const untilMs = performance.now() + ALL_MS_MAX
  for (let again = 0; performance.now() < untilMs; again += 1) {
    const said = await joiner
      .dial(address)
      .then((connection) => joiner.hello(connection, { mesh: siege.mesh, invite }))
      .catch(() => null)
    if (said?.['result'] === 'member') return { again, atMs: performance.now() }
    await pause(AGAIN_MS)
  }
  throw new Error('not let in')
}

test('two hundred that join at once are members on every node, and honest callers are answered', async (t) => {
  const { atlas, borealis } = siege
  const lines: string[] = []
  for (let i = 0; i < JOINERS; i += 1) lines.push(await siege.invite(`joiner-${i}`))
  const [address, there, rssBefore] = [await siege.address(), await members(), rssOf(atlas)]
  const joiners = await Promise.all(lines.map(() => Attacker.start()))
  t.after(() => Promise.all(joiners.map((each) => each[Symbol.asyncDispose]())))
  const quiet = await watched(atlas, honest, QUIET_MS)

  const beganMs = performance.now()
  const all = Promise.all(joiners.map((each, i) => join(each, lines[i] ?? '', address)))
  const [attacked, joined] = await Promise.all([watched(atlas, honest, WITHIN_MS, () => all), all])
  const tookS = joined.map(({ atMs }) => (atMs - beganMs) / 1000).sort((a, b) => a - b)
  const inTime = tookS.filter((s) => s <= WITHIN_MS / 1000).length
  const agreedS = await agreed(atlas, borealis)
  assert.equal((await members()) - there, JOINERS)
  assert.deepEqual(siege.bugs(), [])
  row(
    t,
    54,
    `${JOINERS} joins at once: ${inTime} of them within ${WITHIN_MS / 1000} s, all in ${tookS.at(-1)?.toFixed(1)} s, ${joined.filter(({ again }) => again > 0).length} had to ask again; ${JOINERS} members on the other node ${agreedS} s later; RSS +${rssOf(atlas) - rssBefore} MiB; ${comparison(quiet, attacked)}`,
  )
})
