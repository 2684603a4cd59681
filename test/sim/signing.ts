/**
 * How statements get their signatures. Where two have to sign, one does and
 * hands in what is half signed; the other one comes later, to the same node or
 * to another, and some only once everything is mended (S21).
 */
import { formatEnvelope } from '../../src/core/dsse.ts'
import { PENDING_PER_SIGNER_MAX } from '../../src/core/limits.ts'
import { cy, type Made } from '../unit/statements.ts'
import { Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Some are brought whole: their signers met. */
const WHOLE = 0.25
/** Of second signatures. */
const MUCH_LATER = 0.2
const ELSEWHERE = 0.3
/** Until the second signature, and once nothing goes wrong any more. */
const LATER_MS = 2_500
const SOON_MS = 300
/** Of first halves that were taken: somebody fills the node with his own, once in a world. */
const FLOODED = 0.1
const FLOOD = 2 * PENDING_PER_SIGNER_MAX

export class Signing {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  /** What waits for its second signature until everything is mended. */
  readonly #left: (() => void)[] = []
  #flooded = false

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 71 + 19)
  }

  /** Whether it was taken is seen in the history: the disk may refuse it, the process may be gone. */
  submit(host: Host, made: Made): void {
    const { laws, swarm, quiet, clock, hosts } = this.#world
    const { signatures } = made.envelope
    const halves = swarm.halves > 0 && made.statement.type !== 'root' && signatures.length > 1
    if (!halves || laws.isWhole(made) || this.#dice.unit() < WHOLE) {
      laws.setWhole(made)
      host.life?.node?.statements.submit(made.bytes).catch(() => {})
      return
    }
    const [first, second] = this.#dice.unit() < 0.5 ? [0, 1] : [1, 0]
    this.#hand(host, made, first, 1)
    const at = this.#dice.unit() < ELSEWHERE ? this.#dice.integer(hosts.length) : host.place
    const again = () => this.#hand(hosts[at] as Host, made, second, 2)
    if (!quiet && this.#dice.unit() < MUCH_LATER) this.#left.push(again)
    else clock.after(this.#dice.unit() * (quiet ? SOON_MS : LATER_MS), again)
  }

  /** Nobody keeps anybody waiting any more. */
  finish(): void {
    for (const again of this.#left.splice(0)) again()
  }

  #hand(host: Host, made: Made, which: number, half: 1 | 2): void {
    const { laws } = this.#world
    const { life } = host
    if (life?.node == null || !life.gate.running) return
    const statement = laws.numberOf(made.id)
    const signatures = made.envelope.signatures.slice(which, which + 1)
    if (half === 2) laws.setWhole(made)
    life.write({ ev: 'half', statement, half, kept: false })
    life.node.statements.submit(formatEnvelope({ ...made.envelope, signatures })).then(
      ({ state }) => {
        if (state === 'disarmed') return
        life.write({ ev: 'half', statement, half, kept: true })
        if (half === 1 && !this.#flooded && this.#dice.unit() < FLOODED) this.#flood(host)
      },
      () => {},
    )
  }

  /** One signer, with more of what nobody else signs than anybody is kept: no place of another's is taken. */
  #flood({ life, place }: Host): void {
    const { laws, quiet } = this.#world
    if (quiet) return
    this.#flooded = true
    this.#world.write(
      { ev: 'fault', kind: 'half-signed flood', number: -1, says: `n${place}` },
      null,
    )
    for (let at = 0; at < FLOOD; at += 1) {
      const scope = { kind: 'action', pattern: `tool:flood-${at}` } as const
      const made = laws.world.freeze({ scope, version: 1 }, [cy])
      laws.forged(made, 'one of two')
      life?.node?.statements.submit(made.bytes).catch(() => {})
    }
  }
}
