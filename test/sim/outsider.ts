/**
 * Who asks every node for all that there is and is no member: a stranger that
 * admits itself, or a guest that was one, until it is revoked, suspended, or
 * its time is over. It speaks as the program does, and heeds no refusal.
 */
import { formatAddCheckpoint } from '../../src/core/add-checkpoint.ts'
import { textOf, toBase64, toHex, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { type RecordId, sha256 } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { NONCE_BYTES } from '../../src/core/limits.ts'
import { formatLineageRequest } from '../../src/mesh/lineage-frames.ts'
import { formatLogRequest } from '../../src/mesh/log-frames.ts'
import type { Protocol } from '../../src/mesh/ports.ts'
import { formatStateQuestion } from '../../src/mesh/state-frames.ts'
import { formatSyncRequest } from '../../src/mesh/sync-frames.ts'
import { type Made, type NodeKeys, nodeOf } from '../unit/statements.ts'
import { Dice } from './clock.ts'
import { GUEST } from './laws.ts'
import type { MeshWorld } from './mesh-world.ts'
import type { Swarm } from './swarm.ts'
import { Visitor } from './visitor.ts'

/** Between two questions, on average. */
const ASKS_MS = 150
/** Until somebody says that the guest is none any more; and, of one that is suspended, that it is again. */
const LEAVES_FROM = 0.2
const LEAVES_UNTIL = 0.7
const BACK_MS = 2_500
/** Of one statement: nodes are down, and disks refuse. */
const TOLD_TIMES = 3
const TOLD_MS = 400
const RECORDS = 10

export class Outsider {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #is: NonNullable<Swarm['outsider']>
  readonly #keys: NodeKeys
  readonly #visitor: Visitor

  constructor(world: MeshWorld, is: NonNullable<Swarm['outsider']>) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 83 + 37)
    this.#is = is
    this.#keys = is === 'stranger' ? nodeOf('stranger') : GUEST
    this.#visitor = new Visitor(world, this.#keys)
    if (is === 'stranger') this.#forge()
    world.write({ ev: 'fault', kind: 'outsider', number: -1, says: is }, null)
    this.#come()
    if (is === 'revoked' || is === 'suspended') this.#leave()
  }

  /** What it brings to the door: its own word. */
  #forge(): void {
    const { laws } = this.#world
    const member = laws.world.member(this.#keys, {}, [this.#keys.identity])
    laws.forged(member, 'a stranger admits itself')
    this.#visitor.member = member.bytes
  }

  #come(): void {
    this.#visitor.come()
    const next = () =>
      this.#world.clock.after(2 * ASKS_MS * this.#dice.unit(), () => {
        this.#ask()
        next()
      })
    next()
  }

  #ask(): void {
    const host = this.#oneOf(this.#world.hosts)
    const [protocol, request] = this.#question(host.did)
    // Whether it is answered is seen at the other end.
    this.#visitor.network.ask(host.did, protocol, request).catch(() => {})
  }

  #question(to: Did): readonly [Protocol, Uint8Array] {
    const { laws } = this.#world
    const ids = laws.founding.map(({ id }) => id)
    const own = { nonce: toBase64(this.#dice.bytes(NONCE_BYTES)), ids: [], own: false }
    const record = `sha256:${toHex(this.#dice.bytes(32))}` as RecordId
    const all: readonly (readonly [Protocol, Uint8Array])[] = [
      ['state', formatStateQuestion(own)],
      ['sync', formatSyncRequest({ ask: 'roots', from: 1 })],
      ['sync', formatSyncRequest({ ask: 'fetch', ids })],
      ['log', formatLogRequest({ ask: 'records', epoch: 1, first: 0, count: RECORDS })],
      ['log', formatLogRequest({ ask: 'checkpoint', node: to })],
      ['log', formatLogRequest({ ask: 'cosign', body: this.#head() })],
      ['lineage', formatLineageRequest({ ask: 'receipt', id: record })],
    ]
    return this.#oneOf(all)
  }

  /** Of a log of its own, the same each time. */
  #head(): string {
    const { identity, log } = this.#keys
    const origin = logOrigin(this.#world.laws.world.mesh, identity.did, 1)
    const rootHash = sha256(utf8('the log of who is no member'))
    const note = textOf(signCheckpoint({ origin, size: 1, rootHash }, log))
    return formatAddCheckpoint({ old: 0, proof: [], note })
  }

  #leave(): void {
    const { clock, laws, swarm } = this.#world
    const { did } = this.#keys.identity
    const from = LEAVES_FROM + (LEAVES_UNTIL - LEAVES_FROM) * this.#dice.unit()
    const kind = this.#dice.unit() < 0.5 ? 'node' : 'principal'
    clock.after(from * swarm.faultsMs, () => {
      if (this.#is === 'revoked') return this.#tell(laws.revoke({ kind, did }))
      const scope = { kind: 'node', did } as const
      this.#tell(laws.freeze(scope, true))
      clock.after(BACK_MS * (0.5 + this.#dice.unit()), () => {
        if (!this.#world.quiet) this.#tell(laws.freeze(scope, false))
      })
    })
  }

  #tell(made: Made): void {
    const { clock, hosts, laws, signing } = this.#world
    laws.setWhole(made)
    for (let at = 0; at < TOLD_TIMES; at += 1)
      clock.after(at * TOLD_MS, () => {
        const up = hosts.filter(({ life }) => life?.node != null && life.gate.running)
        if (up.length > 0) signing.submit(this.#oneOf(up), made)
      })
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}
