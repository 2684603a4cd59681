/** One log, one sequence; and governance that only goes forward: S5, S7, S9. */
import type { HeadOf, Leaves } from '../history.ts'
import type { Invariant } from './checker.ts'

export const S5: Invariant = {
  id: 'S5',
  says: 'what is at an index of a log never changes, and no index is left out',
  begin({ fail, met }) {
    const logs = new Map<string, string[]>()
    return (event) => {
      if (event.node === null || !('log' in event)) return
      const { node, log, ev } = event
      const key = `${node}/${log.epoch}`
      if (ev === 'restore') {
        // What it lost nobody may ever have seen; what somebody has seen is for S9.
        for (const other of [...logs.keys()]) if (other.startsWith(`${node}/`)) logs.delete(other)
        logs.set(key, [...log.ids])
        return
      }
      const known = logs.get(key) ?? []
      logs.set(key, known)
      if (log.first > known.length)
        fail(`n${node} left out records ${known.length} to ${log.first - 1}`)
      for (const [at, id] of log.ids.entries()) {
        const index = log.first + at
        const before = known[index]
        if (before !== undefined) met()
        if (before !== undefined && before !== id) fail(`n${node} changed record ${index}`)
        known[index] = id
      }
      if (ev !== 'durable' && log.ids.length < known.length)
        fail(`n${node} has ${log.ids.length} records, and had ${known.length}`)
    }
  },
}

export const S7: Invariant = {
  id: 'S7',
  says: 'governance only moves forward: nothing accepted is lost, no version falls',
  begin({ book, fail, met }) {
    const before = new Map<number, Set<number>>()
    const roots = new Map<string, number>()
    return (event) => {
      if (event.node === null) return
      const { node } = event
      if (event.ev === 'restore') before.delete(node)
      if (event.ev === 'boot' || event.ev === 'readback') {
        const held = new Set(event.held)
        const lost = [...(before.get(node) ?? [])].filter((each) => !held.has(each))
        if ((before.get(node)?.size ?? 0) > 0) met()
        if (lost.length > 0) fail(`n${node} lost statements ${lost.join()}`)
        before.set(node, held)
      }
      if (event.ev === 'accept') before.get(node)?.add(event.statement)
      if (event.ev === 'announce') {
        const key = `${node}/${book.page(node).restores}`
        const highest = roots.get(key) ?? 0
        if (event.root < highest) fail(`n${node} signed under root ${event.root} after ${highest}`)
        roots.set(key, Math.max(highest, event.root))
      }
      if (event.ev !== 'answer' || event.effect !== 'allow' || event.policy === null) return
      const called = book.calls.get(event.req)
      const newest = called?.policyVersion ?? 0
      if (called?.restores === book.page(node).restores && event.policy < newest)
        fail(`n${node} allowed ${event.req} by policy ${event.policy}, and knew ${newest}`)
    }
  },
}

/** Where a head was signed: the records below it, as the last of them and all before. */
interface Branch {
  readonly id: string
  readonly size: number
  readonly below: Branch | null
  readonly above: Map<string, Branch>
}

/** A head, and where its node stood when it signed it. */
export interface Placed extends HeadOf {
  readonly branch: Branch
}

interface Shown extends Placed {
  /** How often its node had been set back. */
  readonly restores: number
  /** Who had told its node what it remembers since then, and when it was last asked. */
  readonly told: ReadonlyMap<number, number>
  /** Who has it on disk, and since when. */
  readonly holders: Map<number, number>
}

const ALL = Number.POSITIVE_INFINITY

/**
 * Held is what is durable at a peer; what comes after it may only be heard.
 * A node that was set back may sign another head than one of which nobody told
 * it: that only its node ever had, or that all who have it were out of reach,
 * for no quorum of answers brings the word of one (docs/design.md). Once one of
 * them was asked, there is no excuse.
 */
export const S9: Invariant = {
  id: 'S9',
  says: 'peers never have two heads of one log that contradict each other',
  begin({ book, fail, met }) {
    const logs = new Branches()
    const signed = new Map<string, Shown>()
    const held = new Map<number, Shown[]>()
    /** What the harness signed in a node's name. */
    const lies = new Set<string>()
    /** With how many of those that are held: what is so of two of them is so for good. ALL: it was told. */
    const compared = new Map<Shown, number>()
    /** Of each node, as of `Shown.told`. */
    const told = new Map<number, Map<number, number>>()
    const sign = (node: number, head: HeadOf) => {
      const branch = logs.at(node, head)
      if (branch === null) return fail(`n${node} signed a head of records that it lacks`)
      const key = keyOf(node, head)
      const { restores } = book.page(node)
      const known = new Map(told.get(node))
      if (!signed.has(key))
        signed.set(key, { ...head, branch, restores, told: known, holders: new Map() })
    }
    const compare = (node: number, head: Shown) => {
      const heads = held.get(node) ?? []
      const from = compared.get(head) ?? 0
      const other = heads
        .slice(from)
        .find((each) => each.epoch === head.epoch && contradict(each, head) && !excused(each, head))
      compared.set(head, other === undefined ? Math.max(from, heads.length) : ALL)
      if (other !== undefined)
        fail(
          `n${node} signed heads of sizes ${other.size} and ${head.size} of log ${head.epoch}, that contradict each other, and peers have both`,
        )
    }
    const hold = (node: number, head: Shown, holder: number, t: number) => {
      if (!head.holders.has(holder)) head.holders.set(holder, t)
      const heads = held.get(node) ?? []
      held.set(node, heads)
      if (heads.includes(head)) return
      if (book.page(node).inc > 1) met()
      compare(node, head)
      heads.push(head)
    }
    return (event) => {
      if (event.node === null) return
      if ('log' in event) logs.keep(event.node, event.log, event.ev !== 'durable')
      if (event.ev === 'restore') told.delete(event.node)
      if ((event.ev === 'announce' || event.ev === 'showed') && event.head !== null)
        sign(event.node, event.head)
      if (event.ev === 'heard' && event.own)
        told.set(event.node, new Map(told.get(event.node)).set(event.from, event.asked))
      if (event.ev === 'heard' && event.head !== null) {
        const heard = signed.get(keyOf(event.from, event.head))
        if (heard !== undefined) compare(event.from, heard)
      }
      // Its own head at home, as a witness of it, is shown to nobody.
      if (event.ev === 'lie') lies.add(keyOf(event.node, event.head))
      if (event.ev !== 'witness' || event.of === event.node) return
      if (lies.has(keyOf(event.of, event.head))) return
      const head = signed.get(keyOf(event.of, event.head))
      if (head === undefined) fail(`n${event.node} holds a head that n${event.of} never signed`)
      else hold(event.of, head, event.node, event.t)
    }
  },
}

/** The first was signed on a disk that is gone, and nobody who has it was asked before the second was signed. */
function excused(first: Shown, second: Shown): boolean {
  const [before, after] = first.restores < second.restores ? [first, second] : [second, first]
  if (before.restores === after.restores) return false
  return [...before.holders].every(([peer, sinceMs]) => {
    const askedMs = after.told.get(peer)
    return askedMs === undefined || askedMs < sinceMs
  })
}

export function keyOf(node: number, { epoch, size, root }: HeadOf): string {
  return `${node}/${epoch}/${size}/${root}`
}

/** One of them is not below the other; or one place has two root hashes. */
export function contradict(a: Placed, b: Placed): boolean {
  if (a.size === b.size) return a.root !== b.root || a.branch !== b.branch
  const [low, high] = a.size < b.size ? [a.branch, b.branch] : [b.branch, a.branch]
  let at: Branch | null = high
  while (at !== null && at.size > low.size) at = at.below
  return at !== low
}

/** The logs of all nodes over all lives of their disks: trees, where one that was set back grew another branch. */
export class Branches {
  readonly #paths = new Map<string, Branch[]>()
  readonly #bottoms = new Map<string, Branch>()

  /** @param whole it is all that there is now */
  keep(node: number, { epoch, first, ids }: Leaves, whole: boolean): void {
    const key = `${node}/${epoch}`
    const path = whole ? [] : (this.#paths.get(key) ?? []).slice(0, first)
    this.#paths.set(key, path)
    for (const id of ids) {
      const below = path.at(-1) ?? this.#bottom(key)
      const known = below.above.get(id) ?? { id, size: path.length + 1, below, above: new Map() }
      below.above.set(id, known)
      path.push(known)
    }
  }

  at(node: number, { epoch, size }: HeadOf): Branch | null {
    const key = `${node}/${epoch}`
    return size === 0 ? this.#bottom(key) : (this.#paths.get(key)?.[size - 1] ?? null)
  }

  #bottom(key: string): Branch {
    const bottom = this.#bottoms.get(key) ?? { id: '', size: 0, below: null, above: new Map() }
    this.#bottoms.set(key, bottom)
    return bottom
  }
}
