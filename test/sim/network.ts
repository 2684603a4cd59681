/**
 * The Network port in virtual time: every node in one process, everything that
 * happens between two of them drawn from one seed. What it can do to them is the
 * table of FAULTS.md section 3, each row seen with the real one. Who is greeted,
 * kept, cut and redialled is decided by the shipped code (links, peers, slots);
 * only the wires are make-believe.
 */

import { textOf, toHex } from '../../src/core/bytes.ts'
import type { StatementId } from '../../src/core/id.ts'
import { sha256Hex } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import {
  ADDRESSES_PER_PEER_MAX,
  DIAL_TIMEOUT_MS,
  GOSSIP_BYTES_MAX,
  HELLO_TIMEOUT_MS,
  SUPERVISION_MS,
} from '../../src/core/limits.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Greeter, Network, PeerLink, Protocol, Topic } from '../../src/mesh/ports.ts'
import { BOOT_BYTES } from '../../src/network/election.ts'
import { type Link, Links } from '../../src/network/links.ts'
import { Peers } from '../../src/network/peers.ts'
import { TOPICS } from '../../src/network/topics.ts'
import type { VirtualClock } from './clock.ts'
import { SimExchange, type Watch, within } from './exchange.ts'
import { type End, type Hub, openWire, SILENCE } from './hub.ts'

type Handler = Parameters<Network['handle']>[1]
type Validator = Parameters<Network['subscribe']>[1]

/** Neighbours that one gossip message is passed to: gossipsub's degree is 6, 12 at most. */
const GOSSIP_DEGREE = 8
const SEEN_MS = 120_000
/** Until a listener that refuses a peer has closed what the dialler takes for open. */
const REFUSAL_MS = 5

/** One message of gossip, wherever it is. */
interface Said {
  readonly topic: Topic
  readonly bytes: Uint8Array
  readonly id: string
}

/** What exists between start and stop. */
interface Running {
  readonly greeter: Greeter
  readonly links: Links<End>
  readonly boot: string
}

export class SimNetwork implements Network {
  readonly self: Did
  readonly #hub: Hub
  readonly #clock: VirtualClock
  readonly #peers: Peers
  /** Asked by the other end's. */
  readonly exchange: SimExchange
  readonly #validators = new Map<Topic, Validator>()
  readonly #listeners: ((peer: Did, greeted: boolean) => void)[] = []
  /** When each message was heard first; forgotten after a while, as gossipsub does. */
  readonly #seen = new Map<string, number>()
  readonly #stopped = new AbortController()
  /** Statements are kept from the others: none is passed on, served or pushed but its own. */
  censors = false
  /** What every question is answered with, in place of the node. */
  spoils: ((protocol: Protocol) => Promise<Uint8Array | null>) | null = null
  watch: Watch | null = null
  #mesh: StatementId | null = null
  #running: Running | null = null
  #isolated = false

  constructor(hub: Hub, self: Did) {
    this.#hub = hub
    this.self = self
    this.#clock = hub.clock
    this.exchange = new SimExchange({
      hub,
      link: (peer) => this.#running?.links.to(peer) ?? null,
      member: (end) => this.#running?.links.member(end) ?? null,
      there: (end) => (end.owner as SimNetwork).exchange,
      watch: () => this.watch,
    })
    this.#peers = new Peers({
      clock: hub.clock,
      random: hub.clock.dice,
      dial: (peer, addresses) => this.#dial(peer, addresses),
      greeted: (peer) => (this.#running?.links.to(peer) ?? null) !== null,
    })
  }

  addresses(): readonly string[] {
    return this.#running === null ? [] : [this.#hub.addressOf(this.self)]
  }

  start(greeter: Greeter): Promise<void> {
    const boot = toHex(this.#clock.dice.bytes(BOOT_BYTES))
    const links = new Links<End>({
      self: this.self,
      clock: this.#clock,
      greeter,
      elected: ({ connection }) => this.#hub.openGossip(connection),
      retired: () => {},
      greeted: (peer) => {
        this.#peers.greeted(peer)
        this.#tell(peer, true)
      },
      lost: (peer, why) => {
        this.#peers.lost(peer, why)
        this.#tell(peer, false)
      },
      gossips: (end) => (this.#mesh === null ? null : !end.gossipLost),
    })
    this.#running = { greeter, links, boot }
    this.#hub.join(this)
    if (!this.#isolated) this.#peers.resume()
    void this.#supervise(links)
    return Promise.resolve()
  }

  peers(): readonly PeerLink[] {
    return (this.#running?.links.all() ?? []).map(({ peer, direction, connection }) => ({
      peer,
      address: this.#hub.addressOf(peer),
      direction: direction === 'inbound' ? 'in' : 'out',
      rttMs: connection.rttMs,
    }))
  }

  onPeer(listener: (peer: Did, greeted: boolean) => void): void {
    this.#listeners.push(listener)
  }

  handle(protocol: Protocol, handler: Handler): void {
    const silent = () => this.censors && protocol === 'sync'
    this.exchange.handle(protocol, (peer, request) => {
      if (this.spoils !== null) return this.spoils(protocol)
      return silent() ? Promise.resolve(null) : handler(peer, request)
    })
  }

  subscribe(topic: Topic, validator: Validator): void {
    this.#validators.set(topic, validator)
  }

  useMesh(mesh: StatementId): void {
    const before = this.#mesh
    this.#mesh = mesh
    if (before !== null && before !== mesh) this.#running?.links.cutAll('the mesh changed')
  }

  async connect(peer: Did, addresses: readonly string[]): Promise<boolean> {
    const own = this.#usable(peer, addresses)
    if (own.length === 0)
      throw new MeshError('UNREACHABLE', `no address of peer \`${peer}\` ends in its /p2p/ id`)
    return this.#peers.connect(peer, own)
  }

  remember(peer: Did, addresses: readonly string[]): void {
    const own = this.#usable(peer, addresses)
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
    if (link !== null) this.exchange.tell(link, 'sync', parting)
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

  stop(): Promise<void> {
    this.#running?.links.cutAll('this node stops')
    this.vanish()
    return Promise.resolve()
  }

  /** The power is cut: nobody is told. What was open stays half open at the other ends. */
  vanish(): void {
    this.#stopped.abort()
    this.#peers.pause()
    this.#running = null
    this.#hub.leave(this)
  }

  async ask(peer: Did, protocol: Protocol, request: Uint8Array, signal?: AbortSignal) {
    if (this.censors && textOf(request).startsWith('{"ask":"push"'))
      throw this.#unreachable(peer, 'nothing is told')
    return this.exchange.ask(peer, protocol, request, signal)
  }

  // ---- gossip

  publish(topic: Topic, message: Uint8Array): void {
    if (this.#mesh === null || message.length > GOSSIP_BYTES_MAX) return
    const said = { topic, bytes: message.slice(), id: `${topic} ${sha256Hex(message)}` }
    if (this.#first(said)) this.#pass(said, null)
  }

  #first({ id }: Said): boolean {
    if (this.#hasHeard(id)) return false
    this.#seen.set(id, this.#clock.monotonicMs())
    return true
  }

  #hasHeard(id: string): boolean {
    const seenMs = this.#seen.get(id)
    return seenMs !== undefined && this.#clock.monotonicMs() - seenMs < SEEN_MS
  }

  #pass(said: Said, from: Did | null): void {
    const links = (this.#running?.links.all() ?? []).filter(({ peer }) => peer !== from)
    while (links.length > GOSSIP_DEGREE) links.splice(this.#clock.dice.integer(links.length), 1)
    const known = (there: End) => (there.owner as SimNetwork).#hasHeard(said.id)
    for (const { connection, peer } of links) {
      this.watch?.sent(peer, 'gossip', said.bytes)
      this.#hub.gossip(connection, known, (there) => {
        const owner = there.owner as SimNetwork
        // Another mesh's topic has another name.
        if (owner.#mesh === this.#mesh) owner.#hear(there, said)
      })
    }
  }

  #hear(end: End, said: Said): void {
    const { topic, bytes } = said
    const from = this.#running?.links.member(end) ?? null
    const validator = this.#validators.get(topic)
    if (from === null || validator === undefined || !TOPICS.includes(topic)) return
    if (!this.#first(said)) return
    const verdict = validator(from, bytes.slice())
    if (this.censors && topic === 'statements') return
    if (verdict.verdict === 'accept') this.#pass(said, from)
  }

  // ---- connections

  async #dial(peer: Did, addresses: readonly string[]): Promise<boolean> {
    const running = this.#running
    if (running === null) throw new MeshError('UNREACHABLE', 'the network is not started')
    const open = running.links.to(peer)
    if (open !== null) return true
    if (this.#refuses(peer)) throw this.#unreachable(peer, 'refused here')
    const there = await this.#hub.reach(this, peer, addresses, DIAL_TIMEOUT_MS)
    if (typeof there === 'string') throw this.#unreachable(peer, there)
    const other = there as SimNetwork
    if (this.#running !== running || other.#running === null || this.#isolated || other.#isolated)
      throw this.#unreachable(peer, 'the connection was refused')
    const [here, end] = openWire(this.#hub, this, other)
    const link = running.links.opened(here, peer)
    this.watch?.connected(peer, true)
    if (other.#refuses(this.self)) {
      // The dial has succeeded by then; only the hello knows better.
      this.#clock.after(REFUSAL_MS, () => end.abort())
    } else {
      other.#running.links.opened(end, this.self)
      other.watch?.connected(this.self, true)
      void this.#hello(link, running)
    }
    return link.outcome.promise
  }

  /** A wire ended at this side, by whomever. */
  ended(end: End): void {
    if (this.#running?.links.of(end) != null) this.watch?.connected(end.peer, false)
    this.#running?.links.closed(end)
  }

  async #hello(link: Link<End>, { greeter, links, boot }: Running): Promise<void> {
    link.helloed = true
    const { peer, connection } = link
    const over = new AbortController()
    void this.#clock.sleep(HELLO_TIMEOUT_MS, over.signal).then(() => over.abort())
    try {
      const hello = await within(greeter.hello(peer), over.signal, peer)
      const theirs = await within(this.#exchangeHello(connection, boot, hello), over.signal, peer)
      const welcome = await within(greeter.welcome(peer, theirs.answer), over.signal, peer)
      const greeted = welcome && greeter.member(peer) && !greeter.banned(peer)
      links.decided(link, { boot: theirs.boot, greeted })
      if (!greeted) links.cut(link, 'answered, and did not admit this node')
    } catch (error) {
      const late = error instanceof MeshError && error.code === 'TIMEOUT'
      const why = error instanceof Error ? error.message : 'no hello'
      links.cut(link, why, late ? 'TIMEOUT' : 'UNREACHABLE')
    } finally {
      over.abort()
    }
  }

  #exchangeHello(connection: End, boot: string, hello: Uint8Array) {
    const { promise, resolve, reject } = Promise.withResolvers<{
      boot: string
      answer: Uint8Array
    }>()
    const gone = () => reject(new MeshError('UNREACHABLE', 'the connection ended'))
    connection.onClose(gone)
    this.#hub.send(connection, (there) => {
      const owner = there.owner as SimNetwork
      void owner.#greet(there, boot, hello.slice()).then(
        (answer) => this.#hub.send(there, () => resolve(answer)),
        () => there.abort(),
      )
    })
    return promise.finally(() => connection.offClose(gone))
  }

  async #greet(end: End, boot: string, hello: Uint8Array) {
    const running = this.#running
    const link = running?.links.of(end) ?? null
    if (running === null || link === null || link.helloed) throw new Error('refused')
    link.helloed = true
    this.watch?.greeted(link.peer, hello)
    const { answer, greeted } = await running.greeter.answer(link.peer, hello)
    const { greeter } = running
    const admitted = greeted && greeter.member(link.peer) && !greeter.banned(link.peer)
    running.links.decided(link, { boot, greeted: admitted })
    this.watch?.sent(link.peer, 'hello', answer)
    return { boot: running.boot, answer: answer.slice() }
  }

  #refuses(peer: Did): boolean {
    return this.#isolated || this.#running === null || this.#running.greeter.banned(peer)
  }

  #unreachable(peer: Did, why: string): MeshError {
    return new MeshError(why === SILENCE ? 'TIMEOUT' : 'UNREACHABLE', `peer \`${peer}\`: ${why}`)
  }

  #usable(peer: Did, addresses: readonly string[]): readonly string[] {
    return addresses
      .filter((address) => address.endsWith(`/p2p/${formatPeerId(peer)}`))
      .slice(0, ADDRESSES_PER_PEER_MAX)
  }

  #tell(peer: Did, greeted: boolean): void {
    for (const listener of this.#listeners) listener(peer, greeted)
  }

  async #supervise(links: Links<End>): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      links.look()
      await this.#clock.sleep(SUPERVISION_MS, signal)
    }
  }
}
