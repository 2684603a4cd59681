/** Which members a log is brought to, and what they are believed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { sha256Hex } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { MIRROR_AWAY_MS, MIRROR_RETRY_MS } from '../../src/core/limits.ts'
import { append, EMPTY, leafHash, rootHash, type Tree } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Log } from '../../src/mesh/log.ts'
import { formatLogAnswer, type LogAnswer, parseLogRequest } from '../../src/mesh/log-frames.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { Mirroring, ranked } from '../../src/mesh/mirroring.ts'
import type { Put } from '../../src/mesh/ports.ts'
import { BEGINNING_MS, VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'
import { atlas, foldOf, keyOf, nodeOf, World } from './statements.ts'

const world = new World()
const expiresMs = BEGINNING_MS + 1e10
const nodes = [atlas, ...['borealis', 'corvus', 'dorado', 'eridanus'].map(nodeOf)]
const members = nodes.map((node) => world.member(node, { expiresMs }))
const self = atlas.identity.did
const others = nodes.slice(1).map(({ identity }) => identity.did)
const order = ranked(self, others)
const draft = { type: 'system', event: 'test', detail: '' }

/** A member that takes what it is brought; or answers otherwise. */
class Member {
  tree: Tree = EMPTY
  pieces = 0
  says: LogAnswer | null = null
  away = false

  answer(bytes: Uint8Array): Uint8Array {
    if (this.away) throw new MeshError('UNREACHABLE', 'away')
    const request = parseLogRequest(bytes)
    assert.ok(request.ask === 'mirror')
    this.pieces += 1
    if (this.says !== null) return formatLogAnswer(this.says)
    if (request.first === this.tree.size)
      for (const record of request.records) this.tree = append(this.tree, leafHash(record))
    const { size } = this.tree
    return formatLogAnswer({ say: 'holds', size, rootHash: rootHash(this.tree) })
  }
}

async function nodeWith(wanted: number, records: number) {
  const clock = new VirtualClock()
  const store = await DiskStore.open(new Disk(clock))
  const log = await Log.open({ store, clock, node: self })
  log.openForAppends()
  await Promise.all(Array.from({ length: records }, () => log.append(draft)))
  const mesh = new Map(order.map((did) => [did, new Member()]))
  const { governance } = foldOf(world.mesh, [world.first, ...members])
  const published: ((checkpoint: Uint8Array) => void)[] = []
  const origin = logOrigin(world.mesh, self, 1)
  const head = () =>
    signCheckpoint({ origin, size: log.tree.size, rootHash: rootHash(log.tree) }, atlas.log)
  const publisher = {
    checkpoint: head(),
    onPublished: (each: (typeof published)[0]) => published.push(each),
  }
  const problems: string[] = []
  const said: string[] = []
  const ports = {
    ...{ clock, store, log, publisher, reader: new LogReader({ log, store }) },
    network: {
      self,
      onPeer: () => {},
      ask: async (peer: Did, _: string, bytes: Uint8Array) =>
        (mesh.get(peer) as Member).answer(bytes),
    },
    statements: { governance, onChange: () => {} } as never,
    wanted: () => wanted,
    persist: (puts: readonly Put[]) => {
      for (const { value } of puts) said.push(textOf(value ?? new Uint8Array()))
      return log.persist(puts)
    },
    problem: (what: string) => problems.push(what),
  }
  const mirroring = await Mirroring.open(ports)
  const stop = new AbortController()
  const running = mirroring.run(stop.signal)
  /** More records, published. */
  const grow = async (count: number) => {
    await Promise.all(Array.from({ length: count }, () => log.append(draft)))
    publisher.checkpoint = head()
    for (const each of published) each(publisher.checkpoint)
  }
  const at = (place: number) => mesh.get(order[place] as Did) as Member
  const end = async () => {
    stop.abort()
    await clock.until(running)
  }
  return { clock, log, mirroring, at, grow, end, problems, said, ports }
}

test('a log is brought to the first n members, whole, and then what is new', async () => {
  const { clock, log, mirroring, at, grow, end, ports } = await nodeWith(2, 600)
  await clock.advance(5_000)
  assert.deepEqual(
    [at(0), at(1), at(2)].map(({ tree }) => tree.size),
    [600, 600, 0],
  )
  assert.deepEqual(at(0).tree, log.tree)
  assert.equal(mirroring.size, 600)
  await grow(3)
  await clock.advance(1_000)
  assert.equal(mirroring.size, 603)
  // With nothing new nobody is asked.
  const { pieces } = at(0)
  await clock.advance(60_000)
  assert.equal(at(0).pieces, pieces)
  await end()
  // It is durable what they said.
  assert.equal((await Mirroring.open(ports)).size, 603)
})

test('one that keeps no copies is passed over, and asked again later', async () => {
  const { clock, mirroring, at, grow, end } = await nodeWith(1, 5)
  at(0).says = { say: 'refused', why: 'absent' }
  await clock.advance(5_000)
  assert.deepEqual(
    [at(0), at(1)].map(({ tree }) => tree.size),
    [0, 5],
  )
  assert.equal(mirroring.size, 5)
  assert.equal(at(0).pieces, 1)
  at(0).says = null
  await clock.advance(MIRROR_RETRY_MS + 2_000)
  await grow(1)
  await clock.advance(5_000)
  assert.equal(at(0).tree.size, 6)
  await end()
})

test('one that holds a copy and is away is waited for; after long the next one is given it', async () => {
  const { clock, mirroring, at, grow, end } = await nodeWith(1, 5)
  await clock.advance(2_000)
  at(0).away = true
  await grow(1)
  await clock.advance(MIRROR_AWAY_MS / 2)
  assert.deepEqual([mirroring.size, at(1).tree.size], [5, 0])
  await clock.advance(MIRROR_AWAY_MS / 2 + 5_000)
  assert.deepEqual([mirroring.size, at(1).tree.size], [6, 6])
  await end()
})

test('a member that says it holds another log, or more than there is, is believed nothing', async () => {
  const { clock, mirroring, at, end, problems } = await nodeWith(1, 5)
  at(0).says = { say: 'holds', size: 5, rootHash: new Uint8Array(32) }
  at(1).says = { say: 'holds', size: 6, rootHash: new Uint8Array(32) }
  at(2).says = { say: 'size', size: 5 }
  await clock.advance(10_000)
  assert.equal(mirroring.size, 5)
  assert.deepEqual([...mirroring.holders().keys()], [order[3]])
  assert.equal(problems.length, 2)
  await end()
})

test('a member whose disk was set back holds as little as it says', async () => {
  const { clock, mirroring, at, grow, end, said } = await nodeWith(1, 5)
  await clock.advance(2_000)
  assert.equal(mirroring.size, 5)
  at(0).tree = EMPTY
  await grow(1)
  await clock.advance(2_000)
  assert.deepEqual(said.slice(-2), ['{"size":0}', '{"size":6}'])
  assert.equal(mirroring.size, 6)
  await end()
})

test("each log has an order of its own, and who leaves changes nobody else's place", () => {
  const dids = Array.from({ length: 40 }, (_, i) => keyOf(`node ${i}`).did)
  const firsts = dids.map(
    (did) =>
      ranked(
        did,
        dids.filter((each) => each !== did),
      )[0],
  )
  assert.ok(new Set(firsts).size > 15, 'copies are spread')
  // Everybody else can tell where: the least hash of both names, with a space between.
  const places = dids.map((did) => sha256Hex(utf8(`${self} ${did}`)))
  const inOrder = ranked(self, dids).map((did) => places[dids.indexOf(did)])
  assert.deepEqual(inOrder, places.toSorted())
  fc.assert(
    fc.property(fc.subarray(dids, { minLength: 1 }), fc.constantFrom(...dids), (some, leaving) => {
      const left = some.filter((each) => each !== leaving)
      assert.deepEqual(
        ranked(self, left),
        ranked(self, some).filter((each) => each !== leaving),
      )
    }),
  )
})
