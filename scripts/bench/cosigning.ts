/** What a checkpoint costs a witness: verified, checked, persisted, cosigned. */
import { formatAddCheckpoint } from '../../src/core/add-checkpoint.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { verifySignature } from '../../src/core/keys.ts'
import { append, EMPTY, type Hash, leafHash, nodeHash, rootHash } from '../../src/core/merkle.ts'
import { proveConsistency } from '../../src/core/proof.ts'
import { systemClock } from '../../src/daemon/system.ts'
import { Checkpoints } from '../../src/mesh/checkpoints.ts'
import { Log } from '../../src/mesh/log.ts'
import { Witness } from '../../src/mesh/witness.ts'
import { createStore } from '../../src/storage/create.ts'
import { foldOf, type NodeKeys, nodeOf, rootOf, World } from '../../test/unit/statements.ts'
import { openLab } from './lab.ts'
import { median, type Section } from './table.ts'

const LOGS = 64
const ROUNDS = 80
/** As a node that runs: what the first rounds take is for the compiler, and is not counted. */
const WARM = 20
/** Records of each log at the first round, and between two. */
const [BEGIN, GROWTH] = [20_000, 37]
const GOAL_US = 200
const RESERVE_BYTES = 1024 * 1024
const YEAR_MS = 31_536_000_000

export async function cosigning(): Promise<Section> {
  await using lab = openLab()
  const store = await createStore(lab.folder('witness'), { bytes: RESERVE_BYTES })
  const [self, ...logs] = Array.from({ length: LOGS + 1 }, (_, i) => nodeOf(`node-${i}`))
  if (self === undefined) throw new Error('there is no witness')
  const real = systemClock()
  const log = await Log.open({ store, clock: real, node: self.identity.did })
  const { witness, pass, mesh } = await witnessOf(self, logs, log, store)
  const rounds = requests(logs, mesh)
  const bare = bareOf(self, logs)
  const [costs, floors]: [number[], number[]] = [[], []]
  for (const bodies of rounds) {
    pass()
    const before = process.cpuUsage()
    const answers = await Promise.all(
      bodies.map((body, i) => witness.add(logs[i]?.identity.did ?? self.identity.did, body)),
    )
    costs.push(usSince(before) / LOGS)
    const wrong = answers.find(({ say }) => say !== 'cosigned')
    if (wrong !== undefined) throw new Error(`a checkpoint was not cosigned: ${wrong.say}`)
    // In turns: a processor that is slower for a while is slower for both.
    floors.push(bare())
  }
  await log.close()
  await store.close()
  const [ours, floor] = [median(costs.slice(WARM)), median(floors.slice(WARM))]
  const us = (value: number) => `${Math.round(value)} µs`
  return {
    title: 'Cosigning',
    how: `Processor time of one witness for one checkpoint: request, log signature, consistency proof from ${BEGIN} records on, group commit of ${LOGS} logs at once, cosignature; the median of ${ROUNDS - WARM} rounds. Floor: one Ed25519 verification and one signature, by the same keys, in turns with it.`,
    rows: [
      {
        what: 'one checkpoint',
        ours: us(ours),
        floor: us(floor),
        ratio: ours / floor,
        goal: { says: `≤ ${GOAL_US} µs`, met: ours <= GOAL_US },
      },
    ],
  }
}

type Store = Awaited<ReturnType<typeof createStore>>

/** All are members, and the first is the only witness. The clock goes on by one interval when told. */
async function witnessOf(self: NodeKeys, logs: readonly NodeKeys[], log: Log, store: Store) {
  const expiresMs = Date.now() + YEAR_MS
  const world = new World(rootOf({ witnesses: [self.identity.did], expiresMs }))
  const members = [self, ...logs].map((node) => world.member(node, { expiresMs }))
  const { governance: known } = foldOf(world.mesh, [world.first, ...members])
  const governance = () => known
  const persist = (puts: Parameters<Log['persist']>[0]) => log.persist(puts)
  const checkpoints = await Checkpoints.open({ store, persist, governance })
  let nowMs = 0
  const clock = { ...systemClock(), monotonicMs: () => nowMs }
  const witness = await Witness.open({
    ...{ self: self.identity.did, clock, store, checkpoints, governance, persist },
    boot: { done: true },
    witness: self.witness,
    contradicted: () => {},
  })
  const pass = () => {
    nowMs += Witness.intervalMs(known)
  }
  return { witness, pass, mesh: world.mesh }
}

/** For each round what each log asks: made before anything is measured. All logs hold the same records. */
function requests(logs: readonly NodeKeys[], mesh: World['mesh']): readonly (readonly string[])[] {
  const size = BEGIN + ROUNDS * GROWTH
  const leaves = Array.from({ length: size }, (_, i) => leafHash(utf8(`record ${i}`)))
  const levels = [leaves]
  for (let below = leaves; below.length > 1; levels.push(below)) below = parents(below)
  const read = (level: number, index: number) => levels[level]?.[index] ?? new Uint8Array(32)
  let tree = EMPTY
  return Array.from({ length: ROUNDS }, (_, round) => {
    const old = tree.size
    for (const leaf of leaves.slice(old, BEGIN + round * GROWTH)) tree = append(tree, leaf)
    const [root, proof] = [rootHash(tree), proveConsistency(old, tree.size, read)]
    return logs.map(({ identity, log }) => {
      const origin = logOrigin(mesh, identity.did, 1)
      const note = signCheckpoint({ origin, size: tree.size, rootHash: root }, log)
      return formatAddCheckpoint({ old, proof, note: textOf(note) })
    })
  })
}

function parents(hashes: readonly Hash[]): Hash[] {
  return Array.from({ length: Math.floor(hashes.length / 2) }, (_, i) =>
    nodeHash(hashes[2 * i] as Hash, hashes[2 * i + 1] as Hash),
  )
}

/** Measures, in µs of processor time, a verification of what one log signed and a signature, over all logs. */
function bareOf({ witness }: NodeKeys, logs: readonly NodeKeys[]): () => number {
  const message = utf8('meshd/9f86d081884c7d65/z6Mkh/1\n42\n'.padEnd(200, 'x'))
  const signed = logs.map(({ log }) => ({ did: log.did, signature: log.sign(message) }))
  return () => {
    const before = process.cpuUsage()
    for (const { did, signature } of signed) {
      if (!verifySignature(did, message, signature)) throw new Error('a signature is wrong')
      witness.sign(message)
    }
    return usSince(before) / LOGS
  }
}

function usSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}
