/** An admitted node that says too much: bytes of no meaning, old words again, statements that nobody gave it the right to sign. */
import { type Did, type Signer, signerOf } from '../../src/core/keys.ts'
import type { Protocol } from '../../src/mesh/ports.ts'
import type { Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

const EVERY_MS = 60
const BYTES_MAX = 400
const ASKED: readonly Protocol[] = ['state', 'sync', 'log', 'lineage']

/** @param over asked before each word: true ends it */
export function flood(world: MeshWorld, host: Host, dice: Dice, over: () => boolean): void {
  const stranger = signerOf(dice.bytes(32))
  const next = () => {
    if (over()) return
    say(world, host, dice, stranger)
    world.clock.after(EVERY_MS, next)
  }
  next()
}

function say(world: MeshWorld, { life, did, place }: Host, dice: Dice, stranger: Signer): void {
  if (life === null || !life.gate.running) return
  const { network } = life
  const junk = () => dice.bytes(1 + dice.integer(BYTES_MAX))
  network.publish('statements', junk())
  network.publish('state', junk())
  const scope = { kind: 'principal', did: stranger.did } as const
  const version = 1 + dice.integer(1_000_000)
  network.publish('statements', world.laws.world.freeze({ scope, version }, [stranger]).bytes)
  const others = world.hosts.filter((host) => host.place !== place)
  const to = others[dice.integer(others.length)]?.did ?? (did as Did)
  const protocol = ASKED[dice.integer(ASKED.length)] as Protocol
  // Whether anybody answers is nothing to it.
  network.ask(to, protocol, junk()).catch(() => {})
}
