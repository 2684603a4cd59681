/**
 * The Network port on libp2p. It decides nothing about who may talk: the
 * Greeter does, and is asked again on every connection, stream and message.
 *
 *     dial → hello → greeted → gossip and asks         (each arrow may fail, none is skipped)
 */
import type { Connection, PeerId } from '@libp2p/interface'
import { assert } from '../core/assert.ts'
import type { StatementId } from '../core/id.ts'
import { type Did, signerOf } from '../core/keys.ts'
import { ADDRESSES_PER_PEER_MAX, ASKS_PER_PEER_MAX, SUPERVISION_MS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { parsePeerId } from '../core/peer-id.ts'
import { MeshError } from '../core/problems.ts'
import type { Clock, Greeter, Network, PeerLink, Protocol, Random, Topic } from '../mesh/ports.ts'
import { makeAbortSafe } from './abort.ts'
import { dial, usable } from './dial.ts'
import { BOOT_BYTES } from './election.ts'
import { asError, meshErrorOf, reasonOf } from './errors.ts'
import { Exchange } from './exchange.ts'
import { gossips } from './gossip.ts'
import { Greeting } from './greeting.ts'
import { createHost, type Host } from './host.ts'
import { type Link, Links } from './links.ts'
import { Peers } from './peers.ts'
import { tellOnce } from './streams.ts'
import { formatProtocol, PROTOCOLS } from './topics.ts'

export interface NetworkOptions {
  /** The identity key, 32 bytes. */
  readonly seed: Uint8Array
  readonly listen: readonly string[]
  /** Told to others instead of what is listened on; empty: that. */
  readonly announce: readonly string[]
  readonly clock: Clock
  readonly random: Random
  /** Told of what a handler, validator or listener threw: a bug of this program, which costs one message and no connection. */
  readonly fault?: (error: unknown) => void
}

/** What exists between start and stop. */
interface Running {
  readonly host: Host
  readonly links: Links<Connection>
  readonly greeting: Greeting
  readonly greeter: Greeter
}

/** Streams that one connection may have open in one protocol: finished ones may linger on one side. */
const STREAMS_MAX = 2 * ASKS_PER_PEER_MAX

export class Libp2pNetwork implements Network {
  readonly self: Did
  readonly #options: NetworkOptions
  readonly #fault: (error: unknown) => void
  readonly #exchange: Exchange
  readonly #peers: Peers
  readonly #validators = new Map<Topic, Parameters<Network['subscribe']>[1]>()
  readonly #listeners: ((peer: Did, greeted: boolean) => void)[] = []
  readonly #stopped = new AbortController()
  #mesh: StatementId | null = null
  #running: Running | null = null
  #isolated = false

  readonly #create: typeof createHost

  /** @param create makes the libp2p node; tests look into it */
  constructor(options: NetworkOptions, create = createHost) {
    this.#options = options
    this.#fault = options.fault ?? ((error) => process.emitWarning(asError(error)))
    this.#create = create
    this.self = signerOf(options.seed).did
    const { clock, random } = options
    this.#exchange = new Exchange({
      clock,
      random,
      fault: this.#fault,
      connection: (peer) => this.#running?.links.to(peer)?.connection ?? null,
      member: (connection) => this.#running?.links.member(connection) ?? null,
    })
    this.#peers = new Peers({
      clock,
      random,
      dial: (peer, addresses) => this.#dial(peer, addresses),
      greeted: (peer) => (this.#running?.links.to(peer) ?? null) !== null,
    })
  }

  addresses(): readonly string[] {
    const all = this.#running?.host.getMultiaddrs().map(String) ?? []
    // Elsewhere a loopback address reaches somebody else, so it comes last.
    const near = (address: string) => Number(/^\/ip(?:4\/127\.|6\/::1\/)/.test(address))
    return all.toSorted((a, b) => near(a) - near(b)).slice(0, ADDRESSES_PER_PEER_MAX)
  }

  async start(greeter: Greeter): Promise<void> {
    assert(this.#running === null && !this.#stopped.signal.aborted, 'a network starts once')
    const host = await this.#createHost(greeter)
    const greeting = new Greeting(greeter, this.#options.random.bytes(BOOT_BYTES))
    const links = this.#createLinks(host, greeter)
    this.#running = { host, links, greeting, greeter }
    if (this.#mesh !== null) host.services.gossip.useMesh(this.#mesh)
    host.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    host.addEventListener('connection:close', ({ detail }) => this.#closed(detail, host, links))
    await this.#answer(host)
    try {
      await host.start()
    } catch (error) {
      this.#running = null
      const where = this.#options.listen.join(', ')
      throw new MeshError('NOT_READY', `cannot listen on ${where}`, {
        cause: error,
        hint: 'another process may listen there: choose another `mesh.listen`',
      })
    }
    if (!this.#isolated) this.#peers.resume()
    void this.#supervise(links)
  }

  peers(): readonly PeerLink[] {
    return (this.#running?.links.all() ?? []).map(({ peer, connection, direction }) => ({
      peer,
      address: connection.remoteAddr.toString(),
      direction: direction === 'inbound' ? 'in' : 'out',
      rttMs: connection.rtt ?? null,
    }))
  }

  onPeer(listener: (peer: Did, greeted: boolean) => void): void {
    this.#listeners.push(listener)
  }

  ask(peer: Did, protocol: Protocol, request: Uint8Array, signal?: AbortSignal) {
    return this.#exchange.ask(peer, protocol, request, signal)
  }

  handle(protocol: Protocol, handler: Parameters<Network['handle']>[1]): void {
    this.#exchange.handle(protocol, handler)
  }

  publish(topic: Topic, message: Uint8Array): void {
    this.#running?.host.services.gossip.publish(topic, message)
  }

  subscribe(topic: Topic, validator: Parameters<Network['subscribe']>[1]): void {
    this.#validators.set(topic, validator)
  }

  useMesh(mesh: StatementId): void {
    const before = this.#mesh
    this.#mesh = mesh
    this.#running?.host.services.gossip.useMesh(mesh)
    // Who was greeted for another mesh says hello again.
    if (before !== null && before !== mesh) this.#running?.links.cutAll('the mesh changed')
  }

  async connect(peer: Did, addresses: readonly string[]): Promise<boolean> {
    const own = usable(peer, addresses)
    if (own.length === 0)
      throw new MeshError('UNREACHABLE', `no address of peer \`${peer}\` ends in its /p2p/ id`)
    return this.#peers.connect(peer, own)
  }

  remember(peer: Did, addresses: readonly string[]): void {
    const own = usable(peer, addresses)
    if (peer !== this.self && own.length > 0) this.#peers.remember(peer, own)
  }

  forget(peer: Did): void {
    this.#peers.forget(peer)
  }

  lastError(peer: Did): string | null {
    return this.#peers.lastError(peer)
  }

  disconnect(peer: Did, why: string, parting: Uint8Array): void {
    const link = this.#running?.links.cutPeer(peer, why) ?? null
    if (link !== null) tellOnce(link.connection, formatProtocol('sync'), parting)
  }

  isolate(isolated: boolean): void {
    if (this.#isolated === isolated) return
    this.#isolated = isolated
    if (!isolated) {
      if (this.#running !== null) this.#peers.resume()
      return
    }
    this.#peers.pause()
    this.#running?.links.cutAll('this node is isolated')
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#peers.pause()
    const running = this.#running
    if (running === null) return
    running.links.cutAll('this node stops')
    this.#running = null
    await running.host.stop()
  }

  async #createHost(greeter: Greeter): Promise<Host> {
    const member = (connection: Connection) => this.#running?.links.member(connection) ?? null
    return this.#create({
      ...this.#options,
      closed: () => this.#isolated,
      banned: (peer) => {
        const did = didOfPeer(peer)
        return this.#isolated || did === null || greeter.banned(did)
      },
      gossip: {
        clock: this.#options.clock,
        // A connection that lost the election opens no gossip.
        admit: (connection) => {
          const peer = member(connection)
          return peer !== null && this.#running?.links.to(peer)?.connection === connection
        },
        member: (peer) => {
          const did = didOfPeer(peer)
          return did === null || (this.#running?.links.to(did) ?? null) === null ? null : did
        },
        fault: this.#fault,
        opened: () => {
          for (const link of this.#running?.links.all() ?? []) this.#openGossip(link)
        },
      },
      validators: this.#validators,
    })
  }

  #createLinks(host: Host, greeter: Greeter): Links<Connection> {
    return new Links({
      self: this.self,
      clock: this.#options.clock,
      greeter,
      elected: (link) => this.#openGossip(link),
      retired: ({ connection }) => host.services.gossip.detach(connection),
      greeted: (peer) => {
        this.#peers.greeted(peer)
        this.#tell(peer, true)
      },
      lost: (peer, why) => {
        this.#peers.lost(peer, why)
        this.#tell(peer, false)
      },
      gossips: (connection) => (host.services.gossip.open ? gossips(connection) : null),
    })
  }

  /** The dialler opens it; the listener's answers with a stream of its own (FACTS 3.3). */
  #openGossip({ connection, direction }: Link<Connection>): void {
    if (direction === 'outbound') this.#running?.host.services.gossip.attach(connection)
  }

  #tell(peer: Did, greeted: boolean): void {
    for (const listener of this.#listeners) {
      try {
        listener(peer, greeted)
      } catch (error) {
        // The others are told all the same, and the connection is as it was.
        this.#fault(error)
      }
    }
  }

  async #answer(host: Host): Promise<void> {
    for (const protocol of PROTOCOLS)
      await host.handle(
        formatProtocol(protocol),
        (stream, connection) => this.#exchange.serve(protocol, stream, connection),
        { maxInboundStreams: STREAMS_MAX, maxOutboundStreams: STREAMS_MAX },
      )
    await host.handle(
      formatProtocol('hello'),
      async (stream, connection) => {
        const running = this.#running
        const link = running?.links.of(connection) ?? null
        if (running === null || link === null || link.helloed || link.direction === 'outbound')
          return stream.abort(new Error('refused'))
        link.helloed = true
        await running.greeting
          .answer(stream, link.peer, (outcome) => running.links.decided(link, outcome))
          .catch((error) => running.links.cut(link, reasonOf(error)))
      },
      { maxInboundStreams: 1, maxOutboundStreams: 1 },
    )
  }

  #opened(connection: Connection): void {
    makeAbortSafe(connection)
    const peer = didOfPeer(connection.remotePeer)
    if (peer === null || this.#running === null || this.#isolated) {
      connection.abort(new Error('refused'))
      return
    }
    const link = this.#running.links.opened(connection, peer)
    if (link.direction === 'outbound') void this.#hello(link, this.#running)
  }

  #closed(connection: Connection, host: Host, links: Links<Connection>): void {
    const stranger = links.of(connection)?.boot === ''
    links.closed(connection)
    // A thousand strangers at the door leave nothing behind. It fails when libp2p has nothing on it.
    if (stranger) host.peerStore.delete(connection.remotePeer).catch(() => {})
  }

  async #hello(link: Link<Connection>, { links, greeting }: Running): Promise<void> {
    link.helloed = true
    try {
      const outcome = await greeting.ask(link.connection, link.peer)
      links.decided(link, outcome)
      if (!outcome.greeted) links.cut(link, 'answered, and did not admit this node')
    } catch (error) {
      // Without a hello the connection is of no use; the table dials again.
      const late = meshErrorOf(error, link.peer).code === 'TIMEOUT'
      links.cut(link, reasonOf(error), late ? 'TIMEOUT' : 'UNREACHABLE')
    }
  }

  async #dial(peer: Did, addresses: readonly string[]): Promise<boolean> {
    const running = this.#running
    if (running === null) throw new MeshError('UNREACHABLE', 'the network is not started')
    return dial(running, peer, addresses)
  }

  async #supervise(links: Links<Connection>): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      links.look()
      await this.#options.clock.sleep(SUPERVISION_MS, signal)
    }
  }
}

/** null: not an Ed25519 key that is admitted. Such a peer can be nobody here. */
function didOfPeer(peer: PeerId): Did | null {
  try {
    return parsePeerId(peer.toString())
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}
