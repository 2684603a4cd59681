/**
 * A peer that keeps no rule: its own libp2p node with keys of its own, which
 * speaks the bytes of docs/protocol.md by hand and obeys nothing of src/mesh.
 * Without an invite it is a stranger; with one it is an admitted member that
 * stores, verifies and answers nothing unless a test tells it to.
 */
import { randomBytes } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { concat, textOf, toBase64, utf8 } from '../../src/core/bytes.ts'
import type { StatementId } from '../../src/core/id.ts'
import { inviteId, parseInvite } from '../../src/core/invite.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { type Did, type Signer, signerOf } from '../../src/core/keys.ts'
import { peerOfAddress } from '../../src/core/peer-id.ts'
import { proveClaim, proveInvite } from '../../src/mesh/hello-frames.ts'
import { GOSSIP_PROTOCOLS, RawGossip } from './raw-gossip.ts'

/** What the attacked node asks of its member; null resets the stream. */
type Answering = (
  protocol: string,
  request: Uint8Array,
  stream: Stream,
) => Promise<Uint8Array | null>

export const MESHD_PROTOCOLS = ['hello', 'state', 'sync', 'log', 'lineage'] as const
const protocolId = (name: string) => `/meshd/${name}/1`
const BOOT_BYTES = 16
const HEARD_MAX = 200

export interface HelloOptions {
  /** null: pinned to none. */
  readonly mesh: StatementId | null
  readonly name?: string
  /** An invite's line. */
  readonly invite?: string
  /** What replaces fields of the hello, after it was signed. */
  readonly change?: JsonObject
}

export class Attacker implements AsyncDisposable {
  readonly node: Awaited<ReturnType<typeof listenNowhere>>
  readonly identity: Signer
  readonly #log = signerOf(randomBytes(32))
  readonly witness = signerOf(randomBytes(32))
  readonly #boot = randomBytes(BOOT_BYTES)
  /** Bytes that came on streams of each protocol. */
  readonly got = new Map<string, number>()
  /** Gossip as it came, the last of it: to be sent again. */
  readonly heard: Uint8Array[] = []
  /** How often the attacked node asked. */
  readonly asked = new Map<string, number>()
  answering: Answering = async () => null

  private constructor(node: Attacker['node'], seed: Uint8Array) {
    this.node = node
    this.identity = signerOf(seed)
  }

  /** @param seed of its identity; another process with the same seed is the same peer */
  static async start(seed: Uint8Array = randomBytes(32)): Promise<Attacker> {
    const attacker = new Attacker(await listenNowhere(seed), seed)
    for (const name of MESHD_PROTOCOLS.slice(1)) await attacker.#serve(name)
    const listen = (stream: Stream) => {
      attacker.#count('gossip', stream)
      stream.addEventListener('message', ({ data }) => {
        attacker.heard.push(data.subarray().slice())
        if (attacker.heard.length > HEARD_MAX) attacker.heard.shift()
      })
    }
    await attacker.node.handle([...GOSSIP_PROTOCOLS], listen, { maxInboundStreams: 64 })
    return attacker
  }

  get did(): Did {
    return this.identity.did
  }

  get log(): Signer {
    return this.#log
  }

  /** Bytes of what only members may have: everything but the hello. */
  get leaked(): number {
    return [...this.got].reduce((sum, [name, bytes]) => sum + (name === 'hello' ? 0 : bytes), 0)
  }

  dial(address: string): Promise<Connection> {
    return this.node.dial(multiaddr(address), { signal: AbortSignal.timeout(3_000), force: true })
  }

  /** Opens a stream and sends these bytes as they are; what comes back is counted. */
  async send(connection: Connection, name: string, bytes: Uint8Array): Promise<Stream> {
    const signal = AbortSignal.timeout(3_000)
    const id = name.startsWith('/') ? name : protocolId(name)
    const stream = await connection.newStream(id, { signal, maxOutboundStreams: 100_000 })
    this.#count(name, stream)
    stream.send(bytes)
    return stream
  }

  /** One question in its frame, and the frame that answers it, whole; null when the stream ends or ms are over. */
  async ask(
    connection: Connection,
    name: string,
    body: Uint8Array,
    ms = 3_000,
  ): Promise<Uint8Array | null> {
    const stream = await this.send(connection, name, framed(body))
    stream.close().catch(() => {})
    return frameOf(stream, ms)
  }

  /** What the answer says; null when there is none. */
  async hello(connection: Connection, options: HelloOptions): Promise<JsonObject | null> {
    const to = peerOfAddress(
      connection.remoteAddr.toString().replace(/(\/p2p\/.*)?$/, suffixOf(connection)),
    )
    const body = concat(this.#boot, utf8(formatJson(this.#claim(to, options))))
    const answer = await this.ask(connection, 'hello', body)
    return answer === null ? null : (JSON.parse(textOf(answer.subarray(BOOT_BYTES))) as JsonObject)
  }

  /** Redeems the invite by hand, and is greeted: the connection is a member's. */
  async join(invite: string): Promise<Connection> {
    const { addresses, mesh } = parseInvite(invite)
    const connection = await this.dial(addresses[0] ?? '')
    const answer = await this.hello(connection, { mesh, invite })
    if (answer?.['result'] !== 'member') throw new Error(`not let in: ${JSON.stringify(answer)}`)
    return connection
  }

  /** Gossip, by hand: what it publishes nobody checked. */
  async gossip(connection: Connection): Promise<RawGossip> {
    return new RawGossip(await connection.newStream([...GOSSIP_PROTOCOLS]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop()
  }

  #claim(to: Did, { mesh, name = 'mallory', invite, change = {} }: HelloOptions): JsonObject {
    const claim = { name, log: this.log.did, witness: this.witness.did, mesh }
    const proofs = proveClaim(claim, to, [this.identity, this.log, this.witness])
    return {
      ...claim,
      address: null,
      invite: invite === undefined ? null : this.redemption(to, invite),
      member: null,
      proofs: proofs.map(toBase64),
      root: 0,
      version: 1,
      ...change,
    }
  }

  /** What proves to that node that this joiner has the secret. */
  redemption(redeemer: Did, line: string): JsonObject {
    const { mesh, secret } = parseInvite(line)
    const key = signerOf(secret)
    const id = inviteId(key.did)
    const who = { joiner: this.did, log: this.log.did, witness: this.witness.did, redeemer }
    return { id, signature: toBase64(proveInvite({ invite: id, mesh, ...who }, key)) }
  }

  async #serve(name: string): Promise<void> {
    await this.node.handle(protocolId(name), async (stream) => {
      this.asked.set(name, (this.asked.get(name) ?? 0) + 1)
      this.#count(`asked ${name}`, stream)
      const request = await frameOf(stream, 3_000)
      const answer = request === null ? null : await this.answering(name, request, stream)
      if (answer === null) return stream.abort(new Error('no answer'))
      stream.send(framed(concat(Uint8Array.of(0), answer)))
      await stream.close().catch(() => {})
    })
  }

  #count(name: string, stream: Stream): void {
    stream.addEventListener('message', ({ data }) => {
      this.got.set(name, (this.got.get(name) ?? 0) + data.byteLength)
    })
  }
}

async function listenNowhere(seed: Uint8Array) {
  return createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 16 * 1024 * 1024 } })],
    connectionManager: { maxConnections: 10_000, maxParallelDials: 1_000 },
    connectionMonitor: { enabled: false },
  })
}

function suffixOf(connection: Connection): string {
  return `/p2p/${connection.remotePeer.toString()}`
}

/** Four bytes of length, and the body. */
export function framed(body: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, body.length)
  return concat(length, body)
}

/** The first frame that comes on a stream; null when the stream ends before it or ms are over. */
function frameOf(stream: Stream, ms: number): Promise<Uint8Array | null> {
  return new Promise((done) => {
    let bytes: Uint8Array = new Uint8Array()
    const end = (frame: Uint8Array | null) => {
      clearTimeout(late)
      done(frame)
    }
    const late = setTimeout(() => end(null), ms)
    stream.addEventListener('message', ({ data }) => {
      bytes = concat(bytes, data.subarray())
      if (bytes.length < 4) return
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
      if (bytes.length >= 4 + length) end(bytes.slice(4, 4 + length))
    })
    stream.addEventListener('close', () => end(null))
    stream.addEventListener('remoteCloseWrite', () => end(null))
  })
}
