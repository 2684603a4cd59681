/**
 * Two nodes that prove executions to each other: atlas asks, borealis has a
 * log. What a peer answers can be rewritten on its way.
 */
import { atlas, borealis, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { cosign, withCosignatures } from '../../src/core/cosignature.ts'
import { idOf, type RecordId } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { leafHash } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import { proveInclusion } from '../../src/core/proof.ts'
import { findableOf } from '../../src/core/terms.ts'
import { Lineage, type LineagePorts } from '../../src/mesh/lineage.ts'
import { LineageServer, type LineageServerPorts } from '../../src/mesh/lineage-server.ts'
import { VirtualClock } from '../sim/clock.ts'
import { familyGovernance, WITNESSES } from './families.ts'
import { MESH, NOW_MS } from './judgements.ts'
import { mth, nodesOf } from './merkle-model.ts'

/** The log of borealis: records, and how many of them a quorum cosigned. */
export class Book {
  readonly records: Uint8Array[] = []
  witnessed = 0
  /** Records from here on are not in the index yet. */
  indexed = 0

  /** @param make of the record's place @returns its id */
  add(make: (index: number) => Uint8Array): RecordId {
    const record = make(this.records.length)
    this.records.push(record)
    return idOf(record)
  }

  get checkpoint(): Uint8Array | null {
    if (this.witnessed === 0) return null
    const leaves = this.records.slice(0, this.witnessed).map(leafHash)
    const origin = logOrigin(MESH, borealis.did, 1)
    const note = signCheckpoint({ origin, size: leaves.length, rootHash: mth(leaves) }, person(7))
    const text = Buffer.from(note).toString()
    const lines = WITNESSES.map(({ node, key }) => cosign(text, NOW_MS, node, key))
    return utf8(withCosignatures(text, lines))
  }

  reader(): LineageServerPorts['reader'] {
    const durable = (index: number) => {
      const bytes = this.records[index] ?? new Uint8Array()
      return { index, id: idOf(bytes), bytes }
    }
    return {
      size: this.records.length,
      find: async (id) => {
        const index = this.records.findIndex((each) => idOf(each) === id)
        return index < 0 ? null : durable(index)
      },
      inclusion: async (index, size = this.records.length) => {
        const leaves = this.records.slice(0, size).map(leafHash)
        return proveInclusion(index, size, nodesOf(leaves))
      },
      pick: async (indexes) => indexes.map(durable),
      search: async ({ terms }, before, count) => {
        const found: number[] = []
        let at = before - 1
        for (; at >= this.indexed && found.length < count; at -= 1)
          if (terms.every((term) => findableOf(this.records[at] ?? utf8('')).terms.includes(term)))
            found.push(at)
        return { indexes: found, reached: at + 1 }
      },
    }
  }
}

export class Pair {
  readonly clock = new VirtualClock()
  readonly book = new Book()
  readonly lineage: Lineage
  /** Of borealis: what becomes of its answers. null: it is away. */
  lie: ((answer: Uint8Array) => Uint8Array) | null = (answer) => answer
  asked = 0
  governance = familyGovernance()

  constructor() {
    const own = new LineageServer({
      clock: this.clock,
      reader: new Book().reader(),
      witnessed: () => null,
    })
    const governance = () => this.governance
    this.lineage = Lineage.open({
      clock: this.clock,
      own,
      searches: { answer: async () => null },
      network: this.#network(),
      governance,
    })
  }

  get server(): LineageServer {
    return new LineageServer({
      clock: this.clock,
      reader: this.book.reader(),
      witnessed: () => this.book.checkpoint,
    })
  }

  #network(): LineagePorts['network'] {
    const ask = async (_: Did, __: string, request: Uint8Array): Promise<Uint8Array> => {
      this.asked += 1
      if (this.lie === null) throw new MeshError('UNREACHABLE', 'it is away')
      const answer = await this.server.answer(atlas.did, request)
      if (answer === null) throw new MeshError('INVALID_ANSWER', 'it closed the stream')
      return this.lie(answer)
    }
    const link = { peer: borealis.did, address: '', direction: 'out', rttMs: null } as const
    return { self: atlas.did, handle: () => {}, ask, peers: () => [link] }
  }
}
