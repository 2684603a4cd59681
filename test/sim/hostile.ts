/**
 * A node that was admitted and turns on the others: it says too much, or it
 * keeps from them what it learns, and perhaps answers nothing they ask, or with
 * bytes of no meaning. What it asks and decides itself goes on as before.
 */
import type { Dice } from './clock.ts'
import { flood } from './flood.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

const BYTES = 64
/** Of such worlds: gossip reaches nobody any more, and comparing alone brings what is missing. */
const NO_GOSSIP = 0.5

export function turn(world: MeshWorld, host: Host, dice: Dice): void {
  const { swarm, hub } = world
  const { life } = host
  const gossip = dice.unit() >= NO_GOSSIP
  const says = `${swarm.hostile}, ${gossip ? 'with' : 'without'} gossip`
  world.write({ ev: 'fault', kind: 'hostile', number: -1, says }, host)
  if (!gossip) hub.weather = { ...hub.weather, gossipLoss: 1 }
  if (life === null) return
  if (swarm.hostile === 'floods') flood(world, host, dice, () => false)
  else life.network.censors = true
  if (swarm.hostile === 'hangs') life.network.spoils = () => new Promise(() => {})
  if (swarm.hostile === 'garbage') life.network.spoils = () => Promise.resolve(dice.bytes(BYTES))
}
