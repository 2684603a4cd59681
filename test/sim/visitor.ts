/** The wire of one who is no node of the world: it says its hello to all of them, again and again, and takes every answer for a welcome. */

import { inviteId } from '../../src/core/invite.ts'
import type { Did, Signer } from '../../src/core/keys.ts'
import {
  type Claim,
  formatHello,
  proveClaim,
  proveInvite,
  type Redemption,
} from '../../src/mesh/hello-frames.ts'
import type { Greeter } from '../../src/mesh/ports.ts'
import type { NodeKeys } from '../unit/statements.ts'
import type { MeshWorld } from './mesh-world.ts'
import { SimNetwork } from './network.ts'

export class Visitor {
  readonly keys: NodeKeys
  readonly network: SimNetwork
  /** An envelope that admits it, as it says. */
  member: Uint8Array | null = null
  /** The key of an invite. */
  secret: Signer | null = null
  readonly #world: MeshWorld
  readonly #told: (peer: Did, answer: Uint8Array) => void

  /** @param told what its hello was answered with */
  constructor(
    world: MeshWorld,
    keys: NodeKeys,
    told: (peer: Did, answer: Uint8Array) => void = () => {},
  ) {
    this.#world = world
    this.keys = keys
    this.network = new SimNetwork(world.hub, keys.identity.did)
    this.#told = told
  }

  come(): void {
    const { hosts, hub, laws } = this.#world
    const greeter: Greeter = {
      hello: (peer) => Promise.resolve(this.#hello(peer)),
      answer: () => Promise.reject(new Error('it answers nobody')),
      welcome: (peer, answer) => {
        this.#told(peer, answer)
        return Promise.resolve(true)
      },
      banned: () => false,
      member: () => true,
    }
    this.network.useMesh(laws.world.mesh)
    void this.network.start(greeter)
    // At once, and then again and again.
    for (const { did } of hosts) this.network.connect(did, [hub.addressOf(did)]).catch(() => {})
  }

  /** Every line is right, and its keys are its own. */
  #hello(peer: Did): Uint8Array {
    const { identity, log, witness, name } = this.keys
    const { mesh } = this.#world.laws.world
    const claim: Claim = { name, log: log.did, witness: witness.did, mesh }
    const proofs = proveClaim(claim, peer, [identity, log, witness])
    const redemption = this.secret === null ? null : this.#redemption(peer, this.secret)
    return formatHello({
      ...{ ...claim, root: 0, proofs, member: this.member, address: null, redemption },
    })
  }

  #redemption(redeemer: Did, secret: Signer): Redemption {
    const { identity, log, witness } = this.keys
    const { mesh } = this.#world.laws.world
    const invite = inviteId(secret.did)
    const who = { joiner: identity.did, log: log.did, witness: witness.did }
    return { invite, signature: proveInvite({ invite, mesh, ...who, redeemer }, secret) }
  }
}
