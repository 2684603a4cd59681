/**
 * Every connection of this node, from its opening to its end: greeted in time
 * or cut, one per peer, banned peers cut, and dropped when gossip has died on it
 * while it lives; the table of peers then dials anew (FACTS 3.2, 3.3).
 */
import type { Did } from '../core/keys.ts'
import {
  DOOR_CONNECTIONS_MAX,
  FAREWELL_MS,
  GOSSIP_MISSING_LOOKS,
  HELLO_TIMEOUT_MS,
} from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Clock, Greeter } from '../mesh/ports.ts'
import { elect } from './election.ts'
import type { Outcome } from './greeting.ts'

/** What this needs of a connection; the simulated one has no more. */
export interface Wire {
  readonly direction: 'inbound' | 'outbound'
  readonly status: string
  /** Lets through what it still carries. */
  close(): Promise<void>
  abort(error: Error): void
}

export interface Link<W extends Wire> {
  readonly connection: W
  readonly peer: Did
  readonly direction: 'inbound' | 'outbound'
  readonly order: number
  readonly openedMs: number
  boot: string
  greeted: boolean
  /** One hello was begun; there is no second one. */
  helloed: boolean
  /** Looks in a row at which gossip was missing. */
  missing: number
  /** Why this node ends it; null when the other end or the network did. */
  cut: Ended | null
  /** True when greeted, false when answered otherwise; rejects when it ends before either, TIMEOUT when nobody answered in time, else UNREACHABLE. */
  readonly outcome: PromiseWithResolvers<boolean>
}

interface Ended {
  readonly why: string
  /** For whoever waits for the hello: asking again may help where nobody answered in time. */
  readonly code: 'UNREACHABLE' | 'TIMEOUT'
}

const LATE = 'no hello in time'

export interface LinksPorts<W extends Wire> {
  readonly self: Did
  readonly clock: Clock
  readonly greeter: Greeter
  /** The connection that this peer's traffic takes from now on. */
  elected(link: Link<W>): void
  /** It carries nothing any more. */
  retired(link: Link<W>): void
  greeted(peer: Did): void
  lost(peer: Did, why: string): void
  /** null: nothing to watch on it. */
  gossips(connection: W): boolean | null
}

export class Links<W extends Wire> {
  readonly #ports: LinksPorts<W>
  readonly #links = new Map<W, Link<W>>()
  /** The one greeted connection of each peer. */
  readonly #elected = new Map<Did, Link<W>>()
  #order = 0

  constructor(ports: LinksPorts<W>) {
    this.#ports = ports
  }

  opened(connection: W, peer: Did): Link<W> {
    const outcome = Promise.withResolvers<boolean>()
    // Nobody may be waiting for it; who is gets the rejection all the same.
    outcome.promise.catch(() => {})
    const link: Link<W> = {
      connection,
      peer,
      direction: connection.direction,
      order: this.#order++,
      openedMs: this.#ports.clock.monotonicMs(),
      boot: '',
      greeted: false,
      helloed: false,
      missing: 0,
      cut: null,
      outcome,
    }
    this.#links.set(connection, link)
    if (link.direction === 'inbound') this.#clearDoor()
    return link
  }

  /** Strangers stand at the door for as long as they may: of too many the oldest goes, so that whoever comes is heard. */
  #clearDoor(): void {
    const waiting = [...this.#links.values()].filter(
      ({ direction, greeted, boot }) => direction === 'inbound' && !greeted && boot === '',
    )
    const [oldest] = waiting
    if (waiting.length > DOOR_CONNECTIONS_MAX && oldest !== undefined)
      this.cut(oldest, 'too many wait at the door')
  }

  of(connection: W): Link<W> | null {
    return this.#links.get(connection) ?? null
  }

  /** The greeted connection to a member; null also when it is a member no more. */
  to(peer: Did): Link<W> | null {
    const link = this.#elected.get(peer)
    return link !== undefined && this.#admitted(link) ? link : null
  }

  all(): Link<W>[] {
    return [...this.#elected.values()].filter((link) => this.#admitted(link))
  }

  /** Who is at the other end, if greeted and a member now. */
  member(connection: W): Did | null {
    const link = this.#links.get(connection)
    return link?.greeted === true && this.#admitted(link) ? link.peer : null
  }

  /** What the hello said. */
  decided(link: Link<W>, { boot, greeted }: Outcome): void {
    const admitted = greeted && this.#links.has(link.connection)
    if (admitted) {
      link.boot = boot
      link.greeted = true
      this.#choose(link)
    }
    link.outcome.resolve(admitted)
  }

  #choose(link: Link<W>): void {
    const before = this.#elected.get(link.peer)
    const kept = before === undefined ? link : elect(before, link, this.#ports.self, link.peer)
    if (kept === link) {
      this.#elected.set(link.peer, link)
      this.#ports.elected(link)
    }
    if (before === undefined) this.#ports.greeted(link.peer)
    else this.#drop(kept === link ? before : link, kept)
    if (before === undefined || before.boot === link.boot || kept !== link) return
    // What was known of the old process does not hold for the new one.
    this.#ports.lost(link.peer, 'it was started again')
    this.#ports.greeted(link.peer)
  }

  #drop(loser: Link<W>, kept: Link<W>): void {
    if (loser.boot !== kept.boot) this.cut(loser, 'its process was started again')
    // Left to the kept one's dialler, who knows last: closed earlier, the other end would have none.
    else if (kept.direction === 'outbound') close(loser)
  }

  closed(connection: W): void {
    const link = this.#links.get(connection)
    if (link === undefined) return
    this.#links.delete(connection)
    const { why, code } = link.cut ?? { why: 'the connection ended', code: 'UNREACHABLE' }
    link.outcome.reject(new MeshError(code, `peer \`${link.peer}\`: ${why}`))
    this.#retire(link, why)
  }

  /** Ends a connection at once; what was greeted is not any more, before anything else runs. */
  cut(link: Link<W>, why: string, code: Ended['code'] = 'UNREACHABLE'): void {
    link.cut ??= { why, code }
    this.#retire(link, why)
    link.connection.abort(new Error(why))
  }

  /**
   * Nothing of the peer is heard any more, before anything else runs; its connections end a moment
   * later. The one that was greeted is returned: a last word may still be sent on it.
   */
  cutPeer(peer: Did, why: string): Link<W> | null {
    const greeted = this.#elected.get(peer) ?? null
    for (const link of [...this.#links.values()]) {
      if (link.peer !== peer) continue
      link.cut ??= { why, code: 'UNREACHABLE' }
      this.#retire(link, why)
      const cut = () => this.#links.has(link.connection) && this.cut(link, why)
      void this.#ports.clock.sleep(FAREWELL_MS).then(cut)
    }
    return greeted
  }

  cutAll(why: string): void {
    for (const link of [...this.#links.values()]) this.cut(link, why)
  }

  /** Looks at every connection; called at intervals. */
  look(): void {
    const nowMs = this.#ports.clock.monotonicMs()
    for (const link of [...this.#links.values()]) {
      const why = this.#fault(link, nowMs)
      if (why !== null) this.cut(link, why, why === LATE ? 'TIMEOUT' : 'UNREACHABLE')
    }
  }

  #fault(link: Link<W>, nowMs: number): string | null {
    const { greeter, gossips } = this.#ports
    if (greeter.banned(link.peer)) return 'suspended, revoked or distrusted'
    if (!link.greeted) return nowMs - link.openedMs > HELLO_TIMEOUT_MS ? LATE : null
    if (!greeter.member(link.peer)) return 'no longer a member'
    if (this.#elected.get(link.peer) !== link)
      return nowMs - link.openedMs > 2 * HELLO_TIMEOUT_MS ? 'another connection is used' : null
    link.missing = gossips(link.connection) === false ? link.missing + 1 : 0
    return link.missing >= GOSSIP_MISSING_LOOKS ? 'its gossip was lost' : null
  }

  #retire(link: Link<W>, why: string): void {
    link.greeted = false
    this.#ports.retired(link)
    if (this.#elected.get(link.peer) !== link) return
    this.#elected.delete(link.peer)
    const next = [...this.#links.values()].find((each) => each.peer === link.peer && each.greeted)
    if (next === undefined) {
      this.#ports.lost(link.peer, why)
      return
    }
    this.#elected.set(next.peer, next)
    this.#ports.elected(next)
  }

  /** INVARIANT: asked each time; a hello of long ago admits nobody. */
  #admitted({ peer, connection }: Link<W>): boolean {
    const { greeter } = this.#ports
    return connection.status === 'open' && greeter.member(peer) && !greeter.banned(peer)
  }
}

/** What it still carries is let through. */
function close({ connection }: Link<Wire>): void {
  connection.close().catch(() => connection.abort(new Error('another connection is used')))
}
