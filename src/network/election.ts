/**
 * Which of two greeted connections to one peer stays. Both ends must say the
 * same without a word, or each closes what the other keeps (FACTS 3.2).
 */
import type { Did } from '../core/keys.ts'

/** A boot id: drawn at each start. */
export const BOOT_BYTES = 16

export interface Candidate {
  /** Of the peer's process, from its hello. */
  readonly boot: string
  /** In which order the connections were opened here. */
  readonly order: number
  readonly direction: 'inbound' | 'outbound'
}

/** @param self the did of this node */
export function elect<C extends Candidate>(a: C, b: C, self: Did, peer: Did): C {
  const [older, newer] = a.order < b.order ? [a, b] : [b, a]
  // A process that has ended opens nothing: the later connection is of the living one.
  if (older.boot !== newer.boot) return newer
  // Both dialled at once: the one that the lower did dialled.
  if (older.direction !== newer.direction)
    return older.direction === (self < peer ? 'outbound' : 'inbound') ? older : newer
  // Its dialler would not have dialled again if the older one worked.
  return newer
}
