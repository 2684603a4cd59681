/**
 * Tells the log of the statements that this node learned, in the order in
 * which it learned them, each exactly once. A note beside each statement
 * (learned.ts) waits for it: through a boot check, which learns before it may
 * append, through restarts, and while the log takes nothing.
 */
import type { StatementId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import {
  BATCH_RECORDS_MAX,
  CHRONICLE_PAUSE_MS,
  CHRONICLE_RETRY_MS,
  RECORD_IDS_MAX,
} from '../core/limits.ts'
import { formatDraft } from '../core/record.ts'
import { deleteNote, type Learned } from './learned.ts'
import type { Clock, Put, Store } from './ports.ts'
import { summaryOfStatement } from './statement-summary.ts'
import type { Statements } from './statements.ts'

export interface ChroniclePorts {
  readonly statements: Statements
  readonly store: Pick<Store, 'get'>
  readonly clock: Clock
  readonly log: {
    unwritable(): string | null
    append(draft: JsonObject, puts?: () => readonly Put[]): Promise<unknown>
    persist(puts: readonly Put[]): Promise<void>
  }
}

/** What a record will say, and the note that it takes away. */
interface Entry {
  readonly note: string
  readonly id: StatementId
  readonly from: Did | null
  readonly changed: readonly StatementId[]
}

export class Chronicle {
  readonly #ports: ChroniclePorts
  readonly #entries: Entry[]
  /** Resolves the wait for the next statement. */
  #wake: () => void = () => {}

  private constructor(ports: ChroniclePorts) {
    this.#ports = ports
    this.#entries = ports.statements.unlogged().map((each) => ({ ...each, changed: [] }))
    ports.statements.onChange((learned) => this.#learned(learned))
  }

  static open(ports: ChroniclePorts): Chronicle {
    return new Chronicle(ports)
  }

  /** How many statements the log does not tell of yet. */
  get waiting(): number {
    return this.#entries.length
  }

  /** Appends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    while (!signal.aborted) {
      if (this.#entries.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        await clock.sleep(CHRONICLE_PAUSE_MS, signal)
      } else if (log.unwritable() !== null || !(await this.#append())) {
        await clock.sleep(CHRONICLE_RETRY_MS, signal)
      }
    }
  }

  #learned({ note, id, from, changed }: Learned): void {
    if (note === null) return
    this.#entries.push({ note, id, from, changed })
    this.#wake()
  }

  /** One batch of the oldest; false when the log did not take all of it. */
  async #append(): Promise<boolean> {
    const entries = this.#entries.slice(0, BATCH_RECORDS_MAX)
    const appended = await Promise.allSettled(entries.map((entry) => this.#record(entry)))
    const failed = entries.filter((_, at) => appended[at]?.status === 'rejected')
    // INVARIANT: a record and the loss of its note are one batch. What was refused may be there
    // nevertheless: the disk itself says so, by the note.
    const gone = await Promise.all(failed.map(({ note }) => this.#noted(note).then((is) => !is)))
    const kept = failed.filter((_, at) => gone[at] !== true)
    this.#entries.splice(0, entries.length, ...kept)
    return failed.length === 0
  }

  async #noted(note: string): Promise<boolean> {
    try {
      return (await this.#ports.store.get('governance', note)) !== null
    } catch {
      // Nobody knows yet: kept, and asked again.
      return true
    }
  }

  async #record({ note, id, from, changed }: Entry): Promise<void> {
    const { log, statements } = this.#ports
    const known = statements.get(id)
    // One that gave way to others meanwhile: there is nothing left to tell.
    if (known === null) return log.persist([deleteNote(note)])
    const draft = formatDraft<'statement'>({
      type: 'statement',
      statement: id,
      kind: known.envelope.type,
      state: known.state,
      from,
      changed: changed.slice(0, RECORD_IDS_MAX),
      digest: statements.governance.digest,
      summary: summaryOfStatement(known.statement),
    })
    await log.append(draft, () => [deleteNote(note)])
  }
}
