/**
 * The ports of one life of a node: the simulated disk and network, behind its
 * gate, with the faults that are drawn for them, and with a history of what
 * passed. They change nothing of what passes.
 */
import { textOf } from '../../src/core/bytes.ts'
import { currentEra } from '../../src/core/eras.ts'
import type { RecordId } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { parseLogAnswer, parseLogRequest } from '../../src/mesh/log-frames.ts'
import type { MeshNode } from '../../src/mesh/node.ts'
import type {
  Batch,
  Greeter,
  Network,
  Protocol,
  Query,
  Space,
  Store,
  Topic,
} from '../../src/mesh/ports.ts'
import { watched } from './damage.ts'
import type { Disk, DiskStore, WriteFault } from './disk.ts'
import { headOf, logOf, outcomesIn, witnessesOn } from './disk-log.ts'
import type { Gate, MachineClock } from './gate.ts'
import type { Happening, HeadOf } from './history.ts'
import type { SimNetwork } from './network.ts'
import { decisionsIn } from './recorded.ts'
import { answerIn, type Said, saidIn } from './said.ts'

/** What the wrappers need of the world and of the life that they belong to. */
export interface Life {
  readonly gate: Gate
  readonly machine: MachineClock
  readonly disk: Disk
  node: MeshNode | null
  write(happening: Happening): void
  numberOf(statement: string): number
  placeOf(node: Did): number
  /** A statement that has no number is about to be written. */
  learned(statement: Uint8Array): void
  /** Drawn for the next batch. */
  drawDelayMs(): number
  drawFault(): WriteFault | null
}

export class GatedStore implements Store {
  readonly #inner: DiskStore
  readonly #life: Life

  constructor(inner: DiskStore, life: Life) {
    this.#inner = inner
    this.#life = life
  }

  get tree() {
    return this.#inner.tree
  }

  get epoch(): number {
    return this.#inner.epoch
  }

  get least(): number {
    return this.#inner.least
  }

  get low(): string | null {
    return this.#inner.low
  }

  get head(): Uint8Array | null {
    return this.#inner.head
  }

  async persist(batch: Batch): Promise<void> {
    for (const { space, key, value } of batch.puts)
      if (space === 'statement' && value !== null && this.#life.numberOf(key) < 0)
        this.#life.learned(value)
    const { disk, gate } = this.#life
    disk.delayMs = this.#life.drawDelayMs()
    const fault = this.#life.drawFault()
    if (fault !== null) disk.faults.push(fault)
    try {
      await gate.through(this.#inner.persist(batch))
    } catch (error) {
      this.#life.write({ ev: 'unwritten' })
      throw error
    }
    this.#durable(batch)
    const decisions = decisionsIn(batch.records)
    if (decisions.length > 0) this.#life.write({ ev: 'recorded', decisions })
  }

  entries(space: Space) {
    return watched(this.#life, space, this.#inner.entries(space))
  }

  get(space: Space, key: string) {
    return watched(this.#life, space, this.#inner.get(space, key))
  }

  copies(keys: readonly string[]) {
    return this.#life.gate.through(this.#inner.copies(keys))
  }

  records(first: number, count: number) {
    return watched(this.#life, 'record', this.#inner.records(first, count))
  }

  async mend(index: number, record: Uint8Array) {
    await this.#life.gate.through(this.#inner.mend(index, record))
    this.#life.write({ ev: 'repaired', what: 'record' })
  }

  exhibits(first: number, count: number) {
    return this.#life.gate.through(this.#inner.exhibits(first, count))
  }

  pick(indexes: readonly number[]) {
    return watched(this.#life, 'record', this.#inner.pick(indexes))
  }

  tile(level: number, index: number) {
    return this.#life.gate.through(this.#inner.tile(level, index))
  }

  node(level: number, index: number) {
    return this.#life.gate.through(this.#inner.node(level, index))
  }

  locate(id: RecordId) {
    return this.#life.gate.through(this.#inner.locate(id))
  }

  search(query: Query, before: number, count: number) {
    return this.#life.gate.through(this.#inner.search(query, before, count))
  }

  keepHead(checkpoint: Uint8Array): Promise<void> {
    this.#life.disk.delayMs = this.#life.drawDelayMs()
    return this.#life.gate.through(this.#inner.keepHead(checkpoint))
  }

  async reopen(): Promise<void> {
    await this.#life.gate.through(this.#inner.reopen())
    this.#life.write({ ev: 'durable', log: logOf(this.#life.disk), statements: [] })
  }

  close(): Promise<void> {
    return this.#life.gate.through(this.#inner.close())
  }

  #durable({ epoch, first, records, puts }: Batch): void {
    const statements = puts
      .filter(({ space, value }) => space === 'statement' && value !== null)
      .map(({ key }) => this.#life.numberOf(key))
    if (records.length > 0 || statements.length > 0)
      this.#life.write({
        ev: 'durable',
        log: { epoch, first, ids: records.map(({ id }) => id), outcomes: outcomesIn(records) },
        statements,
      })
    for (const { space, key, value } of puts) {
      if (value === null) continue
      if (!OF_LOGS.has(space)) continue
      const place = (did = '') => this.#life.placeOf(did as Did)
      const of = place(key.split('/')[0])
      // Of a guest's log nothing is known.
      if (of < 0) continue
      if (space === 'checkpoint' || space === 'witness')
        this.#life.write({ ev: 'witness', of, head: headOf(textOf(value)) })
      if (space === 'cosigned') {
        const [note, by] = [textOf(value), witnessesOn(textOf(value)).map((did) => place(did))]
        this.#life.write({ ev: 'witnessed', head: headOf(note), by: by.sort() })
      }
    }
  }
}

/** By node and epoch. */
const OF_LOGS: ReadonlySet<Space> = new Set(['checkpoint', 'witness', 'cosigned'])

export class GatedNetwork implements Network {
  readonly self: Did
  readonly #inner: SimNetwork
  readonly #life: Life
  /** The same until a statement comes, goes or changes. */
  #inForce: { readonly trees: object; readonly in: InForce } | null = null
  /** What it said last that it holds: the same until that or the disk change. */
  #last: { readonly of: InForce; readonly kept: object; readonly held: Held } | null = null

  constructor(inner: SimNetwork, life: Life) {
    this.#inner = inner
    this.#life = life
    this.self = inner.self
  }

  addresses() {
    return this.#inner.addresses()
  }

  start(greeter: Greeter) {
    return this.#inner.start(greeter)
  }

  peers() {
    return this.#inner.peers()
  }

  onPeer(listener: (peer: Did, greeted: boolean) => void): void {
    this.#inner.onPeer((peer, greeted) => this.#life.gate.enter(() => listener(peer, greeted)))
  }

  async ask(peer: Did, protocol: Protocol, request: Uint8Array, signal?: AbortSignal) {
    const asked = this.#life.machine.monotonicMs()
    const shown = protocol === 'log' ? headShown(request) : null
    if (shown !== null) this.#life.write({ ev: 'showed', head: shown })
    const answer = await this.#life.gate.through(this.#inner.ask(peer, protocol, request, signal))
    if (protocol === 'state') this.#heard(peer, request, answer, asked)
    return answer
  }

  handle(protocol: Protocol, handler: Parameters<Network['handle']>[1]): void {
    this.#inner.handle(protocol, (peer, request) => {
      const answering = handler(peer, request)
      // What it says is what it holds at this moment: it is signed before anything is awaited.
      const held = protocol === 'state' ? this.#held() : null
      return this.#life.gate.through(
        answering.then((answer) => {
          if (held !== null && answer !== null) this.#answered(answer, held)
          if (protocol === 'log' && answer !== null) this.#cosigned(peer, request, answer)
          return answer
        }),
      )
    })
  }

  publish(topic: Topic, message: Uint8Array): void {
    if (topic === 'state') this.#announced(message)
    this.#inner.publish(topic, message)
  }

  subscribe(topic: Topic, validator: Parameters<Network['subscribe']>[1]): void {
    this.#inner.subscribe(topic, validator)
  }

  useMesh(mesh: Parameters<Network['useMesh']>[0]): void {
    this.#inner.useMesh(mesh)
  }

  connect(peer: Did, addresses: readonly string[]) {
    return this.#life.gate.through(this.#inner.connect(peer, addresses))
  }

  remember(peer: Did, addresses: readonly string[]): void {
    this.#inner.remember(peer, addresses)
  }

  forget(peer: Did): void {
    this.#inner.forget(peer)
  }

  lastError(peer: Did) {
    return this.#inner.lastError(peer)
  }

  disconnect(peer: Did, why: string, parting: Uint8Array): void {
    this.#inner.disconnect(peer, why, parting)
  }

  isolate(isolated: boolean): void {
    this.#inner.isolate(isolated)
  }

  stop() {
    return this.#inner.stop()
  }

  #heard(peer: Did, request: Uint8Array, bytes: Uint8Array, asked: number): void {
    const answer = answerIn(bytes)
    if (answer === null) return
    this.#life.write({
      ev: 'heard',
      from: this.#life.placeOf(peer),
      digest: short(answer.digest),
      root: answer.root,
      counts: answer.checked && answer.opened > 0,
      asked,
      own: JSON.parse(textOf(request)).own,
      speaks: speaking(this.#life.node),
      dated: Date.parse(answer.time),
      head: answer.checkpoint === null ? null : headOf(answer.checkpoint),
    })
  }

  #held(): Held | null {
    const { node, disk } = this.#life
    if (node === null) return null
    const { kept } = disk.state
    const { trees } = node.statements
    if (this.#inForce?.trees !== trees) this.#inForce = { trees, in: inForce(node, this.#life) }
    const of = this.#inForce.in
    if (this.#last?.of !== of || this.#last.kept !== kept)
      this.#last = { of, kept, held: heldOn(kept, of) }
    return this.#last.held
  }

  #answered(bytes: Uint8Array, { held, volatile }: Held): void {
    const answer = saidIn(bytes, 'answer')
    this.#life.write({
      ev: 'announce',
      to: 'question',
      ...{ held, volatile },
      digest: short(answer.digest),
      root: answer.root,
      counts: this.#life.node !== null && mayCount(answer, this.#life.node),
      head: answer.checkpoint === null ? null : headOf(answer.checkpoint),
    })
  }

  #cosigned(peer: Did, request: Uint8Array, bytes: Uint8Array): void {
    const head = headShown(request)
    const of = this.#life.placeOf(peer)
    if (head === null || of < 0 || parseLogAnswer(bytes).say !== 'cosigned') return
    this.#life.write({ ev: 'cosigned', of, head })
  }

  #announced(bytes: Uint8Array): void {
    const known = this.#held()
    if (known === null) return
    const announcement = saidIn(bytes, 'announcement')
    this.#life.write({
      ev: 'announce',
      to: 'gossip',
      ...known,
      digest: short(announcement.digest),
      root: announcement.root,
      counts: false,
      head: announcement.checkpoint === null ? null : headOf(announcement.checkpoint),
    })
  }
}

interface Held {
  readonly held: readonly number[]
  readonly volatile: readonly number[]
}

/** Numbers in order, and where each stands on a disk. */
interface InForce {
  readonly held: readonly number[]
  readonly places: ReadonlyMap<string, number>
}

function inForce({ statements }: MeshNode, life: Pick<Life, 'numberOf'>): InForce {
  const places = new Map<string, number>()
  for (const { id, state } of statements.all())
    if (state === 'effective' || state === 'conflict')
      places.set(`statement/${id}`, life.numberOf(id))
  return { held: [...places.values()].sort((a, b) => a - b), places }
}

function heldOn(kept: ReadonlyMap<string, unknown>, { held, places }: InForce): Held {
  const volatile: number[] = []
  for (const [place, number] of places) if (!kept.has(place)) volatile.push(number)
  return { held, volatile }
}

/** What is in force at a node now, by numbers; and what of it its disk does not have. */
export function heldBy(node: MeshNode, life: Pick<Life, 'disk' | 'numberOf'>): Held {
  return heldOn(life.disk.state.kept, inForce(node, life))
}

function headShown(request: Uint8Array): HeadOf | null {
  const read = parseLogRequest(request)
  if (read.ask === 'mirror') return headOf(read.note)
  if (read.ask !== 'cosign') return null
  // Behind the proof, which the product has read.
  return headOf(read.body.slice(read.body.indexOf('\n\n') + 2))
}

/**
 * Whether a lease elsewhere may count what the node answered. It may though the
 * node itself knows of evidence against it: whoever asks may hold what lifts that.
 */
function mayCount({ checked, opened }: Said, { self, statements }: MeshNode): boolean {
  const { root, roots } = statements.governance
  const witness = root?.witnesses.includes(self) === true
  return checked && witness && opened === currentEra(roots).from
}

/** The root under which a node's own word counts; null where it does not. */
export function speaking(node: MeshNode | null): number | null {
  return node?.voice.speaks === true ? (node.statements.governance.root?.version ?? null) : null
}

export function short(digest: string): string {
  return digest.slice(0, 12)
}
