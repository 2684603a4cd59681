/**
 * This node's own log, held against what others remember of it. A checkpoint
 * that its own key signed and that its log does not continue was signed on a
 * disk that is gone, or by another machine with the same keys (S9, rows 20, 21):
 *
 *     shown  epoch 2             here  epoch 1             an older image
 *            size 9                    size 7              the tail is gone
 *            size 7, root 5c1e         size 7, root 8d21   another log: a clone
 *            size 5, root 5c1e         at 5,   root 8d21   the same, later
 */
import { equalBytes } from '../core/bytes.ts'
import type { Did } from '../core/keys.ts'
import { CHECKPOINTS_COMPARED_MAX } from '../core/limits.ts'
import { Memo } from '../core/memo.ts'
import type { Hash, Tree } from '../core/merkle.ts'
import type { Checkpoints, KnownCheckpoint } from './checkpoints.ts'
import type { Known } from './learned.ts'
import type { Statements } from './statements.ts'

export interface OwnLogPorts {
  readonly self: Did
  readonly checkpoints: Pick<Checkpoints, 'read'>
  /** Those that this node's memberships name or named. */
  logKeys(): Iterable<Did>
  /** This node's log as it is on disk. */
  log(): { readonly epoch: number; readonly tree: Tree }
  /** Of the first size records, of which there are so many. Rejects when the disk does not give them. */
  rootHashAt(size: number): Promise<Hash>
}

/** To a checkpoint that its key signed: it goes on from there, or retired it; it ends before; it is another log. */
export type Standing = 'continued' | 'behind' | 'another'

/** Others hold a checkpoint of this node's log that this log does not continue. */
export interface Rollback {
  readonly kind: 'rollback'
  readonly epoch: number
  readonly size: number
  /** The signed note that proves it. */
  readonly checkpoint: string
}

export class OwnLog {
  readonly #ports: OwnLogPorts
  /** Notes that were found to be of this log. */
  readonly #continued = new Memo<string, true>(CHECKPOINTS_COMPARED_MAX)

  constructor(ports: OwnLogPorts) {
    this.#ports = ports
  }

  /** What a note proves; null when its log goes on here, and for what no log key of this node signed. */
  async check(note: string): Promise<Rollback | null> {
    if (this.#continued.get(note) === true) return null
    const shown = this.read(note)
    if (shown === null) return null
    const { epoch, checkpoint } = shown
    if ((await this.standing(shown)) !== 'continued')
      return { kind: 'rollback', epoch, size: checkpoint.size, checkpoint: note }
    this.#continued.set(note, true)
    return null
  }

  /** Whether it still says something of the log as it is now: an operator retires a log with a higher epoch. */
  stands({ epoch }: Rollback): boolean {
    return epoch >= this.#ports.log().epoch
  }

  /** null for what no log key of this node signed. */
  read(note: string): KnownCheckpoint | null {
    const { checkpoints, self, logKeys } = this.#ports
    for (const key of logKeys()) {
      const shown = checkpoints.read(self, note, key)
      if (shown !== null) return shown
    }
    return null
  }

  /** How this log stands to a checkpoint of it. Rejects when the disk does not give the records. */
  async standing({ epoch, checkpoint }: Omit<KnownCheckpoint, 'note'>): Promise<Standing> {
    const { log, rootHashAt } = this.#ports
    const { epoch: own, tree } = log()
    if (epoch !== own) return epoch < own ? 'continued' : 'behind'
    if (checkpoint.size > tree.size) return 'behind'
    const rootHash = await rootHashAt(checkpoint.size)
    // Retired while it was read: that was another log.
    if (log().epoch !== own) return epoch < log().epoch ? 'continued' : 'behind'
    return equalBytes(checkpoint.rootHash, rootHash) ? 'continued' : 'another'
  }
}

/**
 * Every log key that a membership in force names for the node: the newest one is not enough, since a
 * log goes on under the next key, and what the last one signed would prove nothing any more. Whoever
 * stole a key that was replaced can so stop this log, where a peer helps; not continue it.
 */
export function logKeysOf(
  statements: Pick<Statements, 'all' | 'get' | 'onChange'>,
  node: Did,
): ReadonlySet<Did> {
  const keys = new Set<Did>()
  const take = (known: Known | null) => {
    const { statement, state } = known ?? {}
    if (statement?.type !== 'member' || statement.principal !== node) return
    if (state === 'effective') keys.add(statement.log)
  }
  for (const known of statements.all()) take(known)
  statements.onChange(({ id, changed }) => {
    for (const each of [id, ...changed]) take(statements.get(each))
  })
  return keys
}
