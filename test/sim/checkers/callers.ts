/**
 * The caller is who the artifact names (S14): what its links demand of it was
 * true while it was asked for, by what the kernel said then; what the kernel
 * did not say was true of nobody.
 */
import { modelHolds } from '../../unit/model.ts'
import type { Event, KernelFacts, Said } from '../history.ts'
import type { Called } from './book.ts'
import type { Invariant } from './checker.ts'
import { isRuntime } from './narrowing.ts'

/** From then on. */
interface Version {
  readonly t: number
  readonly facts: KernelFacts
}

/** Of checks that come before, and of what is no check: whoever asks may be denied by them. */
const EARLIER: ReadonlySet<string> = new Set([
  ...['NOT_YET_VALID', 'EXPIRED', 'REPLAYED', 'RUNTIME_MISMATCH'],
  ...['OVERLOADED', 'DEADLINE', 'INTERNAL'],
])

export const S14: Invariant = {
  id: 'S14',
  says: 'the caller is who every link names, by what the kernel says while it asks',
  begin({ book, fail, met }) {
    const links = new Map<string, Said>()
    const processes = new Map<number, Version[]>()
    const seen = (process: number, fromT: number) => {
      const all = processes.get(process) ?? []
      return all.filter((_, i) => (all[i + 1]?.t ?? Number.POSITIVE_INFINITY) >= fromT)
    }
    const answered = ({ req, effect, reason, node }: Answer, { asked, t }: Called) => {
      const process = asked.brought?.process ?? null
      if (process === null) return
      const demands = asked.links.flatMap((cid) => links.get(cid)?.pol ?? []).filter(isRuntime)
      if (demands.length === 0) return
      met()
      const views = seen(process, t).map(({ facts }) => ({ meshd: { runtime: facts } }))
      const named = views.filter((view) => modelHolds(demands, view)).length
      const what = () => `${JSON.stringify(demands)} of ${JSON.stringify(views)}`
      if (effect === 'allow' && named === 0)
        fail(`n${node} allowed ${req}, which demands ${what()}`)
      if (effect === 'allow' || reason === null) return
      if (named === 0 && !EARLIER.has(reason))
        fail(`n${node} denied ${req} by ${reason} alone, which demands ${what()}`)
      if (named === views.length && reason === 'RUNTIME_MISMATCH')
        fail(`n${node} denied ${req} to whom it names: it demands ${what()}`)
    }
    return (event) => {
      if (event.ev === 'link') links.set(event.link.cid, event.link)
      if (event.ev === 'process') {
        const { process, t, facts } = event
        const versions = processes.get(process) ?? []
        versions.push({ t, facts })
        processes.set(process, versions)
      }
      if (event.ev !== 'answer') return
      const called = book.calls.get(event.req)
      if (called !== undefined) answered(event, called)
    }
  },
}

type Answer = Extract<Event, { ev: 'answer' }>
