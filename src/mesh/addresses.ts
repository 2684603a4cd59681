/**
 * Where every member can be dialled: signed records, exchanged in hellos and by
 * sync, so that every node learns every witness (design 9, network).
 *
 *     peer/record/<did>    the newest record
 *     peer/contact/<did>   ["/ip4/…"]     where an operator joined, until that node's own record is here
 *     peer/removed/<did>   1795528800000  records up to this number are passed on and not dialled
 *
 * They are hints: one that the disk did not take is learned again.
 */
import { textOf, utf8 } from '../core/bytes.ts'
import type { Governance } from '../core/governance.ts'
import { sha256Hex } from '../core/id.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import { type Did, isDid, type Signer } from '../core/keys.ts'
import {
  ADDRESS_BYTES_MAX,
  ADDRESS_RECORD_BYTES_MAX,
  ADDRESS_SEQ_MAX,
  ADDRESSES_PER_PEER_MAX,
  PEERS_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { list, text } from '../core/shape.ts'
import { type AddressRecord, openAddressRecord, signAddressRecord } from './address-record.ts'
import type { Clock, Network, Put, Store } from './ports.ts'

export interface AddressesPorts {
  readonly store: Pick<Store, 'entries'>
  persist(puts: readonly Put[]): Promise<void>
  readonly network: Pick<Network, 'addresses' | 'remember' | 'forget'>
  readonly clock: Clock
  /** The identity key. */
  readonly node: Signer
  governance(): Pick<Governance, 'members'>
}

interface Kept {
  readonly record: AddressRecord
  readonly bytes: Uint8Array
}

const CONTACT = list(text(ADDRESS_BYTES_MAX), ADDRESSES_PER_PEER_MAX)

export class Addresses {
  readonly #ports: AddressesPorts
  readonly #records = new Map<Did, Kept>()
  readonly #contacts = new Map<Did, readonly string[]>()
  readonly #removed = new Map<Did, number>()
  readonly #listeners: ((node: Did) => void)[] = []
  #hash: string | null = null
  #dialling = false
  /** Whose newest record is not on its way to the disk yet. */
  readonly #unsaved = new Set<Did>()
  #saving = false

  private constructor(ports: AddressesPorts) {
    this.#ports = ports
  }

  static async open(ports: AddressesPorts): Promise<Addresses> {
    const addresses = new Addresses(ports)
    for (const [key, bytes] of await ports.store.entries('peer')) addresses.#load(key, bytes)
    return addresses
  }

  /** 64 hex digits over all records: equal hashes are equal records. */
  get hash(): string {
    if (this.#hash !== null) return this.#hash
    const all = [...this.#records].sort(([a], [b]) => (a < b ? -1 : 1))
    this.#hash = sha256Hex(utf8(all.map(([, { bytes }]) => sha256Hex(bytes)).join('\n')))
    return this.#hash
  }

  /** The records, as they travel. */
  *all(): Iterable<Uint8Array> {
    for (const { bytes } of this.#records.values()) yield bytes
  }

  /** Where a node can be dialled, as far as is known and wanted; [] when nothing is. */
  of(node: Did): readonly string[] {
    const record = this.#records.get(node)?.record
    const removed = record !== undefined && record.seq <= (this.#removed.get(node) ?? 0)
    if (record !== undefined && !removed && record.addresses.length > 0) return record.addresses
    return this.#contacts.get(node) ?? []
  }

  /** The newest record of a node; null when none is known. */
  recordOf(node: Did): Uint8Array | null {
    return this.#records.get(node)?.bytes ?? null
  }

  onChange(listener: (node: Did) => void): void {
    this.#listeners.push(listener)
  }

  /** This node's own record, signed anew when its addresses have changed. */
  own(): Uint8Array {
    const { network, node, clock } = this.#ports
    const addresses = network.addresses().slice(0, ADDRESSES_PER_PEER_MAX)
    const known = this.#records.get(node.did)
    // Before it listens it has none, and what it said last is likely to hold again.
    if (known !== undefined && addresses.length === 0 && !this.#dialling) return known.bytes
    if (known !== undefined && sameTexts(known.record.addresses, addresses)) return known.bytes
    // Nothing follows the last number. Whoever said that has this node's key; it is revoked, not outbid.
    if (known !== undefined && known.record.seq >= ADDRESS_SEQ_MAX) return known.bytes
    // A wall clock in it: a node restored to an old image still says something newer.
    const seq = Math.max((known?.record.seq ?? 0) + 1, clock.wallMs())
    const record = { addresses, node: node.did, seq }
    const bytes = signAddressRecord(record, node)
    this.#keep({ record, bytes })
    return bytes
  }

  /** Whether it was news. Only members have a place here; what does not hold is dropped. */
  offer(bytes: Uint8Array): boolean {
    const record = opened(bytes)
    if (record === null) return false
    const { node, seq } = record
    const known = this.#records.get(node)
    if (known !== undefined && known.record.seq >= seq) return false
    if (known === undefined && this.#records.size >= PEERS_MAX) return false
    if (!this.#ports.governance().members.has(node)) return false
    if (this.#removed.has(node)) this.#restore(node, seq)
    this.#keep({ record, bytes })
    // Of an image of this very node that is no more: what holds now needs a higher number.
    if (node === this.#ports.node.did) this.own()
    return true
  }

  /** Where an operator found a node, kept for redialling. Waits for the disk. */
  async contact(node: Did, addresses: readonly string[]): Promise<void> {
    const kept = addresses.slice(0, ADDRESSES_PER_PEER_MAX)
    this.#removed.delete(node)
    this.#contacts.set(node, kept)
    await this.#ports.persist([
      { space: 'peer', key: `contact/${node}`, value: utf8(formatJson(kept)) },
      { space: 'peer', key: `removed/${node}`, value: null },
    ])
    this.#dial(node)
  }

  /** Forgets where a node is, until it says something newer; it stays a member. Waits for the disk. */
  async remove(node: Did): Promise<void> {
    const seq = this.#records.get(node)?.record.seq ?? 0
    this.#contacts.delete(node)
    this.#removed.set(node, seq)
    this.#ports.network.forget(node)
    await this.#ports.persist([
      { space: 'peer', key: `contact/${node}`, value: null },
      { space: 'peer', key: `removed/${node}`, value: utf8(String(seq)) },
    ])
  }

  /** Dials every member and contact, and from now on whoever is learned of. */
  start(): void {
    this.#dialling = true
    this.own()
    for (const node of new Set([...this.#records.keys(), ...this.#contacts.keys()]))
      this.#dial(node)
  }

  /** The node is not to be dialled any more: revoked, suspended. Its record stays, others may lift it. */
  rest(node: Did): void {
    this.#ports.network.forget(node)
  }

  /** Dials a node again, after it was suspended. */
  wake(node: Did): void {
    this.#dial(node)
  }

  #dial(node: Did): void {
    const addresses = this.of(node)
    if (!this.#dialling || node === this.#ports.node.did || addresses.length === 0) return
    try {
      this.#ports.network.remember(node, addresses)
    } catch (error) {
      // The table of peers is full: this one is reached when it dials, or after others were forgotten.
      if (!(error instanceof MeshError && error.code === 'TOO_MANY')) throw error
    }
  }

  #keep(kept: Kept): void {
    const { node } = kept.record
    this.#records.set(node, kept)
    this.#hash = null
    this.#unsaved.add(node)
    if (!this.#saving) void this.#save()
    this.#dial(node)
    for (const listener of this.#listeners) listener(node)
  }

  /** One write at a time: a member that signs record after record does not fill the queue of the disk. */
  async #save(): Promise<void> {
    this.#saving = true
    try {
      while (this.#unsaved.size > 0) {
        const puts = [...this.#unsaved].map((node): Put => {
          const value = this.#records.get(node)?.bytes ?? null
          return { space: 'peer', key: `record/${node}`, value }
        })
        this.#unsaved.clear()
        await this.#ports.persist(puts)
      }
    } catch {
      // Hints, learned again after the next start; the log says it when the disk takes nothing.
    } finally {
      this.#saving = false
    }
  }

  #restore(node: Did, seq: number): void {
    if (seq <= (this.#removed.get(node) ?? 0)) return
    this.#removed.delete(node)
    const put: Put = { space: 'peer', key: `removed/${node}`, value: null }
    // As above: at worst the node stays forgotten until it says something newer.
    this.#ports.persist([put]).catch(() => {})
  }

  /** Hints, and so what cannot be read is left out. */
  #load(key: string, bytes: Uint8Array): void {
    const [kind, node] = key.split('/')
    if (node === undefined || !isDid(node)) return
    if (kind === 'removed') this.#removed.set(node, Number(textOf(bytes)))
    if (kind === 'contact')
      this.#contacts.set(node, CONTACT(parseCanonical(bytes, ADDRESS_RECORD_BYTES_MAX), 'contact'))
    const record = kind === 'record' ? opened(bytes) : null
    if (record !== null) this.#records.set(node, { record, bytes })
  }
}

function opened(bytes: Uint8Array): AddressRecord | null {
  try {
    return openAddressRecord(bytes)
  } catch (error) {
    // A peer's bytes come in here: what does not hold is no news.
    if (error instanceof Malformed) return null
    throw error
  }
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at])
}
