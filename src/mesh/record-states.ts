/**
 * What is known of a record of this log, one after the other (design 5):
 *
 *     durable     it survives a power cut
 *     published   a signed checkpoint covers it
 *     witnessed   `write` witnesses of the newest root cosigned such a checkpoint
 *     mirrored    as many members as are wanted said that they hold a copy of it
 *
 * A state may fall when a root names other witnesses, until those have cosigned.
 */
import type { Did } from '../core/keys.ts'
import type { StateSource } from './challenge.ts'
import type { Cosigned, CosignedCheckpoint } from './cosigned.ts'
import type { Cosigning } from './cosigning.ts'
import type { Log } from './log.ts'
import type { Mirroring } from './mirroring.ts'
import { Pace } from './pace.ts'
import type { Clock } from './ports.ts'
import type { Publisher } from './publish.ts'

type RecordState = 'durable' | 'published' | 'witnessed' | 'mirrored'

export interface RecordStanding {
  readonly state: RecordState
  /** Witnesses of the newest root that cosigned a checkpoint which covers it. */
  readonly cosigned: number
  /** How many are needed on one checkpoint, of how many. */
  readonly need: number
  readonly of: number
  /** How many members hold a copy of it, of how many; null where none is wanted. */
  readonly mirrors: { readonly holding: number; readonly wanted: number } | null
}

export interface RecordStatesPorts {
  readonly self: Did
  readonly clock: Clock
  readonly log: Pick<Log, 'tree' | 'epoch'>
  readonly publisher: Pick<Publisher, 'size'>
  readonly cosigned: Pick<Cosigned, 'newest'>
  readonly cosigning: Pick<Cosigning, 'reach' | 'onWitnessed'>
  readonly mirroring: Pick<Mirroring, 'holders' | 'size' | 'wanted'>
  readonly statements: StateSource
}

export class RecordStates {
  readonly #ports: RecordStatesPorts
  readonly #waiting = new Set<Pace>()

  constructor(ports: RecordStatesPorts) {
    this.#ports = ports
    ports.cosigning.onWitnessed(() => {
      for (const pace of this.#waiting) pace.wake()
    })
  }

  /** The newest checkpoint of the current log that a quorum cosigned. */
  get checkpoint(): CosignedCheckpoint | null {
    const { cosigned, self, log } = this.#ports
    const newest = cosigned.newest(self)
    return newest?.epoch === log.epoch ? newest : null
  }

  /** Records of the current log that are witnessed. */
  get witnessedSize(): number {
    return this.checkpoint?.checkpoint.size ?? 0
  }

  /** Records of the current log that are mirrored: what is not witnessed is not, whoever holds it. */
  get mirroredSize(): number {
    return Math.min(this.witnessedSize, this.#ports.mirroring.size)
  }

  /** null for a record that the current log does not have. */
  of(index: number): RecordStanding | null {
    const { log, cosigning, statements } = this.#ports
    if (index >= log.tree.size) return null
    const { root } = statements.governance
    const reach = cosigning.reach()
    const witnesses = root?.witnesses ?? []
    return {
      state: this.#stateOf(index),
      cosigned: witnesses.filter((witness) => (reach.get(witness) ?? 0) > index).length,
      need: root?.lease.write ?? 0,
      of: witnesses.length,
      mirrors: this.#mirrorsOf(index),
    }
  }

  #mirrorsOf(index: number): RecordStanding['mirrors'] {
    const { mirroring } = this.#ports
    const { wanted } = mirroring
    if (wanted === 0) return null
    return {
      holding: [...mirroring.holders().values()].filter((size) => size > index).length,
      wanted,
    }
  }

  #stateOf(index: number): RecordState {
    if (index < this.mirroredSize) return 'mirrored'
    if (index < this.witnessedSize) return 'witnessed'
    return index < this.#ports.publisher.size ? 'published' : 'durable'
  }

  /** Resolves true as soon as the record is witnessed, false after ms or when the signal aborts. */
  async witnessed(index: number, ms: number, signal?: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#ports
    const { epoch } = log
    const endMs = clock.monotonicMs() + ms
    const pace = new Pace(clock)
    this.#waiting.add(pace)
    try {
      while (log.epoch !== epoch || index >= this.witnessedSize) {
        const leftMs = Math.ceil(endMs - clock.monotonicMs())
        if (leftMs <= 0 || signal?.aborted === true) return false
        // Retired: what has that index now is another record.
        if (log.epoch !== epoch) return false
        await pace.wait(leftMs, signal ?? new AbortController().signal)
      }
      return true
    } finally {
      this.#waiting.delete(pace)
    }
  }
}
