/** What witnesses vouch for: S25 and S26. */
import type { Invariant } from './checker.ts'
import { Branches, contradict, keyOf, type Placed } from './logs.ts'

export const S25: Invariant = {
  id: 'S25',
  says: 'a witness persists, then cosigns, and never two heads of one log that contradict each other',
  begin({ fail, met }) {
    const logs = new Branches()
    const shown = new Map<string, Placed>()
    /** Of each witness, of each log, since its disk was set back. */
    const cosigned = new Map<number, Map<string, Placed[]>>()
    const durable = new Set<string>()
    return (event) => {
      if (event.node === null) return
      if ('log' in event) logs.keep(event.node, event.log, event.ev !== 'durable')
      if (event.ev === 'restore') cosigned.delete(event.node)
      if (event.ev === 'showed') {
        const key = keyOf(event.node, event.head)
        const branch = logs.at(event.node, event.head)
        if (branch !== null && !shown.has(key)) shown.set(key, { ...event.head, branch })
      }
      if (event.ev === 'witness') durable.add(`${event.node} ${keyOf(event.of, event.head)}`)
      if (event.ev !== 'cosigned') return
      if (!durable.has(`${event.node} ${keyOf(event.of, event.head)}`))
        fail(`n${event.node} cosigned a head of n${event.of} that is not on its disk`)
      const head = shown.get(keyOf(event.of, event.head))
      if (head === undefined) return fail(`n${event.node} cosigned what n${event.of} never showed`)
      const logsOf = cosigned.get(event.node) ?? new Map<string, Placed[]>()
      cosigned.set(event.node, logsOf)
      const log = `${event.of}/${head.epoch}`
      const before = logsOf.get(log) ?? []
      if (before.length > 0) met()
      // It was compared with them when it was cosigned first.
      if (before.includes(head)) return
      const other = before.find((each) => contradict(each, head))
      if (other !== undefined)
        fail(`n${event.node} cosigned sizes ${other.size} and ${head.size} of n${event.of}`)
      before.push(head)
      logsOf.set(log, before)
    }
  },
}

export const S26: Invariant = {
  id: 'S26',
  says: 'what counts as witnessed was cosigned by a quorum of witnesses before',
  begin({ book, fail, met }) {
    const cosigned = new Set<string>()
    return (event) => {
      if (event.node === null) return
      if (event.ev === 'cosigned') cosigned.add(`${event.node} ${keyOf(event.of, event.head)}`)
      if (event.ev !== 'witnessed') return
      const { node, by, head } = event
      const least = Math.min(...[...book.roots.values()].map(({ lease }) => lease.write))
      if (by.length < least) fail(`n${node} keeps a head that ${by.length} witnesses cosigned`)
      for (const witness of by.filter((each) => each !== node)) {
        met()
        if (!cosigned.has(`${witness} ${keyOf(node, head)}`))
          fail(`n${node} counts n${witness} at size ${head.size}, which never said so`)
      }
    }
  },
}
