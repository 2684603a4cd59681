/**
 * The wires between simulated nodes: delay, loss, order, partitions, frozen and
 * vanished hosts. A stream is reliable and in order, as TCP makes it: there, a
 * lost packet is a late one. Gossip may lose, repeat and reorder.
 */
import type { Did } from '../../src/core/keys.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import type { Wire } from '../../src/network/links.ts'
import type { VirtualClock } from './clock.ts'

/** What is drawn for each thing sent. Shares are of 1. */
export interface Weather {
  readonly delayMsMin: number
  readonly delayMsMax: number
  /** Packets lost: on a stream 200 ms each until it is through, in gossip for ever. */
  readonly loss: number
  /** Of gossip alone: the streams that carry it die more easily than those made anew. */
  readonly gossipLoss: number
  readonly duplicates: number
  /** Gossip that is overtaken. */
  readonly reorder: number
}

export const CALM: Weather = {
  delayMsMin: 1,
  delayMsMax: 3,
  loss: 0,
  gossipLoss: 0,
  duplicates: 0,
  reorder: 0,
}

/** Why a dial came to nothing that nobody answered. */
export const SILENCE = 'no answer in time'

const RETRANSMISSION_MS = 200
const OVERTAKEN_MS = 500
/** Until pings that are not answered end a connection (FACTS 3.6). */
const PINGS_FAILED_MS = 12_400
/** Until gossip flows on a new connection; a frozen neighbour stands in the queue before it (FACTS 3.2). */
const GOSSIP_OPENS_MS = 20
const GOSSIP_QUEUE_MS = 1_000

export interface Host {
  readonly self: Did
  /** A connection of this host ended. */
  ended(end: End): void
}

/** One side of a connection. */
export class End implements Wire {
  readonly owner: Host
  readonly peer: Did
  readonly direction: 'inbound' | 'outbound'
  readonly #hub: Hub
  status: 'open' | 'closed' = 'open'
  rttMs: number | null = null
  /** Gossip from here is dead though the connection lives. */
  gossipLost = false
  gossipFromMs = Number.POSITIVE_INFINITY
  /** Nothing on a stream arrives before what was sent earlier. */
  arrivedMs = 0
  other: End | null = null
  readonly #onClose = new Set<() => void>()

  constructor(hub: Hub, owner: Host, peer: Did, direction: 'inbound' | 'outbound') {
    this.#hub = hub
    this.owner = owner
    this.peer = peer
    this.direction = direction
  }

  onClose(listener: () => void): void {
    if (this.status === 'open') this.#onClose.add(listener)
    else listener()
  }

  offClose(listener: () => void): void {
    this.#onClose.delete(listener)
  }

  close(): Promise<void> {
    this.abort()
    return Promise.resolve()
  }

  /** Ends here at once, and there when the news arrives. */
  abort(): void {
    const there = this.other
    if (!this.end() || there === null) return
    if (!this.#hub.sendFrom(this, () => there.end())) this.#hub.failsLater(there)
  }

  /** The other end learned of it, or pings failed. */
  end(): boolean {
    if (this.status === 'closed') return false
    this.status = 'closed'
    this.#hub.forgetEnd(this)
    this.owner.ended(this)
    for (const listener of [...this.#onClose]) listener()
    return true
  }
}

export function openWire(hub: Hub, dialler: Host, listener: Host): [End, End] {
  const here = new End(hub, dialler, listener.self, 'outbound')
  const there = new End(hub, listener, dialler.self, 'inbound')
  here.other = there
  there.other = here
  hub.keepEnds(here, there)
  return [here, there]
}

export class Hub {
  readonly clock: VirtualClock
  weather: Weather
  readonly #hosts = new Map<Did, Host>()
  readonly #addresses = new Map<Did, string>()
  readonly #ends = new Set<End>()
  readonly #frozen = new Map<Did, (() => void)[]>()
  #blocked: (from: Did, to: Did) => boolean = () => false
  /** Pairs that do not hear each other, beside the partition. */
  readonly #cut = new Set<string>()
  /** What everything to and from a node takes longer. */
  readonly #slow = new Map<Did, number>()

  constructor(clock: VirtualClock, weather: Partial<Weather> = {}) {
    this.clock = clock
    this.weather = { ...CALM, ...weather }
  }

  join(host: Host): void {
    this.#hosts.set(host.self, host)
  }

  leave(host: Host): void {
    if (this.#hosts.get(host.self) === host) this.#hosts.delete(host.self)
    for (const end of [...this.#ends])
      if (end.owner === host) {
        end.status = 'closed'
        this.#ends.delete(end)
        if (end.other !== null) this.failsLater(end.other)
      }
  }

  /** The same for every incarnation. */
  /** Gives a host this address, which others may have as well, before anybody asks for it. */
  settle(did: Did, ip: string): void {
    this.#addresses.set(did, `/ip4/${ip}/tcp/4717/p2p/${formatPeerId(did)}`)
  }

  addressOf(did: Did): string {
    const known = this.#addresses.get(did)
    if (known !== undefined) return known
    const number = this.#addresses.size + 1
    const address = `/ip4/10.0.${number >> 8}.${number & 255}/tcp/4717/p2p/${formatPeerId(did)}`
    this.#addresses.set(did, address)
    return address
  }

  /** Traffic in this direction is dropped in silence; one-way links are possible. */
  partition(blocked: (from: Did, to: Did) => boolean): void {
    this.#blocked = blocked
    for (const end of this.#ends) if (!this.#passes(end)) this.failsLater(end)
  }

  heal(): void {
    this.#blocked = () => false
    this.#cut.clear()
    this.#slow.clear()
  }

  /** Two that do not hear each other, whatever else is cut. */
  cut(a: Did, b: Did, cut: boolean): void {
    for (const pair of [`${a} ${b}`, `${b} ${a}`])
      if (cut) this.#cut.add(pair)
      else this.#cut.delete(pair)
    if (cut) for (const end of this.#ends) if (!this.#passes(end)) this.failsLater(end)
  }

  /** @param ms beside what the weather takes; 0 for no longer */
  slow(did: Did, ms: number): void {
    if (ms > 0) this.#slow.set(did, ms)
    else this.#slow.delete(did)
  }

  /** SIGSTOP, as far as a network shows it: what is sent to it or by it waits; the others notice by their pings. */
  freeze(did: Did): void {
    if (!this.#frozen.has(did)) this.#frozen.set(did, [])
    for (const end of this.#ends) if (end.peer === did) this.failsLater(end)
  }

  thaw(did: Did): void {
    const held = this.#frozen.get(did) ?? []
    this.#frozen.delete(did)
    for (const run of held) run()
  }

  /** Every gossip stream between the two is reset; nothing else shows it. */
  killGossip(a: Did, b: Did): void {
    for (const end of this.#ends) {
      const self = end.owner.self
      if ((self === a && end.peer === b) || (self === b && end.peer === a)) end.gossipLost = true
    }
  }

  /** The host, or why not. Whose address it is was demanded with /p2p/. */
  async reach(from: Host, to: Did, addresses: readonly string[], limitMs: number) {
    const known = addresses.includes(this.addressOf(to))
    const hole = known && (this.#stops(from.self, to) || this.#stops(to, from.self))
    if (hole || this.#frozen.has(to) || this.#frozen.has(from.self)) {
      await this.clock.sleep(limitMs)
      return SILENCE
    }
    await this.clock.sleep(this.#delayMs(from.self, to) + this.#delayMs(to, from.self))
    const host = known ? this.#hosts.get(to) : undefined
    return host ?? 'connection refused'
  }

  /** Runs at the other end, in order, if it arrives. */
  send(end: End, run: (there: End) => void): void {
    const there = end.other
    if (end.status !== 'open' || there === null) return
    this.sendFrom(end, () => {
      if (there.status === 'open') run(there)
    })
  }

  /** False: the way is blocked. */
  sendFrom(end: End, run: () => void): boolean {
    if (!this.#passes(end)) return false
    const held = this.#frozen.get(end.owner.self)
    if (held !== undefined) {
      held.push(() => this.sendFrom(end, run))
      return true
    }
    let delayMs = this.#delayMs(end.owner.self, end.peer)
    while (this.clock.dice.unit() < this.weather.loss) delayMs += RETRANSMISSION_MS
    end.rttMs = 2 * delayMs
    end.arrivedMs = Math.max(end.arrivedMs, this.clock.monotonicMs() + delayMs)
    this.clock.after(end.arrivedMs - this.clock.monotonicMs(), () => this.deliver(end.peer, run))
    return true
  }

  openGossip(end: End): void {
    const queued = [...this.#frozen.keys()].some((did) =>
      [...this.#ends].some((each) => each.owner === end.owner && each.peer === did),
    )
    end.gossipFromMs = this.clock.monotonicMs() + GOSSIP_OPENS_MS + (queued ? GOSSIP_QUEUE_MS : 0)
  }

  /** As send, but a hint. @param known whether the other end has heard it: then it hears nothing new */
  gossip(end: End, known: (there: End) => boolean, run: (there: End) => void): void {
    const there = end.other
    if (there === null || end.status !== 'open' || end.gossipLost || there.gossipLost) return
    if (this.clock.monotonicMs() < end.gossipFromMs || this.#frozen.has(end.owner.self)) return
    const { dice } = this.clock
    const copies = dice.unit() < this.weather.duplicates ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (dice.unit() < Math.max(this.weather.loss, this.weather.gossipLoss)) continue
      const lateMs = dice.unit() < this.weather.reorder ? dice.integer(OVERTAKEN_MS) : 0
      const delayMs = this.#delayMs(end.owner.self, end.peer) + lateMs
      if (known(there)) continue
      this.clock.after(delayMs, () => {
        if (this.#passes(end))
          this.deliver(end.peer, () => {
            if (there.status === 'open') run(there)
          })
      })
    }
  }

  /** Unless the way is free again by then. */
  failsLater(end: End): void {
    this.clock.after(PINGS_FAILED_MS, () => {
      const there = end.other
      const alive = there?.status === 'open' && this.#passes(end) && this.#passes(there)
      if (!alive || this.#frozen.has(end.peer)) end.abort()
    })
  }

  keepEnds(...ends: readonly End[]): void {
    for (const end of ends) this.#ends.add(end)
  }

  forgetEnd(end: End): void {
    this.#ends.delete(end)
  }

  /** Runs on that host: at once, or when it goes on. */
  deliver(to: Did, run: () => void): void {
    const held = this.#frozen.get(to)
    if (held === undefined) run()
    else held.push(run)
  }

  #passes(end: End): boolean {
    return !this.#stops(end.owner.self, end.peer)
  }

  #stops(from: Did, to: Did): boolean {
    return this.#blocked(from, to) || this.#cut.has(`${from} ${to}`)
  }

  #delayMs(from: Did, to: Did): number {
    const { delayMsMin, delayMsMax } = this.weather
    const slowMs = (this.#slow.get(from) ?? 0) + (this.#slow.get(to) ?? 0)
    return delayMsMin + slowMs + this.clock.dice.unit() * (delayMsMax - delayMsMin)
  }
}
