/** What an allow may rest on, and what it leaves: S1, S2, S13. */
import type { Event } from '../history.ts'
import type { Invariant } from './checker.ts'

export const S1: Invariant = {
  id: 'S1',
  says: 'an allow is on the disk before it is answered, and for ever',
  begin({ book, fail, met }) {
    /** Node → its log, by epoch, as it is known to be durable. */
    const logs = new Map<string, string[]>()
    /** Node → its allows. */
    const allows = new Map<
      number,
      { epoch: number; index: number; id: string; restores: number }[]
    >()
    const keep = ({
      node,
      log,
    }: {
      node: number
      log: { epoch: number; first: number; ids: readonly string[] }
    }) => {
      const key = `${node}/${log.epoch}`
      const known = logs.get(key) ?? []
      for (const [at, id] of log.ids.entries()) known[log.first + at] = id
      logs.set(key, known)
    }
    const readBack = (node: number, epoch: number, ids: readonly string[]) => {
      const { restores } = book.page(node)
      for (const allow of allows.get(node) ?? []) {
        // A retired log is kept elsewhere; a disk that was set back has forgotten.
        if (allow.epoch !== epoch || allow.restores !== restores) continue
        if (ids[allow.index] !== allow.id)
          fail(`n${node} lost the record ${allow.index} of an allow`)
      }
    }
    return (event) => {
      if (event.node === null) return
      const { node } = event
      if (event.ev === 'durable') keep({ node, log: event.log })
      if (event.ev === 'boot' || event.ev === 'restore' || event.ev === 'readback') {
        if (event.ev !== 'restore') readBack(node, event.log.epoch, event.log.ids)
        logs.set(`${node}/${event.log.epoch}`, [...event.log.ids])
      }
      if (event.ev !== 'answer' || event.effect !== 'allow') return
      met()
      const { record, epoch, req } = event
      if (record === null) return fail(`n${node} allowed ${req} without a record`)
      if (logs.get(`${node}/${epoch}`)?.[record.index] !== record.id)
        fail(`n${node} allowed ${req}, and its record ${record.index} was not durable`)
      const list = allows.get(node) ?? []
      list.push({ epoch, ...record, restores: book.page(node).restores })
      allows.set(node, list)
    }
  },
}

export const S2: Invariant = {
  id: 'S2',
  says: 'nothing is allowed that a revocation or freeze covers which its node accepted before',
  begin({ book, fail, met }) {
    /** Node → when each statement was accepted there. */
    const since = new Map<string, number>()
    const revokes = (node: number, event: Extract<Event, { ev: 'answer' }>) => {
      const called = book.calls.get(event.req)
      if (called === undefined) return
      for (const number of book.page(node).accepted) {
        const law = book.laws[number]
        if (law === undefined || !book.covers(law, called.asked, event.record?.id ?? null)) continue
        if ((since.get(`${node}/${number}`) ?? 0) >= called.t) met()
        if (event.effect === 'allow')
          fail(`n${node} allowed ${event.req}, which statement ${number} revokes`)
      }
      if (event.effect === 'allow' && book.frozenAt(node, called.asked))
        fail(`n${node} allowed ${event.req}, which is frozen`)
    }
    return (event) => {
      if (event.node === null) return
      if (event.ev === 'accept') {
        const key = `${event.node}/${event.statement}`
        if (!since.has(key)) since.set(key, event.t)
      }
      if (event.ev === 'answer') revokes(event.node, event)
    }
  },
}

export const S13: Invariant = {
  id: 'S13',
  says: 'an invocation, and a single-use artifact, is allowed once on a node',
  begin({ book, fail, met }) {
    const used = new Map<string, number>()
    return (event) => {
      if (event.ev !== 'answer' || event.node === null) return
      const called = book.calls.get(event.req)
      if (called === undefined) return
      const { invocation, once } = called.asked
      // A disk that was set back has forgotten what was used.
      const life = `${event.node}/${book.page(event.node).restores}`
      for (const cid of [invocation, once]) {
        if (cid === null) continue
        const key = `${life}/${cid}`
        const times = used.get(key) ?? 0
        if (times > 0) met()
        if (event.effect !== 'allow') continue
        used.set(key, times + 1)
        if (times > 0) fail(`n${event.node} allowed ${event.req} by ${cid}, which was used before`)
      }
    }
  },
}
