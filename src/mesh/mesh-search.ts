/**
 * Looks through the logs of the whole mesh: every member is asked, and what it
 * shows counts only where it is proven in a log that its own key signed. That a
 * node leaves something out nobody can prove, so who did not answer is named,
 * and so is who refused.
 */
import { logOrigin, openCheckpoint } from '../core/checkpoint.ts'
import { cosignaturesOf, witnessed, witnessKeysOf } from '../core/cosignature.ts'
import type { Governance } from '../core/governance.ts'
import { idOf } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { MESH_SEARCH_NODES_AT_ONCE, MESH_SEARCH_RECORDS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { leafHash } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { verifyInclusion } from '../core/proof.ts'
import { parseRecord } from '../core/record.ts'
import { leafOf } from '../core/terms.ts'
import type { Network } from './ports.ts'
import { type Found, matches, queryOf, type RecordFilter } from './record-search.ts'
import { formatRunningRequest, type Live, parseRunningAnswer } from './running-frames.ts'
import { formatSearchRequest, type Proven, parseSearchAnswer } from './search-frames.ts'

export interface MeshSearchPorts {
  readonly network: Pick<Network, 'ask' | 'self'>
  governance(): Governance
}

export interface ProvenRecord extends Found {
  readonly node: Did
  readonly atMs: number
  /** Witnesses of the newest root whose cosignature is on its checkpoint, and whether those are a quorum. */
  readonly cosigned: number
  readonly witnessed: boolean
}

/** An allow that is proven, and what its node says of what came of it. */
export interface ProvenExecution extends ProvenRecord {
  readonly live: Live
}

/** What one node said. */
export interface NodeAnswer<Each = ProvenRecord> {
  readonly node: Did
  /** null for one that answered; else why there is nothing of it. */
  readonly why: string | null
  readonly records: readonly Each[]
  /** It has more that match, or did not look at all. */
  readonly more: boolean
}

const ALLOWS: RecordFilter = {
  ...{ terms: { type: 'decision', outcome: 'allow' }, sinceMs: null, untilMs: null },
}

const REFUSED = {
  share: 'it does not show its records to this node (audit.share)',
  busy: 'it answers too many already',
  unready: 'its log is not ready',
} as const

export class MeshSearch {
  readonly #ports: MeshSearchPorts

  constructor(ports: MeshSearchPorts) {
    this.#ports = ports
  }

  /** Of every other member, in the order of their dids. */
  search(filter: RecordFilter, limit: number, signal: AbortSignal): Promise<readonly NodeAnswer[]> {
    return this.#everywhere((node) => this.#ask(node, filter, limit, signal))
  }

  /** What runs on every other member, in the order of their dids. */
  running(signal: AbortSignal): Promise<readonly NodeAnswer<ProvenExecution>[]> {
    return this.#everywhere((node) => this.#askRunning(node, signal))
  }

  async #everywhere<Answer>(ask: (node: Did) => Promise<Answer>): Promise<readonly Answer[]> {
    const { network, governance } = this.#ports
    const nodes = [...governance().members.keys()].filter((node) => node !== network.self).sort()
    const answers = new Map<Did, Answer>()
    const left = nodes.values()
    const work = async () => {
      for (const node of left) answers.set(node, await ask(node))
    }
    await Promise.all(Array.from({ length: MESH_SEARCH_NODES_AT_ONCE }, work))
    return nodes.flatMap((node) => answers.get(node) ?? [])
  }

  #askRunning(node: Did, signal: AbortSignal): Promise<NodeAnswer<ProvenExecution>> {
    return answered(node, async () => {
      const { network, governance } = this.#ports
      const bytes = await network.ask(node, 'lineage', formatRunningRequest(), signal)
      const answer = parseRunningAnswer(bytes)
      if (answer.say === 'refused') return REFUSED[answer.why]
      const proven = verifyFound(answer, node, ALLOWS, governance())
      // In the order of the answer, one for one.
      const records = proven.map((record, i) => {
        const { state, ageMs, leaseMs, process } = answer.records[i] as Live
        return { ...record, live: { state, ageMs, leaseMs, process } }
      })
      return { records, more: answer.more }
    })
  }

  #ask(node: Did, filter: RecordFilter, limit: number, signal: AbortSignal): Promise<NodeAnswer> {
    return answered(node, async () => {
      const { network, governance } = this.#ports
      const count = Math.min(limit, MESH_SEARCH_RECORDS_MAX)
      const request = formatSearchRequest({ filter, before: null, count })
      const answer = parseSearchAnswer(await network.ask(node, 'lineage', request, signal))
      if (answer.say === 'refused') return REFUSED[answer.why]
      const records = verifyFound(answer, node, filter, governance())
      if (records.length > count) return 'it showed more than was asked for'
      return { records, more: answer.next !== null }
    })
  }
}

/** What it proved, or why there is nothing of it. */
async function answered<Each>(
  node: Did,
  ask: () => Promise<Pick<NodeAnswer<Each>, 'records' | 'more'> | string>,
): Promise<NodeAnswer<Each>> {
  const nothing = (why: string) => ({ node, why, records: [], more: true })
  try {
    const answer = await ask()
    return typeof answer === 'string' ? nothing(answer) : { node, why: null, ...answer }
  } catch (error) {
    // Untrusted bytes come in here, over a network that fails: this node is named, the others are shown.
    if (error instanceof Malformed) return nothing(`its answer is not proven: ${error.message}`)
    if (error instanceof MeshError) return nothing(error.message)
    throw error
  }
}

/**
 * Every record of an answer, or none: each is in the log of that node, under a
 * note that its key signed, and is what was asked for. @throws Malformed
 */
export function verifyFound(
  answer: Proven,
  node: Did,
  filter: RecordFilter,
  governance: Governance,
): readonly ProvenRecord[] {
  const heads = answer.notes.map((note) => headOf(note, node, answer.epoch, governance))
  const query = queryOf(filter)
  let last = Number.POSITIVE_INFINITY
  return answer.records.map(({ index, bytes, proof }) => {
    const head = heads.find(({ size }) => index < size)
    if (head === undefined || index >= last) throw new Malformed('a record stands out of order')
    last = index
    if (!verifyInclusion(leafHash(bytes), index, head.size, proof, head.rootHash))
      throw new Malformed(`record ${index} is not in its log`)
    const record = parseRecord(bytes)
    if (record.node !== node || record.index !== index || record.epoch !== answer.epoch)
      throw new Malformed(`record ${index} is another node's, or of another place`)
    const found = { id: idOf(bytes), leaf: leafOf(bytes) }
    if (!matches(query, found)) throw new Malformed(`record ${index} is none that was asked for`)
    const { cosigned, witnessed: quorum } = head
    return { ...found, node, atMs: record.time, cosigned, witnessed: quorum }
  })
}

function headOf(note: string, node: Did, epoch: number, governance: Governance) {
  const { mesh, members } = governance
  const log = members.get(node)?.log
  if (mesh === null || log === undefined) throw new Malformed('its log key is not known here')
  const checkpoint = openCheckpoint(note, logOrigin(mesh, node, epoch), log)
  if (checkpoint === null) throw new Malformed('a note is not signed by its log key')
  const cosignatures = cosignaturesOf(note, witnessKeysOf(governance), log)
  const { size, rootHash } = checkpoint
  const quorum = witnessed(cosignatures, governance)
  return { size, rootHash, cosigned: cosignatures.length, witnessed: quorum }
}
