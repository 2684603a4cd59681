/**
 * People who sign what they may not, and hand it in at a node or tell it to the
 * mesh: nothing of it may ever be in force anywhere (S8). One of those whose
 * word counts is among them, with one signature where two are needed.
 */

import { textOf, utf8 } from '../../src/core/bytes.ts'
import {
  type Envelope,
  formatEnvelope,
  parseEnvelope,
  type Signature,
  signedBytes,
} from '../../src/core/dsse.ts'
import { ana, ben, cy, keyOf, type Made, nextRoot, rootOf, World } from '../unit/statements.ts'
import { Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

export interface Forgery {
  readonly how: string
  readonly made: Made
  /** As it is handed in. */
  readonly bytes: Uint8Array
}

const elsewhere = new World(rootOf({ mesh: 'elsewhere' }))

export class Forgers {
  readonly #world: MeshWorld
  readonly #dice: Dice

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 67 + 13)
  }

  forge(): void {
    const up = this.#world.hosts.filter(({ life }) => life?.node != null && life.gate.running)
    const host = up[this.#dice.integer(up.length)]
    const by = this.#dice.unit() < 0.5 ? 'door' : 'gossip'
    if (host === undefined) return
    const { how, made, bytes } = this.#forgery(host)
    this.#world.laws.forged(made, how)
    if (by === 'gossip') host.life?.network.publish('statements', bytes)
    else host.life?.node?.statements.submit(bytes).catch(() => {})
  }

  #forgery(host: Host): Forgery {
    const { laws, swarm } = this.#world
    const { world } = laws
    const whole = (how: string, made: Made) => ({ how, made, bytes: made.bytes })
    const scope = { kind: 'mesh' } as const
    const version = 1_000 + laws.count
    const kinds: (() => Forgery)[] = [
      () => whole('a node', world.freeze({ scope, version }, [host.keys.identity])),
      () => whole('a holder', world.revocation(this.#target(), [keyOf('planner')])),
      () => whole('another mesh', elsewhere.freeze({ scope, version })),
      () => otherType(world.freeze({ scope, version })),
      () => whole('one of two', this.#root([ana])),
      () => otherName(this.#root([ana])),
      () => twice(this.#root([ben])),
    ]
    if (laws.dropped) kinds.push(() => whole('a dropped key', this.#policy()))
    if (swarm.halves > 0)
      kinds.push(
        () => whole('one of two', world.freeze({ scope, version }, [cy])),
        () => whole('one of two', world.revocation(this.#target(), [cy])),
        () => otherName(world.freeze({ scope, version }, [cy])),
      )
    return (kinds[this.#dice.integer(kinds.length)] as () => Forgery)()
  }

  #target() {
    const { laws } = this.#world
    const target = { kind: 'principal', did: keyOf('visitor').did } as const
    return { target, message: `forgery ${laws.count}` }
  }

  #root(signers: readonly (typeof ana)[]): Made {
    const { laws } = this.#world
    const message = `forgery ${laws.count}`
    return nextRoot(laws.root, { message }, signers)
  }

  /** Of the root that took the policies from who signs it. */
  #policy(): Made {
    const { laws } = this.#world
    return laws.world.nextPolicy([laws.policy], {}, [cy], laws.root.statement.version)
  }
}

/** Signed as if it were a revocation. */
function otherType(made: Made): Forgery {
  const { payload } = made.envelope
  const bytes = ana.sign(signedBytes('revocation', payload))
  return changed('another type', made, [{ key: ana.did, bytes }])
}

/** One signature, under the name of a second key as well. */
function otherName(made: Made): Forgery {
  const [first] = made.envelope.signatures
  if (first === undefined) throw new Error('it is signed')
  const other = [ana, ben].find(({ did }) => did !== first.key) ?? cy
  const both = [first, { ...first, key: other.did }].sort((a, b) => (a.key < b.key ? -1 : 1))
  return changed("another key's name", made, both)
}

/** The same line twice, which no printer of ours prints. */
function twice(made: Made): Forgery {
  const text = textOf(made.bytes)
  const line = text.slice(text.indexOf('[') + 1, text.lastIndexOf(']'))
  const bytes = utf8(text.replace(line, () => `${line},${line}`))
  return { how: 'twice', made, bytes }
}

function changed(how: string, made: Made, signatures: readonly Signature[]): Forgery {
  const envelope: Envelope = { ...made.envelope, signatures }
  const bytes = formatEnvelope(envelope)
  parseEnvelope(bytes)
  return { how, made, bytes }
}
