/**
 * Three hostile members for each honest one (row 74; the attacks by name are those of PL-TechRep-2020-001): they
 * pass on, serve and push nothing that is not theirs. With a third of its neighbours hostile every honest node has
 * what another says in time (L2); with most of them hostile it is late, and still nothing is lost for good (L6).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatementId } from '../../src/core/id.ts'
import { row } from '../lab/row.ts'
import { type SyncNode, SyncWorld } from '../sim/sync-world.ts'
import { keyOf, World } from '../unit/statements.ts'

/** L2 with hostile neighbours: three times three seconds. */
const DELIVERED_MS = 9_000
const HONEST = 8
const HOSTILE = 24
/** Hostile neighbours of each honest node beside its four honest ones: a third, and most of them. */
const [THIRD, MOST] = [2, 9]
/** By its own timer a node meets one of so many honest neighbours long before. */
const ENDS_MS = 600_000
const SAID = 12
const LOOK_MS = 50
const WEATHER = { delayMsMax: 60, loss: 0.02, gossipLoss: 0.05 }

const mesh = new World()
const { did } = keyOf('planner')
let said = 0

class Attack {
  readonly world: SyncWorld
  readonly honest: SyncNode[] = []
  readonly hostile: SyncNode[] = []
  /** From when something was said until another honest node had it. */
  readonly tookMs: number[] = []
  readonly #around: number
  readonly #looks: (() => void)[] = []
  #expected = 0

  constructor(seed: number, around: number) {
    this.#around = around
    this.world = new SyncWorld({ seed, mesh, weather: WEATHER })
  }

  async openHostile(many: number, ip?: string): Promise<void> {
    for (let i = 0; i < many; i += 1) {
      const node = await this.world.open(`hostile ${this.hostile.length}`)
      if (ip !== undefined) this.world.hub.settle(node.did, ip)
      this.hostile.push(node)
    }
  }

  /** Knows two honest ones that were there before it, and many hostile ones. */
  async openHonest(friends = 2, dialled = false): Promise<void> {
    const at = this.honest.length
    const connect = (hostile: SyncNode, honest: SyncNode) =>
      dialled ? this.world.connect(hostile, honest) : this.world.connect(honest, hostile)
    const node = await this.world.open(`honest ${at}`)
    for (const before of this.honest.slice(-2).slice(0, friends)) this.world.connect(node, before)
    for (let i = 0; i < this.#around; i += 1)
      connect(this.hostile[(at * 3 + i) % this.hostile.length] as SyncNode, node)
    this.honest.push(node)
  }

  begin(): void {
    for (const { network } of this.hostile) network.censors = true
  }

  /** The honest ones say something in turns, twice a second, and then everybody has time. */
  async speak(times: number): Promise<void> {
    const { clock } = this.world
    for (let i = 0; i < times; i += 1) {
      said += 1
      const target = { kind: 'principal', did } as const
      const { id, bytes } = mesh.revocation({ target, message: `said ${said}` })
      const speaker = this.honest[i % this.honest.length] as SyncNode
      this.#looks.push(this.#seen(id, speaker))
      await clock.until(speaker.statements.submit(bytes))
      this.#expected += HONEST - 1
      await this.#pass(500)
    }
    for (let ms = 0; ms < ENDS_MS && this.tookMs.length < this.#expected; ms += 500)
      await this.#pass(500)
  }

  #seen(id: StatementId, speaker: SyncNode): () => void {
    const lacking = new Set(this.honest.filter((node) => node !== speaker))
    const saidMs = this.world.clock.monotonicMs()
    return () => {
      for (const node of lacking) {
        if (node.statements.get(id) === null) continue
        lacking.delete(node)
        this.tookMs.push(this.world.clock.monotonicMs() - saidMs)
      }
    }
  }

  async #pass(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += LOOK_MS) {
      await this.world.clock.advance(LOOK_MS)
      for (const look of this.#looks) look()
    }
  }
}

const EXPECTED = SAID * (HONEST - 1)
const inTime = ({ tookMs }: Attack) => tookMs.filter((ms) => ms <= DELIVERED_MS).length

type Arrange = (attack: Attack) => Promise<void>

const ATTACKS: readonly (readonly [name: string, arrange: Arrange])[] = [
  [
    'cold boot: the hostile ones come with the honest ones, while the mesh forms',
    async (attack) => {
      for (let i = 0; i < HONEST; i += 1) {
        await attack.openHostile(HOSTILE / HONEST)
        attack.begin()
        await attack.openHonest()
        await attack.world.clock.advance(500)
      }
    },
  ],
  [
    'covert flash: for a minute they are the best of neighbours, and then all turn at once',
    async (attack) => {
      await attack.openHostile(HOSTILE)
      for (let i = 0; i < HONEST; i += 1) await attack.openHonest()
      await attack.world.clock.advance(60_000)
      attack.begin()
    },
  ],
  [
    'attack at dawn: they are up before all of the honest ones, which start at once',
    async (attack) => {
      await attack.openHostile(HOSTILE)
      attack.begin()
      await attack.world.clock.advance(10_000)
      for (let i = 0; i < HONEST; i += 1) await attack.openHonest()
    },
  ],
  [
    'one address: all of them are at one, and they are who dials',
    async (attack) => {
      await attack.openHostile(HOSTILE, '10.9.9.9')
      attack.begin()
      for (let i = 0; i < HONEST; i += 1) await attack.openHonest(2, true)
    },
  ],
]

async function spoken(arrange: Arrange, around: number): Promise<Attack> {
  const attack = new Attack(17, around)
  await arrange(attack)
  await attack.speak(SAID)
  const { tookMs, world, honest } = attack
  assert.equal(tookMs.length, EXPECTED, 'nothing is lost for good')
  assert.equal(new Set(honest.map(({ statements }) => statements.governance.digest)).size, 1)
  await world.stop()
  return attack
}

for (const [name, arrange] of ATTACKS)
  test(name, async (t) => {
    const third = await spoken(arrange, THIRD)
    assert.equal(inTime(third), EXPECTED)
    const most = await spoken(arrange, MOST)
    const lastMs = [third, most].map(({ tookMs }) => Math.max(...tookMs))
    const [which] = name.split(':')
    const says = [third, most].map((each) => `${inTime(each)} of ${EXPECTED} in time`)
    row(
      t,
      74,
      `${which}: ${says[0]} with a third hostile, the last after ${lastMs[0]} ms; ${says[1]} with most of them, all after ${lastMs[1]} ms`,
    )
  })

test('honest nodes that know hostile ones alone hear nothing of each other', async () => {
  const attack = new Attack(17, MOST)
  await attack.openHostile(HOSTILE)
  attack.begin()
  for (let i = 0; i < HONEST; i += 1) await attack.openHonest(0)
  await attack.speak(1)
  assert.equal(attack.tookMs.length, 0)
  await attack.world.stop()
})
