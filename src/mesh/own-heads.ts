/**
 * This node's own log, held against what every other member holds of it now:
 * the newest checkpoint that it heard of or cosigned, and the newest that it
 * knows a quorum to have cosigned. Each proves itself by the log key of this
 * node, so nobody need be believed. That somebody holds back what it knows
 * nobody can prove: whoever is silent is named, and where too few are left to
 * meet every quorum, nothing is known to be well (design 5, rollback).
 */
import type { Cosignature } from '../core/cosignature.ts'
import { currentEra, rememberersOf } from '../core/eras.ts'
import type { Governance } from '../core/governance.ts'
import type { Did } from '../core/keys.ts'
import { MESH_SEARCH_NODES_AT_ONCE } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Cosigned } from './cosigned.ts'
import type { LogAnswer, LogRequest } from './log-frames.ts'
import type { OwnLog, Standing } from './own-log.ts'
import type { Clock } from './ports.ts'
import { inGoodStanding } from './standing.ts'

export interface OwnHeadsPorts {
  readonly self: Did
  readonly clock: Pick<Clock, 'wallMs'>
  readonly own: Pick<OwnLog, 'read' | 'standing'>
  readonly cosigned: Pick<Cosigned, 'read'>
  governance(): Governance
  /** @throws MeshError when the peer does not answer */
  ask(peer: Did, request: LogRequest, signal: AbortSignal): Promise<LogAnswer>
  /** Looks at a head of this node's own log: one that it does not continue ends it. */
  shown(note: string): Promise<void>
}

/** A checkpoint of this node's log that a peer holds. */
export interface OwnHead {
  readonly epoch: number
  readonly size: number
  readonly standing: Standing
  /** Of the newest root's witnesses; none for one that was heard of alone. */
  readonly cosignatures: readonly Cosignature[]
}

export interface PeerHeads {
  readonly peer: Did
  /** null for one that answered; else why nothing is known of what it holds. */
  readonly why: string | null
  readonly heads: readonly OwnHead[]
}

export interface HeadsFound {
  /** In the order of their dids. */
  readonly peers: readonly PeerHeads[]
  /** How many answered of those that have to, so that every checkpoint that a quorum cosigned is known to one of them. */
  readonly answered: number
  readonly need: number
}

export class OwnHeads {
  readonly #ports: OwnHeadsPorts

  constructor(ports: OwnHeadsPorts) {
    this.#ports = ports
  }

  /** Asks every other member, some at a time. Resolves when all answered or failed to. */
  async ask(signal: AbortSignal): Promise<HeadsFound> {
    const { self, clock, governance } = this.#ports
    const known = governance()
    const { members, distrusted } = known
    const nodes = [...members.keys()].filter(
      (node) =>
        node !== self && (distrusted.has(node) || inGoodStanding(known, node, clock.wallMs())),
    )
    nodes.sort()
    const found = new Map<Did, PeerHeads>()
    const left = nodes.values()
    const work = async () => {
      for (const node of left) found.set(node, await this.#ask(node, signal))
    }
    await Promise.all(Array.from({ length: MESH_SEARCH_NODES_AT_ONCE }, work))
    const peers = nodes.flatMap((node) => found.get(node) ?? [])
    return { peers, ...this.#tally(peers) }
  }

  async #ask(peer: Did, signal: AbortSignal): Promise<PeerHeads> {
    const { self, ask } = this.#ports
    const silent = (why: string): PeerHeads => ({ peer, why, heads: [] })
    try {
      const heard = await ask(peer, { ask: 'heads', nodes: [self] }, signal)
      const quorum = await ask(peer, { ask: 'checkpoint', node: self }, signal)
      if (heard.say !== 'heads' || (quorum.say === 'refused' && quorum.why !== 'absent'))
        return silent('it refused to say')
      const note = heard.notes[0] ?? ''
      const head = note === '' ? null : await this.#heard(note)
      if (note !== '' && head === null)
        return silent('what it holds is not signed by a log key of this node')
      const cosigned = quorum.say === 'checkpoint' ? await this.#cosigned(quorum.note) : null
      return { peer, why: null, heads: [head, cosigned].filter((each) => each !== null) }
    } catch (error) {
      // A network that fails: this peer is named, the others are asked.
      if (error instanceof MeshError) return silent(error.message)
      throw error
    }
  }

  async #heard(note: string): Promise<OwnHead | null> {
    const { own, shown } = this.#ports
    const read = own.read(note)
    if (read === null) return null
    // It is told to the boot check before it is told to anybody: this log may have to end.
    await shown(note)
    const { epoch, checkpoint } = read
    return { epoch, size: checkpoint.size, standing: await own.standing(read), cosignatures: [] }
  }

  async #cosigned(note: string): Promise<OwnHead | null> {
    const { own, cosigned, self } = this.#ports
    const read = cosigned.read(self, note)
    if (read === null) return null
    const { epoch, checkpoint, cosignatures } = read
    return { epoch, size: checkpoint.size, standing: await own.standing(read), cosignatures }
  }

  #tally(peers: readonly PeerHeads[]): { readonly answered: number; readonly need: number } {
    const { roots } = this.#ports.governance()
    if (roots.length === 0) return { answered: 0, need: 0 }
    const { of, need } = rememberersOf(currentEra(roots), this.#ports.self)
    // The only witness: what it forgot, any other node may have.
    const asked = of.length === 0 ? peers : peers.filter(({ peer }) => of.includes(peer))
    const answered = asked.filter(({ why }) => why === null).length
    return { answered, need: of.length === 0 ? Math.min(1, peers.length) : need }
  }
}
