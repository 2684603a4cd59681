/**
 * What several statements prove (core/conclusion.ts), among nodes each of which
 * got other ones, in another order: by pulls alone all come to one name for it
 * (rows 129, 136), and whoever starts again comes to the same.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { type Cid, cidOf, sha256 } from '../../src/core/id.ts'
import { ISSUER_REVOCATIONS_MAX } from '../../src/core/limits.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { row } from '../lab/row.ts'
import {
  borealis,
  corvus,
  forked,
  type Made,
  nextRoot,
  people,
  rolesOf,
  rootOf,
  World,
} from '../unit/statements.ts'
import { digestsOf, type Node, pull, Street } from '../unit/street.ts'

const issuer = { keys: [person(0).did], threshold: 1 }
const world = new World(rootOf({ roles: { ...rolesOf(people), issuer } }))
const members = [world.member(borealis), world.member(corvus)]
const [top, next] = [link(0), link(1)]

/** Of links below a path, taken back by who made them. */
function takenBack(count: number, path: readonly Uint8Array[], name: string): readonly Made[] {
  return Array.from({ length: count }, (_, i) => {
    const last = link(path.length, { nonce: sha256(utf8(`${name} ${i}`)).subarray(0, 12) })
    const target = { kind: 'link', cid: cidOf(last) } as const
    return world.revocation({ target, chain: [...path, last] }, [person(path.length)])
  })
}

const MAX = ISSUER_REVOCATIONS_MAX
const direct = takenBack(MAX + 40, [top], 'direct')
const deeper = takenBack(MAX / 2 + 40, [top, next], 'deeper')
const proofs = [1, 2, 3].flatMap((size) => [
  forked(world, borealis, size),
  forked(world, corvus, size),
])
const lifted = nextRoot(world.first, { lifts: [(proofs[2] as Made).id] })

const NODES = 4
/** To each node its share of what there is; then who pulls from whom, for a while. */
const plan = fc.record({
  // Some floods do not reach what there may be, in all of them together.
  directs: fc.constantFrom(MAX / 2, MAX, MAX + 40),
  deepers: fc.constantFrom(0, MAX / 2, MAX / 2 + 40),
  shares: fc.array(fc.constantFrom(0.4, 0.8, 1), { minLength: NODES, maxLength: NODES }),
  pulls: fc.array(fc.tuple(fc.nat(NODES - 1), fc.nat(NODES - 1)), { maxLength: 12 }),
  lifts: fc.boolean(),
  dice: fc.infiniteStream(fc.nat(1_000)),
})

function shuffled(all: readonly Made[], draw: () => number): readonly Made[] {
  return all
    .map((made) => ({ made, at: draw() }))
    .sort((a, b) => a.at - b.at)
    .map(({ made }) => made)
}

const isOver = ({ statements }: Node, link: Cid) =>
  statements.governance.revocations.link(link) !== null

async function reopened({ memory }: Node): Promise<Statements> {
  const persist: Parameters<typeof Statements.open>[0]['persist'] = (puts) => memory.persist(puts)
  return Statements.open({ store: memory, persist, policy: { check: () => [] } })
}

/** Every pair, both ways, again until nothing is new: what a mesh does every two seconds. */
async function agree(street: Street, nodes: readonly Node[]): Promise<number> {
  for (let round = 1; round <= 5; round += 1) {
    const before = nodes.map(({ statements }) => statements.governance.digest).join()
    for (const one of nodes)
      for (const other of nodes) if (one !== other) await pull(street, one, other)
    if (nodes.map(({ statements }) => statements.governance.digest).join() === before) return round
  }
  return assert.fail('they go on changing')
}

test('whatever came to whom, all nodes come to one name for what it proves, also after a start', async (t) => {
  let [runs, overs] = [0, 0]
  await fc.assert(
    fc.asyncProperty(plan, async ({ directs, deepers, shares, pulls, lifts, dice }) => {
      const draw = () => Number(dice.next().value)
      const all = [...direct.slice(0, directs), ...deeper.slice(0, deepers), ...proofs]
      const street = new Street()
      const nodes: Node[] = []
      for (const [n, share] of shares.entries()) {
        const node = await street.open(`node-${n}`, world, members)
        const some = shuffled(all, draw).slice(0, Math.ceil(all.length * share))
        await Promise.all(some.map(({ bytes }) => node.statements.offer(bytes, null, 'push').done))
        nodes.push(node)
      }
      const [first] = nodes
      assert.ok(first !== undefined)
      if (lifts) await first.statements.offer(lifted.bytes, null, 'local').done
      for (const [one, other] of pulls)
        if (one !== other) await pull(street, nodes[one] as Node, nodes[other] as Node)
      await agree(street, nodes)

      assert.equal(digestsOf(...nodes), 1)
      for (const each of [top, next])
        assert.equal(new Set(nodes.map((node) => isOver(node, cidOf(each)))).size, 1)
      for (const node of nodes) {
        const { governance, trees } = node.statements
        assert.equal(governance.evidence.size, 2)
        assert.ok(node.memory.space('statement').size <= 5 + MAX + 1 + 2)
        const again = await reopened(node)
        assert.equal(again.governance.digest, governance.digest)
        assert.equal(again.trees.envelopes.rootHash, trees.envelopes.rootHash)
      }
      runs += 1
      if (isOver(first, cidOf(top))) overs += 1
    }),
    { numRuns: 12 },
  )
  assert.ok(overs > 0 && overs < runs, `${overs} of ${runs} went over`)
  row(t, 129, `${runs} meshes of ${NODES}, ${overs} flooded: 0 in which names differ`)
  row(t, 136, `${runs} meshes of ${NODES}: 0 in which names differ`)
})
