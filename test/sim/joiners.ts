/**
 * One node makes invites, and more of those who want to join than there are
 * invites redeem them: at once, late, again, where they were not made, and
 * after they were revoked (S24).
 */
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { parseInvite } from '../../src/core/invite.ts'
import { signerOf } from '../../src/core/keys.ts'
import { nodeOf } from '../unit/statements.ts'
import { Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'
import { inviterOf } from './swarm.ts'
import { Visitor } from './visitor.ts'

const INVITES = 3
/** For each invite. */
const JOINERS = 3
/** Of the time of faults: until the next invite, how long one lives, and until somebody comes with it. */
const MAKES = 1 / 6
const LIVES_LEAST = 0.1
const LIVES_MOST = 0.5
const COMES = 0.35
const TOGETHER = 0.5
const REVOKED = 0.2

export class Joiners {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #host: Host
  #made = 0

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 89 + 43)
    this.#host = world.hosts[inviterOf(world.swarm)] as Host
    this.#later()
  }

  #ms(share: number): number {
    return Math.floor(share * this.#world.swarm.faultsMs)
  }

  #later(): void {
    if (this.#made === INVITES) return
    this.#world.clock.after(this.#ms(MAKES) * (0.5 + this.#dice.unit()), () => {
      if (this.#world.quiet) return
      this.#invite()
      this.#later()
    })
  }

  /** Whether it can be made is seen: there may be no node, no root, no disk. */
  #invite(): void {
    const { life } = this.#host
    if (life?.node == null || !life.gate.running) return
    const ttlMs = this.#ms(LIVES_LEAST + (LIVES_MOST - LIVES_LEAST) * this.#dice.unit())
    const { invites } = life.node
    invites.create({ name: null, ttlMs, labels: new Map() }).then(
      ({ id, line, expiresMs }) => {
        if (life.gate.gone || this.#made === INVITES) return
        life.write({ ev: 'invited', invite: id, untilMs: expiresMs })
        this.#hand(line, this.#made)
        this.#made += 1
        if (this.#dice.unit() < REVOKED) this.#revoke(id)
      },
      () => {},
    )
  }

  #revoke(invite: string): void {
    this.#world.clock.after(this.#ms(COMES) * this.#dice.unit(), () => {
      const { life } = this.#host
      life?.node?.invites.revoke(invite).then(
        () => life.write({ ev: 'uninvited', invite }),
        () => {},
      )
    })
  }

  #hand(line: string, number: number): void {
    const secret = signerOf(parseInvite(line).secret)
    const together = this.#dice.unit() < TOGETHER
    const atMs = this.#ms(COMES) * this.#dice.unit()
    for (let at = 0; at < JOINERS; at += 1) {
      const visitor = new Visitor(
        this.#world,
        nodeOf(`joiner-${number}-${at}`),
        // It brings everywhere what it was told here.
        (_, answer) => {
          visitor.member ??= memberIn(answer, visitor.keys.identity.did)
        },
      )
      visitor.secret = secret
      this.#world.clock.after(together ? atMs : this.#ms(COMES) * this.#dice.unit(), () =>
        visitor.come(),
      )
    }
  }
}

/** The envelope that admits this one, from the answer to its hello. */
function memberIn(answer: Uint8Array, principal: string): Uint8Array | null {
  const { members = [] } = JSON.parse(textOf(answer))
  for (const each of members) {
    const said = JSON.parse(Buffer.from(each.payload, 'base64').toString())
    if (said.principal === principal) return utf8(JSON.stringify(each))
  }
  return null
}
