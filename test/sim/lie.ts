/** A node that signs two histories of its log: what no honest one does, and nobody may believe (S4). */
import { textOf, toHex, utf8 } from '../../src/core/bytes.ts'
import { readCheckpoint, signCheckpoint } from '../../src/core/checkpoint.ts'
import { sha256 } from '../../src/core/id.ts'
import { signAnnouncement } from '../../src/mesh/announce.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Signs another head in the node's name, of the size that it published last, and tells everybody. */
export function lie(world: MeshWorld, host: Host): void {
  const { life, keys, did, machine } = host
  const published = life?.node?.publisher.checkpoint ?? null
  const governance = life?.node?.statements.governance
  if (life === null || published === null || governance === undefined) return
  const { mesh, root, digest } = governance
  if (mesh === null || root === null) return
  const rootHash = sha256(utf8(`another history of ${keys.name}`))
  const { origin, size } = readCheckpoint(published)
  const checkpoint = textOf(signCheckpoint({ origin, size, rootHash }, keys.log))
  const epoch = life.node?.log.epoch ?? 1
  const head = { epoch, size, root: toHex(rootHash) }
  world.write({ ev: 'lie', head }, host)
  const said = { mesh, node: did, root: root.version, digest, size: governance.size }
  const announcement = { ...said, checkpoint, cosigned: null, timeMs: machine.wallMs() }
  life.network.publish('state', signAnnouncement(announcement, keys.witness))
}
