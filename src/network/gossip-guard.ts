/**
 * What gossipsub sees of the node instead of the real registrar. By itself it
 * serves every connected peer: one that never said hello received every message
 * (FACTS 3.3). Through this it meets only greeted members, and on one connection
 * at a time: when another one takes over, the peer is first taken out, because
 * gossipsub never opens a lost stream again (FACTS 3.2).
 */

import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection, PeerId, Stream, Topology } from '@libp2p/interface'

type Registrar = GossipSubComponents['registrar']

export class GossipGuard {
  readonly #admit: (connection: Connection) => boolean
  readonly #paced: (stream: Stream, peer: string) => Stream
  readonly #topologies = new Map<string, Topology>()
  /** The connection that carries each peer's gossip. */
  readonly #carriers = new Map<string, Connection>()

  /** @param paced the stream as gossipsub may read it */
  constructor(
    admit: (connection: Connection) => boolean,
    paced: (stream: Stream, peer: string) => Stream,
  ) {
    this.#admit = admit
    this.#paced = paced
  }

  guarded(registrar: Registrar): Registrar {
    const seen: Registrar = Object.create(registrar)
    seen.handle = (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          if (!this.#admit(connection)) return stream.abort(new Error('not greeted'))
          this.#carry(connection)
          return handler(this.#paced(stream, connection.remotePeer.toString()), connection)
        },
        options,
      )
    // Kept here alone: libp2p would call onConnect after identify, before any hello, and
    // onDisconnect late, when the peer may be back already.
    seen.register = (protocol, topology) => {
      this.#topologies.set(protocol, topology)
      return Promise.resolve(protocol)
    }
    seen.unregister = (protocol) => {
      this.#topologies.delete(protocol)
    }
    return seen
  }

  /** The dialler's side: opens gossip on a connection that was welcomed. The listener's gossip answers with a stream of its own. */
  attach(connection: Connection): void {
    if (connection.status !== 'open' || !this.#admit(connection)) return
    this.#carry(connection)
    for (const topology of this.#distinct()) topology.onConnect?.(connection.remotePeer, connection)
  }

  /** The connection is gone, or no longer admitted. */
  detach(connection: Connection): void {
    const peer = connection.remotePeer
    if (this.#carriers.get(peer.toString()) !== connection) return
    this.#carriers.delete(peer.toString())
    this.#takeOut(peer)
  }

  #carry(connection: Connection): void {
    const peer = connection.remotePeer
    const carrier = this.#carriers.get(peer.toString())
    if (carrier === connection) return
    if (carrier !== undefined) this.#takeOut(peer)
    this.#carriers.set(peer.toString(), connection)
  }

  #takeOut(peer: PeerId): void {
    for (const topology of this.#distinct()) topology.onDisconnect?.(peer)
  }

  /** Gossipsub registers one topology under each version of its protocol. */
  #distinct(): Set<Topology> {
    return new Set(this.#topologies.values())
  }
}
