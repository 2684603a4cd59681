/**
 * The executions above and below one: each of them proven by its own receipt,
 * wherever its record is. What nobody in reach proves is a hop all the same,
 * with the node that should have it, and never passes for a good one.
 */
import type { RecordId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { HOPS_MAX, HOPS_SOUGHT_MAX } from '../core/limits.ts'
import { checkReceipt, type ProvenRecord, type Vouching } from '../core/lineage.ts'
import type { LogRecord } from '../core/record.ts'
import type { Lineage } from './lineage.ts'
import type { Descendants } from './lineage-frames.ts'

export interface Hop {
  readonly id: RecordId
  /** null when nobody in reach proves it. */
  readonly proven: ProvenHop | null
  /** Why it is not proven. */
  readonly why: string | null
  /** That wrote it; of one that is not proven, that should have it, if another hop says so. */
  readonly node: Did | null
  /** The hop above it; null where it began, and where that is not known. */
  readonly cause: RecordId | null
}

export interface ProvenHop {
  readonly record: LogRecord<'decision'>
  readonly cosigned: readonly Did[]
  /** How it ended; null while it runs, and while no witness saw the end. */
  readonly outcome: LogRecord<'outcome'> | null
}

export interface Graph {
  /** The one that was asked for first, then those above it, in order, then those below. */
  readonly hops: readonly Hop[]
  /** Members that were not reached: they may know of more. */
  readonly silent: readonly Did[]
  /** Whether there is more than is shown. */
  readonly more: boolean
}

export interface GraphPorts {
  readonly self: Did
  readonly lineage: Pick<Lineage, 'seek' | 'descendants'>
  governance(): Vouching
}

/** @param untilMs monotonic */
export async function lineageAbove(
  id: RecordId,
  untilMs: number,
  ports: GraphPorts,
): Promise<Graph> {
  const first = await seekHop(id, null, untilMs, ports)
  const above = causesOf(first)
  const found = await inTurns(above, (each) => seekHop(each, null, untilMs, ports))
  const hops = [first, ...found]
  const linked = hops.map((hop, i) => linkedTo(hop, hops[i - 1] ?? null, above[i] ?? null))
  return { hops: linked, silent: [], more: false }
}

/** @param untilMs monotonic */
export async function lineageBelow(
  id: RecordId,
  untilMs: number,
  ports: GraphPorts,
): Promise<Graph> {
  const named = await ports.lineage.descendants(id, untilMs)
  const namedBy = new Map<RecordId, Did>()
  for (const [node, answer] of named)
    for (const each of answer?.ids ?? []) if (!namedBy.has(each)) namedBy.set(each, node)
  namedBy.delete(id)
  const below = [...namedBy].slice(0, HOPS_MAX)
  const first = await seekHop(id, null, untilMs, ports)
  const found = await inTurns(below, ([each, node]) => seekHop(each, node, untilMs, ports))
  // Named below it by somebody, and by its own record not: a word without proof, and a wrong one.
  const right = found.filter(({ proven }) => proven?.record.ancestors?.includes(id) ?? true)
  return {
    hops: [{ ...first, cause: null }, ...right],
    silent: silentIn(named, ports),
    more: namedBy.size > below.length || [...named.values()].some((each) => each?.more === true),
  }
}

async function seekHop(
  id: RecordId,
  node: Did | null,
  untilMs: number,
  ports: GraphPorts,
): Promise<Hop> {
  const { proof, why } = await ports.lineage.seek(id, untilMs)
  const lost: Hop = { id, proven: null, why, node, cause: null }
  if (proof === null) return lost
  const governance = ports.governance()
  const found = checkReceipt(id, proof.receipt, governance)
  if ('condition' in found) return { ...lost, why: `${found.condition}: ${found.detail}` }
  const { record } = found
  if (record.type !== 'decision') return { ...lost, why: 'it is no decision' }
  const cosigned = found.cosignatures.map(({ witness }) => witness)
  const outcome = outcomeOf(id, found, proof.outcome, governance)
  return {
    id,
    proven: { record, cosigned, outcome },
    why: null,
    node: record.node,
    cause: record.ancestors?.[0] ?? record.request?.cause ?? null,
  }
}

/** null unless it is proven, by the node that wrote the decision, and of this execution. */
function outcomeOf(
  id: RecordId,
  { record: { node } }: ProvenRecord,
  receipt: Uint8Array | null,
  governance: Vouching,
): LogRecord<'outcome'> | null {
  if (receipt === null) return null
  const proven = checkReceipt(null, receipt, governance)
  if ('condition' in proven || proven.record.type !== 'outcome') return null
  return proven.record.execution === id && proven.record.node === node ? proven.record : null
}

/** Those above it, the nearest first: proven ancestors, or the cause that a denied one named. */
function causesOf({ proven }: Hop): readonly RecordId[] {
  const { ancestors, request } = proven?.record ?? {}
  if (ancestors !== undefined) return ancestors
  return request?.cause == null ? [] : [request.cause]
}

/** With what the hop below says: where it should be, and which one is above it. */
function linkedTo(hop: Hop, below: Hop | null, above: RecordId | null): Hop {
  if (hop.proven !== null) return hop
  const { inherited } = below?.proven?.record ?? {}
  return { ...hop, node: inherited?.nodes[0] ?? null, cause: above }
}

function silentIn(
  named: ReadonlyMap<Did, Descendants | null>,
  { governance, self }: GraphPorts,
): readonly Did[] {
  const members = [...governance().members.keys()]
  return members.filter((node) => node !== self && (named.get(node) ?? null) === null)
}

/** A few at a time: each asks everybody. */
async function inTurns<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const made: R[] = []
  for (let at = 0; at < items.length; at += HOPS_SOUGHT_MAX)
    made.push(...(await Promise.all(items.slice(at, at + HOPS_SOUGHT_MAX).map(make))))
  return made
}
