/**
 * The network between daemons, in user space and without root. Each daemon
 * announces the address of a relay, so that every connection passes one; the
 * relay finds out whose it is, and does to each direction of each pair what a
 * bad network does to TCP:
 *
 *     atlas ──▶ relay of borealis ──▶ borealis       one Link for each direction:
 *                 delay · rate · stall · cut            "atlas>borealis" and "borealis>atlas"
 *
 * A packet that is lost is a stall here, as TCP shows it: the retransmission
 * comes after 200 ms, twice that if it is lost again.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import { Lab } from '../e2e/lab.ts'

export interface Link {
  readonly delayMs?: number
  readonly jitterMs?: number
  /** Share of packets that are lost. */
  readonly loss?: number
  readonly bytesPerS?: number
  /** Bytes in one segment. */
  readonly segment?: number
  /** Share of packets in which a byte is another one. */
  readonly corrupt?: number
  /** Share of packets that are answered by a reset. */
  readonly reset?: number
  /** Nothing passes, and nobody is told. */
  readonly cut?: boolean
}

const RETRANSMIT_MS = 200
const PACKET_BYTES = 1_400
const WINDOW_PACKETS = 64

/** One direction of one connection: bytes keep their order, whatever happens to them. */
class Pipe {
  readonly #from: net.Socket
  readonly #to: net.Socket
  readonly #link: () => Link
  readonly #dice: () => number
  #line: Promise<void> = Promise.resolve()
  #arrivesMs = 0
  readonly #flying: { readonly bytes: Buffer; readonly atMs: number }[] = []

  constructor(from: net.Socket, to: net.Socket, link: () => Link, dice: () => number) {
    this.#from = from
    this.#to = to
    this.#link = link
    this.#dice = dice
    from.on('data', (chunk: Buffer) => {
      from.pause()
      this.#line = this.#line.then(() => this.#pass(chunk)).then(() => void from.resume())
    })
    from.on('end', () => {
      this.#line = this.#line.then(async () => {
        while ((this.#link().cut || this.#flying.length > 0) && !to.destroyed) await sleep(20)
        to.end()
      })
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      if (!this.#link().cut) this.#line = this.#line.then(() => void to.destroySoon())
    })
  }

  async #pass(chunk: Buffer): Promise<void> {
    const size = this.#link().segment ?? PACKET_BYTES
    for (let at = 0; at < chunk.length && !this.#to.destroyed; at += size) {
      const link = this.#link()
      if (link.cut) {
        await this.#blocked()
        if (this.#to.destroyed) return
      }
      if (this.#dice() < (link.reset ?? 0)) {
        this.#from.resetAndDestroy()
        this.#to.resetAndDestroy()
        return
      }
      await this.#carry(chunk.subarray(at, at + size), link)
    }
  }

  /** What is in flight arrives in order; what is sent meanwhile is sent meanwhile. */
  async #carry(packet: Buffer, link: Link): Promise<void> {
    let delayMs = (link.delayMs ?? 0) + this.#dice() * (link.jitterMs ?? 0)
    for (let again = RETRANSMIT_MS; this.#dice() < (link.loss ?? 0) && again < 10_000; again *= 2)
      delayMs += again
    const sendMs = link.bytesPerS === undefined ? 0 : (packet.length / link.bytesPerS) * 1000
    const atMs = Math.max(this.#arrivesMs, performance.now() + delayMs) + sendMs
    this.#arrivesMs = atMs
    const bytes = this.#dice() < (link.corrupt ?? 0) ? this.#spoiled(packet) : packet
    this.#flying.push({ bytes, atMs })
    if (this.#flying.length === 1) this.#land()
    // A slow link takes no more than it carries, and a window is full some time.
    if (sendMs > 0) await sleep(sendMs)
    if (link.segment !== undefined) await new Promise(setImmediate)
    if (this.#to.writableNeedDrain || this.#flying.length > WINDOW_PACKETS)
      await Promise.race([sleep(1_000), once(this.#to, 'drain').catch(() => {})])
  }

  #land(): void {
    for (let [next] = this.#flying; next !== undefined; [next] = this.#flying) {
      const waitMs = next.atMs - performance.now()
      if (waitMs > 0) {
        setTimeout(() => this.#land(), waitMs)
        return
      }
      this.#flying.shift()
      if (!this.#to.destroyed) this.#to.write(next.bytes)
    }
  }

  #spoiled(packet: Buffer): Buffer {
    const bytes = Buffer.from(packet)
    const at = Math.floor(this.#dice() * bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(this.#dice() * 255))
    return bytes
  }

  async #blocked(): Promise<void> {
    while (this.#link().cut && !this.#to.destroyed) await sleep(50)
  }
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

/** Daemons that reach each other through relays alone. */
export class RelayedLab extends Lab {
  readonly #ports = new Map<string, { readonly own: number; relay: number; server: net.Server }>()
  readonly #links = new Map<string, Link>()
  readonly #sockets = new Map<net.Socket, { readonly from: string; readonly to: string }>()
  #all: Link = {}
  readonly #dice: () => number

  private constructor(seed: number) {
    super()
    let state = seed
    this.#dice = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
  }

  static async open(names: readonly string[], seed = 1): Promise<RelayedLab> {
    const lab = new RelayedLab(seed)
    for (const name of names) await lab.#relay(name)
    return lab
  }

  override host(name: string): Host {
    const ports = this.#ports.get(name)
    if (ports === undefined) return super.host(name)
    const keyStore = join(this.dir, 'operator')
    const host = new Host({ name, dir: join(this.dir, name), keyStore }, ports.own)
    const file = host.env['MESHD_CONFIG'] as string
    const announce = `announce: [/ip4/127.0.0.1/tcp/${ports.relay}] }`
    writeFileSync(file, readFileSync(file, 'utf8').replace(/(mesh: .*\]) }/, `$1, ${announce}`))
    this.hosts.push(host)
    return host
  }

  /** What happens between all of them from now on. */
  all(link: Link): void {
    this.#all = link
    this.#links.clear()
  }

  /** In one direction: from what one says to what the other hears. */
  between(from: string, to: string, link: Link): void {
    this.#links.set(`${from}>${to}`, link)
  }

  /** No byte passes between the one and all others. */
  isolate(name: string, link: Link = { cut: true }): void {
    for (const other of this.#ports.keys()) {
      this.between(name, other, link)
      this.between(other, name, link)
    }
  }

  /** All is well; what was held back arrives now. */
  heal(): void {
    this.all({})
  }

  /** Ends every connection with a reset. */
  reset(): number {
    for (const socket of this.#sockets.keys()) socket.resetAndDestroy()
    return this.#sockets.size
  }

  /** Nobody listens there any more. */
  close(name: string): void {
    this.#ports.get(name)?.server.close()
    for (const [socket, { to }] of this.#sockets) if (to === name) socket.destroy()
  }

  get connections(): number {
    return this.#sockets.size
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    for (const socket of this.#sockets.keys()) socket.destroy()
    for (const { server } of this.#ports.values()) server.close()
  }

  async #relay(name: string): Promise<void> {
    const own = await freePort()
    const server = net.createServer({ pauseOnConnect: true }, (socket) =>
      this.#take(name, own, socket),
    )
    const relay = await listen(server)
    this.#ports.set(name, { own, relay, server })
  }

  #take(to: string, own: number, socket: net.Socket): void {
    const from = this.#whose(socket.remotePort ?? 0) ?? '?'
    const target = net.connect(own, '127.0.0.1')
    const link = (a: string, b: string) => () => this.#links.get(`${a}>${b}`) ?? this.#all
    for (const each of [socket, target]) {
      each.setNoDelay(true)
      this.#sockets.set(each, { from, to })
      each.on('close', () => this.#sockets.delete(each))
    }
    new Pipe(socket, target, link(from, to), this.#dice)
    new Pipe(target, socket, link(to, from), this.#dice)
    socket.resume()
  }

  /** The daemon that has that port of this machine as the local end of a connection. */
  #whose(port: number): string | null {
    const hex = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
    const line = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .find((each) => each.trim().split(/\s+/)[1] === hex)
    const inode = line?.trim().split(/\s+/)[9]
    if (inode === undefined) return null
    return this.hosts.find((host) => holds(host, `socket:[${inode}]`))?.name ?? null
  }
}

function holds(host: Host, socket: string): boolean {
  try {
    const dir = `/proc/${host.pid}/fd`
    return readdirSync(dir).some((fd) => {
      try {
        return readlinkSync(`${dir}/${fd}`) === socket
      } catch {
        // Closed since it was listed.
        return false
      }
    })
  } catch {
    // That one does not run now.
    return false
  }
}

function listen(server: net.Server): Promise<number> {
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => done((server.address() as net.AddressInfo).port))
  })
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  const port = await listen(server)
  await new Promise((done) => server.close(done))
  return port
}
