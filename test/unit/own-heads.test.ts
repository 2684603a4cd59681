/** What every other member holds of this node's own log, asked now. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCheckpoint } from '../../src/core/checkpoint.ts'
import { cosign, withCosignatures } from '../../src/core/cosignature.ts'
import type { Did } from '../../src/core/keys.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Checkpoints } from '../../src/mesh/checkpoints.ts'
import { Cosigned } from '../../src/mesh/cosigned.ts'
import type { LogAnswer, LogRequest } from '../../src/mesh/log-frames.ts'
import { OwnHeads } from '../../src/mesh/own-heads.ts'
import { logKeysOf, OwnLog } from '../../src/mesh/own-log.ts'
import { Memory } from './memory.ts'
import { offer, opened } from './sets.ts'
import { atlas, borealis, corvus, NOW_MS, nodeOf, rootOf, TestLog, World } from './statements.ts'

const dorado = nodeOf('dorado')
const WITNESSES = [atlas, borealis, dorado]
const world = new World(rootOf({ witnesses: WITNESSES.map(({ identity }) => identity.did) }))
const SIZE = 9
const log = new TestLog(world.mesh, corvus)

/** What a peer says: a note that it heard, and one that it knows to be cosigned. */
interface Says {
  readonly heard?: string
  readonly cosigned?: string
}
const absent: LogAnswer = { say: 'refused', why: 'absent' }
const says = ({ heard = '', cosigned }: Says) => {
  return ({ ask }: LogRequest): LogAnswer => {
    if (ask === 'heads') return { say: 'heads', notes: [heard] }
    return cosigned === undefined ? absent : { say: 'checkpoint', note: cosigned }
  }
}
const away = (): LogAnswer => {
  throw new MeshError('UNREACHABLE', 'it is not connected')
}
const well = says({ heard: log.note(SIZE) })

/** corvus asks, with a log of nine records; the others are its witnesses, in this order. */
async function asked(...answers: readonly ((request: LogRequest) => LogAnswer)[]) {
  const memory = new Memory()
  const statements = await opened(world, memory)
  for (const node of [corvus, ...WITNESSES]) await offer(statements, world.member(node))
  const governance = () => statements.governance
  const self = corvus.identity.did
  const persist = (puts: Parameters<Memory['persist']>[0]) => memory.persist(puts)
  const checkpoints = await Checkpoints.open({ store: memory as never, persist, governance })
  const keys = logKeysOf(statements, self)
  const own = new OwnLog({
    ...{ self, checkpoints, logKeys: () => keys },
    log: () => ({ epoch: 1, tree: { size: SIZE, peaks: [] } }),
    rootHashAt: async (size) => readCheckpoint(log.note(size)).rootHash,
  })
  const shown: string[] = []
  const heads = new OwnHeads({
    ...{ self, own, governance, clock: { wallMs: () => NOW_MS } },
    cosigned: await Cosigned.open({ self, store: memory, checkpoints, persist, governance }),
    ask: async (peer, request) => {
      const at = WITNESSES.findIndex(({ identity }) => identity.did === peer)
      return (answers[at] ?? away)(request)
    },
    shown: async (note) => void shown.push(note),
  })
  const { peers, ...tally } = await heads.ask(AbortSignal.timeout(10_000))
  const of = (did: Did) => peers.find(({ peer }) => peer === did)
  return { said: WITNESSES.map(({ identity }) => of(identity.did)), shown, tally }
}

test('what they hold and this log continues is well, its own past included, and who holds nothing says so', async () => {
  const past = says({ heard: log.note(4) })
  const { said, tally, shown } = await asked(well, past, says({}))
  const sizes = said.map((peer) => peer?.heads.map(({ size, standing }) => [size, standing]))
  assert.deepEqual(sizes, [[[SIZE, 'continued']], [[4, 'continued']], []])
  assert.deepEqual(tally, { answered: 3, need: 2 })
  assert.deepEqual(shown, [log.note(SIZE), log.note(4)])
})

test('a larger one is a rollback and another one a second history, each told to what ends the log', async () => {
  const clone = new TestLog(world.mesh, corvus, 3)
  const { said, shown } = await asked(says({ heard: log.note(12) }), says({ heard: clone.note(5) }))
  const found = said.map((peer) => peer?.heads.map(({ size, standing }) => [size, standing]))
  assert.deepEqual(found, [[[12, 'behind']], [[5, 'another']], []])
  assert.deepEqual(shown, [log.note(12), clone.note(5)])
})

test('what witnesses cosigned is shown with who did, and when', async () => {
  const lines = [atlas, borealis].map(({ identity, witness }) =>
    cosign(log.note(12), NOW_MS, identity.did, witness),
  )
  const cosigned = withCosignatures(log.note(12), lines)
  const { said } = await asked(says({ heard: log.note(12), cosigned }))
  const [, head] = said[0]?.heads ?? []
  assert.equal(head?.standing, 'behind')
  assert.deepEqual(
    new Set(head.cosignatures.map(({ witness }) => witness)),
    new Set([atlas.identity.did, borealis.identity.did]),
  )
  assert.ok(head.cosignatures.every(({ timeMs }) => timeMs === NOW_MS))
})

test('who is silent, refuses, or shows what no key of this node signed is named and not counted', async () => {
  const forged = says({ heard: new TestLog(world.mesh, atlas).note(20) })
  const often = (): LogAnswer => ({ say: 'refused', why: 'often' })
  const { said, tally, shown } = await asked(away, often, forged)
  const whys = said.map((peer) => peer?.why ?? '')
  assert.deepEqual(whys, [
    'it is not connected',
    'it refused to say',
    'what it holds is not signed by a log key of this node',
  ])
  assert.deepEqual(tally, { answered: 0, need: 2 })
  assert.deepEqual(shown, [])
})

test('one witness of three may be away; with two away nothing is known to be well', async () => {
  assert.deepEqual((await asked(well, well, away)).tally, { answered: 2, need: 2 })
  assert.deepEqual((await asked(well, away, away)).tally, { answered: 1, need: 2 })
})
