/** What a descendant may rest on: S22. That revoking what is above it stops it is S2 and Q1. */
import type { Invariant } from './checker.ts'

export const S22: Invariant = {
  id: 'S22',
  says: 'nothing descends from what was not allowed, or from what another holder ran',
  begin({ book, fail, met }) {
    return (event) => {
      if (event.ev !== 'answer') return
      const { cause, principals } = book.calls.get(event.req)?.asked ?? {}
      if (cause == null || event.effect !== 'allow') return
      met()
      const parent = book.executions.get(cause)
      if (parent === undefined) return fail(`${event.req} descends from what was never allowed`)
      const holder = parent.principals.at(-1)
      if (holder === undefined || principals?.includes(holder) !== true)
        fail(`${event.req} descends from what another holder ran`)
    }
  },
}
