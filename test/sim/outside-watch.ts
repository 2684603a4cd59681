/** What a node says to who is not one of the nodes of the world, and who of those is connected to it (S15). */
import { textOf } from '../../src/core/bytes.ts'
import { parseEnvelope, statementIdOf } from '../../src/core/dsse.ts'
import type { Did } from '../../src/core/keys.ts'
import type { Protocol } from '../../src/mesh/ports.ts'
import { parseSyncRequest } from '../../src/mesh/sync-frames.ts'
import type { Sent, Watch } from './exchange.ts'
import type { Life } from './mesh-ports.ts'

export class OutsideWatch implements Watch {
  readonly #life: Life

  constructor(life: Life) {
    this.#life = life
  }

  asked(by: Did, what: Protocol): void {
    if (this.#outside(by)) this.#life.write({ ev: 'asked', by, what })
  }

  /** At the door, with an invite. */
  greeted(by: Did, hello: Uint8Array): void {
    if (!this.#outside(by)) return
    const { invite } = JSON.parse(textOf(hello))
    const wall = this.#life.machine.wallMs()
    if (invite !== null) this.#life.write({ ev: 'redeems', invite: invite.id, by, wall })
  }

  connected(to: Did, open: boolean): void {
    if (this.#outside(to)) this.#life.write({ ev: 'connected', to, open })
  }

  sent(to: Did, what: Sent, message: Uint8Array): void {
    if (!this.#outside(to)) return
    const bytes = what === 'hello' ? besidesRoots(message) : message.length
    const told = what === 'parting' ? this.#pushed(message) : []
    const wall = this.#life.machine.wallMs()
    this.#life.write({ ev: 'sent', to, what, bytes, told, wall })
  }

  #outside(peer: Did): boolean {
    return this.#life.placeOf(peer) < 0
  }

  #pushed(message: Uint8Array): readonly number[] {
    const request = parseSyncRequest(message)
    const blobs = request.ask === 'push' ? request.blobs : []
    return blobs.map((each) => this.#life.numberOf(statementIdOf(parseEnvelope(each))))
  }
}

/** Of the answer to a hello: the trust root is for everybody. */
function besidesRoots(message: Uint8Array): number {
  const { members = [], addresses = [] } = JSON.parse(textOf(message))
  return [...members, ...addresses].reduce((sum, each) => sum + JSON.stringify(each).length, 0)
}
