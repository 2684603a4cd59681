/**
 * Who lacks which statements since when, and from when such a node denies by
 * itself. A digest that was once our own says exactly what its holder lacks:
 * everything that came after it.
 */
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { ASK_TIMEOUT_MS, HELD_IDS_MAX } from '../core/limits.ts'
import type { StateSource } from './challenge.ts'
import type { Heard } from './heard.ts'
import type { Accepted, History } from './history.ts'
import type { Clock, Network } from './ports.ts'
import type { SpreadView } from './spread-view.ts'
import { othersInGoodStanding } from './standing.ts'

export interface DriftPorts {
  readonly network: Network
  readonly clock: Clock
  readonly statements: StateSource
  readonly history: History
  readonly heard: Heard
  readonly spread: SpreadView
}

export interface DriftOf {
  readonly node: Did
  /** Those of them that are known by id, oldest first. */
  readonly missing: readonly StatementId[]
  /** null when its state was never one that this node passed through. */
  readonly missingCount: number | null
  /** By the wall clock: when the first of them was accepted here. */
  readonly sinceMs: number | null
  /** By the wall clock; null before the first of them was committed. */
  readonly deniesFromMs: number | null
  readonly cause: 'syncing' | 'unreachable' | 'none'
}

interface Lack extends Pick<DriftOf, 'node' | 'missingCount' | 'cause'> {
  readonly missing: readonly Accepted[]
}

export class Drift {
  readonly #ports: DriftPorts

  constructor(ports: DriftPorts) {
    this.#ports = ports
  }

  /** Every other node, as it is now. Waits for those that are connected to answer. */
  async view(signal: AbortSignal): Promise<readonly DriftOf[]> {
    const { network, statements, history, clock, spread } = this.#ports
    const nodes = othersInGoodStanding(statements.governance, network.self, clock.wallMs())
    const recent = history.after(history.newest - HELD_IDS_MAX)
    const connected = new Set(network.peers().map(({ peer }) => peer))
    const asked = nodes.filter((node) => connected.has(node))
    const ids = recent.map(({ id }) => id)
    const held = await spread.heldBy(ids, asked, signal)
    const lacks = nodes.map((node) => this.#lack(node, held.get(node) ?? null, recent))
    const bounds = new Map<StatementId, number | null>()
    for (const { missing } of lacks) {
      const [first] = missing
      if (first === undefined || bounds.has(first.id)) continue
      const { boundAtMs } = await spread.view(first.id, 'none', ASK_TIMEOUT_MS, signal)
      bounds.set(first.id, boundAtMs)
    }
    return lacks.map(({ missing, ...rest }) => {
      const [first] = missing
      const deniesFromMs = first === undefined ? null : (bounds.get(first.id) ?? null)
      const sinceMs = first?.wallMs ?? null
      return { ...rest, missing: missing.map(({ id }) => id), sinceMs, deniesFromMs }
    })
  }

  #lack(node: Did, held: ReadonlySet<StatementId> | null, recent: readonly Accepted[]): Lack {
    const { heard, statements, history } = this.#ports
    const word = heard.last(node)
    if (word?.digest === statements.governance.digest)
      return { node, missing: [], missingCount: 0, cause: held === null ? 'unreachable' : 'none' }
    const place = word === null ? null : history.placeOf(word.digest)
    const after = place === null ? null : history.after(place)
    const missing = after ?? recent.filter(({ id }) => held !== null && !held.has(id))
    const cause = held === null ? 'unreachable' : 'syncing'
    return { node, missing, missingCount: after?.length ?? null, cause }
  }
}
