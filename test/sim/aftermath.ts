/**
 * What goes wrong once all is mended and everybody allows again: one node
 * crashes once more (L3), or one turns on the others and stays so (L6).
 * Meanwhile statements are made that one node cannot hear of at first.
 */
import { keyOf } from '../unit/statements.ts'
import { Calls } from './calls.ts'
import { Dice } from './clock.ts'
import type { Host } from './host.ts'
import { turn } from './hostile.ts'
import type { MeshWorld } from './mesh-world.ts'
import { PROBE } from './people.ts'

/** From the heal until everybody is looked at: freezes are lifted by then. And how often, and until when. */
const FROM_MS = 8_500
const LOOK_MS = 250
const UNTIL_MS = 3_500
/** Of a node that crashed. */
const [DOWN_MS_MIN, DOWN_MS_MAX] = [500, 1_500]
/** Between two requests to it, until one is allowed. */
const ASKS_MS = 250
/** While one is hostile: how often somebody else is cut off from all but it, when first, and for how long. */
const [CUTS, CUT_FROM_MS, CUT_EVERY_MS, CUT_MS] = [4, 400, 1_800, 400]
/** Far from the numbers of other requests. */
const FIRST_REQUEST = 4_000_000

export class Aftermath {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #calls: Calls
  /** Who allowed what is asked here, since it was last looked. */
  readonly #allowed = new Set<number>()
  readonly #untilMs: number
  #told = 0

  constructor(world: MeshWorld) {
    const { clock, history, swarm } = world
    this.#world = world
    this.#dice = new Dice(swarm.seed * 107 + 47)
    this.#calls = new Calls(world, this.#dice, FIRST_REQUEST)
    this.#untilMs = clock.monotonicMs() + FROM_MS + UNTIL_MS
    history.onEvent((event) => {
      if (event.ev !== 'answer' || event.node === null || event.req < FIRST_REQUEST) return
      if (event.effect === 'allow') this.#allowed.add(event.node)
    })
    clock.after(FROM_MS, () => this.#look())
  }

  /** Waits until all is well everywhere; where that takes too long, nothing more goes wrong. */
  #look(): void {
    const { clock, hosts, swarm } = this.#world
    if (this.#isWell()) {
      if (swarm.hostile === null) this.#crash()
      else this.#turn()
      return
    }
    if (clock.monotonicMs() >= this.#untilMs) return
    this.#allowed.clear()
    for (const host of hosts) this.#ask(host)
    clock.after(LOOK_MS, () => this.#look())
  }

  /** Everybody runs, allows, and holds the same. */
  #isWell(): boolean {
    const nodes = this.#world.hosts.map(({ life }) => (life?.gate.running ? life.node : null))
    const [first] = nodes
    const same = nodes.every(
      (node) => node?.statements.governance.digest === first?.statements.governance.digest,
    )
    return same && nodes.every((node, place) => node?.boot.done && this.#allowed.has(place))
  }

  /** While it is down, something is said that it has to learn. */
  #crash(): void {
    const { clock, hosts } = this.#world
    const host = this.#oneOf(hosts)
    const lands = this.#dice.unit() < 0.5
    const downMs = DOWN_MS_MIN + this.#dice.unit() * (DOWN_MS_MAX - DOWN_MS_MIN)
    this.#fault('late crash', `for ${downMs.toFixed(0)} ms`, host)
    this.#world.crash(host, lands)
    clock.after(this.#dice.unit() * downMs, () => this.#tell([host]))
    clock.after(downMs, () => {
      if (host.life !== null) return
      this.#fault('late start', '', host)
      this.#allowed.delete(host.place)
      this.#world.boot(host)
      this.#askUntilAllowed(host)
    })
  }

  #askUntilAllowed(host: Host): void {
    if (this.#allowed.has(host.place)) return
    this.#ask(host)
    this.#world.clock.after(ASKS_MS, () => this.#askUntilAllowed(host))
  }

  #turn(): void {
    const { clock, hosts } = this.#world
    const hostile = this.#oneOf(hosts)
    turn(this.#world, hostile, this.#dice)
    for (let at = 0; at < CUTS; at += 1)
      clock.after(CUT_FROM_MS + at * CUT_EVERY_MS, () => this.#cut(hostile))
  }

  /** What it misses by gossip and pushes, only comparing brings. */
  #cut(hostile: Host): void {
    const { clock, hosts, hub } = this.#world
    const honest = hosts.filter((host) => host !== hostile)
    const deaf = this.#oneOf(honest)
    const others = honest.filter((host) => host !== deaf)
    const cut = (is: boolean) => {
      for (const { did } of others) hub.cut(deaf.did, did, is)
    }
    this.#fault('deaf', `for ${CUT_MS} ms, but to n${hostile.place}`, deaf)
    cut(true)
    this.#tell([hostile, deaf])
    for (const host of honest) this.#ask(host)
    clock.after(CUT_MS, () => cut(false))
  }

  /** To one of the others: somebody of whom nobody ever heard is revoked. */
  #tell(but: readonly Host[]): void {
    const others = this.#world.hosts.filter((host) => !but.includes(host))
    if (others.length === 0) return
    const { did } = keyOf(`late ${this.#told++}`)
    const made = this.#world.laws.revoke({ kind: 'principal', did })
    this.#world.laws.setWhole(made)
    this.#world.signing.submit(this.#oneOf(others), made)
  }

  #ask(host: Host): void {
    const grant = this.#world.laws.grant(this.#dice, PROBE.holder, false, null)
    this.#calls.send(this.#calls.make(host, grant, PROBE.action))
  }

  #fault(kind: string, says: string, host: Host): void {
    this.#world.write({ ev: 'fault', kind, number: -1, says }, host)
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}
