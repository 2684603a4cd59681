/** One log, one sequence; and governance that only goes forward: S5, S7, S9. */
import type { HeadOf } from '../history.ts'
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
      if (ev === 'restore') return void logs.set(key, [...log.ids])
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

interface Shown extends HeadOf {
  readonly branch: number
}

export const S9: Invariant = {
  id: 'S9',
  says: 'no node signs two heads of one log that contradict each other',
  begin({ book, fail, met }) {
    /** Node → sizes at which its disk was set back, in order: what the branches have in common. */
    const cuts = new Map<number, { readonly epoch: number; readonly size: number }[]>()
    const shown = new Map<number, Shown[]>()
    /** Up to which size two branches of one log are the same. */
    const common = (node: number, epoch: number, a: number, b: number) =>
      Math.min(
        Number.POSITIVE_INFINITY,
        ...(cuts.get(node) ?? [])
          .slice(Math.min(a, b), Math.max(a, b))
          .map((cut) =>
            cut.epoch === epoch ? cut.size : cut.epoch < epoch ? 0 : Number.POSITIVE_INFINITY,
          ),
      )
    const contradict = (node: number, a: Shown, b: Shown) => {
      if (a.epoch !== b.epoch) return false
      if (a.size === b.size) return a.root !== b.root
      const same = common(node, a.epoch, a.branch, b.branch)
      return a.size > same && b.size > same
    }
    const look = (node: number, head: HeadOf) => {
      const heads = shown.get(node) ?? []
      shown.set(node, heads)
      if (
        heads.some(
          ({ epoch, size, root }) =>
            epoch === head.epoch && size === head.size && root === head.root,
        )
      )
        return
      const seen: Shown = { ...head, branch: cuts.get(node)?.length ?? 0 }
      if (book.page(node).inc > 1) met()
      const other = heads.find((each) => contradict(node, each, seen))
      if (other !== undefined)
        fail(
          `n${node} signed heads of sizes ${other.size} and ${seen.size} of log ${seen.epoch} that contradict each other`,
        )
      heads.push(seen)
    }
    return (event) => {
      if (event.node === null) return
      if (event.ev === 'restore') {
        const list = cuts.get(event.node) ?? []
        list.push({ epoch: event.log.epoch, size: event.log.ids.length })
        cuts.set(event.node, list)
      }
      if (event.ev === 'announce' && event.head !== null) look(event.node, event.head)
    }
  },
}
