/** What a witness cosigns, whatever a log sends; and that it persists before it signs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddCheckpoint } from '../../src/core/add-checkpoint.ts'
import { textOf } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { verifyCosignature } from '../../src/core/cosignature.ts'
import type { Signer } from '../../src/core/keys.ts'
import { COSIGN_INTERVAL_MS } from '../../src/core/limits.ts'
import { Checkpoints } from '../../src/mesh/checkpoints.ts'
import { Witness } from '../../src/mesh/witness.ts'
import { BEGINNING_MS, VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { leavesOf, mth, proof } from './merkle-model.ts'
import { atlas, borealis, corvus, foldOf, type Made, World } from './statements.ts'

const world = new World()
/** corvus is a member; atlas and borealis witness. */
const expiresMs = BEGINNING_MS + 1e10
const members = [atlas, borealis, corvus].map((node) => world.member(node, { expiresMs }))
const [log, other] = [leavesOf(300), leavesOf(301).slice(1)]
const peer = corvus.identity.did
const OFTEN = { say: 'refused', why: 'often' }
const refused = (why: string) => ({ say: 'refused', why })

async function witnessOf(memory = new Memory(), more: readonly Made[] = [], self = atlas) {
  const clock = new VirtualClock()
  const { governance: known } = foldOf(world.mesh, [world.first, ...members, ...more])
  const governance = () => known
  const persist = memory.persist.bind(memory)
  const store = memory as never
  const checkpoints = await Checkpoints.open({ store, persist, governance })
  const contradictions: [number, number][] = []
  const boot = { done: true }
  const witness = await Witness.open({
    ...{ self: self.identity.did, clock, store, boot, checkpoints, governance, persist },
    witness: self.witness,
    contradicted: (a, b) => contradictions.push([a.checkpoint.size, b.checkpoint.size]),
  })
  checkpoints.onContradiction((a, b) => contradictions.push([a.checkpoint.size, b.checkpoint.size]))
  /** After so long that nothing is too soon. */
  const add = async (body: string, by = peer) => {
    await clock.advance(COSIGN_INTERVAL_MS)
    return witness.add(by, body)
  }
  return { clock, memory, witness, checkpoints, add, boot, contradictions }
}

interface Head {
  readonly of?: typeof log
  readonly epoch?: number
  readonly signer?: Signer
  readonly origin?: string
}

function noteOf(size: number, { of = log, epoch = 1, signer = corvus.log, origin }: Head = {}) {
  const name = origin ?? logOrigin(world.mesh, peer, epoch)
  return textOf(signCheckpoint({ origin: name, size, rootHash: mth(of.slice(0, size)) }, signer))
}

/** A request as an honest log makes it. */
function grown(old: number, size: number, head: Head = {}) {
  const hashes = old === 0 || old === size ? [] : proof(old, (head.of ?? log).slice(0, size))
  return formatAddCheckpoint({ old, proof: hashes, note: noteOf(size, head) })
}

test('a log that grows is cosigned, from nothing and from what was cosigned last', async () => {
  const { add, memory } = await witnessOf()
  let old = 0
  for (const size of [0, 1, 2, 7, 8, 256, 300]) {
    const answer = await add(grown(old, size))
    assert.equal(answer.say, 'cosigned')
    const of = { node: atlas.identity.did, key: atlas.witness.did }
    assert.ok(verifyCosignature(noteOf(size), answer.line, of))
    assert.equal(textOf(memory.space('witness').get(`${peer}/1`) ?? new Uint8Array()), noteOf(size))
    old = size
  }
  // The same head again: the line was lost on its way, say.
  assert.equal((await add(grown(300, 300))).say, 'cosigned')
})

test('it tells the size that it saw, to a log that begins elsewhere', async () => {
  const { add } = await witnessOf()
  assert.deepEqual(await add(grown(5, 9)), { say: 'size', size: 0 })
  await add(grown(0, 9))
  for (const old of [0, 8, 10, 200])
    assert.deepEqual(await add(grown(old, 250)), { say: 'size', size: 9 })
  // An older head, or a replayed request: nothing is cosigned backwards.
  assert.deepEqual(await add(grown(0, 5)), { say: 'size', size: 9 })
  assert.deepEqual(await add(grown(0, 9)), { say: 'size', size: 9 })
})

test('what does not continue the log is not cosigned, and changes nothing', async () => {
  const { add } = await witnessOf()
  await add(grown(0, 9))
  const wrong = [
    formatAddCheckpoint({ old: 9, proof: [], note: noteOf(12) }),
    formatAddCheckpoint({ old: 9, proof: proof(9, log.slice(0, 13)), note: noteOf(12) }),
    formatAddCheckpoint({
      old: 9,
      proof: proof(9, log.slice(0, 12)),
      note: noteOf(12, { of: other }),
    }),
    formatAddCheckpoint({ old: 9, proof: [new Uint8Array(32)], note: noteOf(9) }),
    grown(9, 12, { of: other }),
  ]
  for (const body of wrong) assert.deepEqual(await add(body), refused('proof'))
  assert.equal((await add(grown(9, 12))).say, 'cosigned')
})

test('two heads of one size are a contradiction, which is told', async () => {
  const { add, contradictions, checkpoints } = await witnessOf()
  await add(grown(0, 9))
  assert.deepEqual(await add(grown(9, 9, { of: other })), refused('proof'))
  assert.deepEqual(contradictions, [[9, 9]])
  // Also with one that was only heard.
  await checkpoints.offer(peer, noteOf(12, { of: other }))
  assert.deepEqual(await add(grown(9, 12)), refused('proof'))
  assert.deepEqual(contradictions, [
    [9, 9],
    [12, 12],
  ])
})

test('each other condition of a request, cheap ones first', async () => {
  const { add } = await witnessOf()
  const mesh2 = `sha256:${'ab'.repeat(32)}` as const
  const cases: Record<string, [string, string, typeof peer?]> = {
    'no request': ['malformed', 'old 0'],
    'no note': ['malformed', 'old 0\n\nnote\n'],
    'no checkpoint': ['malformed', grown(0, 9).replace('\n9\n', '\n+9\n')],
    'an old size beyond the new one': ['malformed', grown(0, 9).replace('old 0', 'old 10')],
    'another mesh': ['origin', grown(0, 9, { origin: logOrigin(mesh2, peer, 1) })],
    'the log of another node': ['origin', grown(0, 9), borealis.identity.did],
    'an epoch that nobody declared': ['origin', grown(0, 9, { epoch: 2 })],
    'a node that is no member': ['origin', grown(0, 9), corvus.log.did],
    'the signature of another key': ['signature', grown(0, 9, { signer: borealis.log })],
    'the signature of the witness key': ['signature', grown(0, 9, { signer: corvus.witness })],
    'a changed head': ['signature', grown(0, 9).replace('\n9\n', '\n8\n')],
    'a size of 2^32': ['malformed', grown(0, 9).replace('\n9\n', `\n${2 ** 32}\n`)],
    'a size of 2^63': ['malformed', grown(0, 9).replace('\n9\n', '\n9223372036854775808\n')],
  }
  for (const [what, [why, body, by]] of Object.entries(cases))
    assert.deepEqual(await add(body, by), refused(why), what)
})

test('an epoch that was declared is cosigned from nothing, and the one before it no more', async () => {
  const memory = new Memory()
  const before = await witnessOf(memory)
  await before.add(grown(0, 9))
  const { add } = await witnessOf(memory, [world.epoch(corvus)])
  assert.deepEqual(await add(grown(9, 12)), refused('origin'))
  assert.equal((await add(grown(0, 3, { epoch: 2, of: other }))).say, 'cosigned')
})

test('only a witness of the root, with its own key, that was checked since its start, cosigns', async () => {
  const member = await witnessOf(new Memory(), [], corvus)
  assert.deepEqual(await member.add(grown(0, 9)), refused('unready'))
  const key = { ...atlas, witness: borealis.witness }
  assert.deepEqual(
    await (await witnessOf(new Memory(), [], key)).add(grown(0, 9)),
    refused('unready'),
  )
  const { add, boot } = await witnessOf()
  boot.done = false
  assert.deepEqual(await add(grown(0, 9)), refused('unready'))
  boot.done = true
  assert.equal((await add(grown(0, 9))).say, 'cosigned')
})

test('a suspended node is not cosigned', async () => {
  const scope = { kind: 'node', did: peer } as const
  const { add } = await witnessOf(new Memory(), [world.freeze({ scope })])
  assert.deepEqual(await add(grown(0, 9)), refused('origin'))
})

test('it persists, then signs: without the disk there is no line, and after a start it goes on from there', async () => {
  const { add, memory, witness, clock } = await witnessOf()
  memory.hold()
  await clock.advance(COSIGN_INTERVAL_MS)
  let answered = false
  const waiting = witness.add(peer, grown(0, 9)).finally(() => {
    answered = true
  })
  await clock.advance(100)
  assert.equal(answered, false)
  // One at a time for each log.
  assert.deepEqual(await add(grown(0, 9)), OFTEN)
  memory.release()
  assert.equal((await waiting).say, 'cosigned')
  for (const how of ['gone', 'kept'] as const) {
    memory.fail(how)
    assert.deepEqual(await add(grown(9, 20)), refused('unready'), how)
    memory.fail(null)
  }
  // What was not signed binds nobody; what was, always does.
  assert.equal((await add(grown(9, 12))).say, 'cosigned')
  const again = await witnessOf(memory)
  assert.deepEqual(await again.add(grown(0, 20, { of: other })), { say: 'size', size: 12 })
  assert.equal((await again.add(grown(12, 20))).say, 'cosigned')
})

test('after a start a proof begins at whatever others showed of the log: the disk may have forgotten what was cosigned', async () => {
  const memory = new Memory()
  const before = await witnessOf(memory)
  await before.add(grown(0, 9))
  const image = new Map(memory.space('witness'))
  await before.add(grown(9, 20))
  // An older image; peers remember.
  for (const [key, value] of image) memory.space('witness').set(key, value)
  const { add, checkpoints, contradictions } = await witnessOf(memory)
  await checkpoints.offer(peer, noteOf(20))
  assert.deepEqual(await add(grown(9, 30)), { say: 'size', size: 20 })
  assert.deepEqual(await add(grown(20, 30, { of: other })), refused('proof'))
  assert.deepEqual(contradictions, [[20, 30]])
  assert.equal((await add(grown(20, 30))).say, 'cosigned')
  // From then on it knows what it cosigned, and what is heard meanwhile holds nobody up.
  await checkpoints.offer(peer, noteOf(40))
  assert.equal((await add(grown(30, 50))).say, 'cosigned')
})

test('what it cosigned its node is shown when it comes back with less', async () => {
  const { add, checkpoints } = await witnessOf()
  await add(grown(0, 9))
  assert.equal(checkpoints.newest(peer)?.note, noteOf(9))
})

test('a flood is one cosignature in an interval, and little work', async () => {
  const { add, witness, clock, memory } = await witnessOf()
  assert.equal((await add(grown(0, 1))).say, 'cosigned')
  const batches = memory.batches
  for (let size = 2; size < 40; size += 1)
    assert.deepEqual(await witness.add(peer, grown(size - 1, size)), OFTEN)
  assert.equal(memory.batches, batches)
  await clock.advance(COSIGN_INTERVAL_MS)
  // One that learns the size and asks again with it is welcome.
  assert.deepEqual(await witness.add(peer, grown(0, 9)), { say: 'size', size: 1 })
  assert.equal((await witness.add(peer, grown(1, 9))).say, 'cosigned')
  assert.deepEqual(await witness.add(peer, grown(9, 10)), OFTEN)
  // Others are not held up by it.
  const own = logOrigin(world.mesh, borealis.identity.did, 1)
  const body = grown(0, 9, { origin: own, signer: borealis.log })
  assert.equal((await witness.add(borealis.identity.did, body)).say, 'cosigned')
})
