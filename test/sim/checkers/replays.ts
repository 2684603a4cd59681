/** What a log tells of, judged again: S11. */
import { Returned } from '../returned.ts'
import type { Invariant } from './checker.ts'

export const S11: Invariant = {
  id: 'S11',
  says: 'what a log tells of is judged the same again, or cannot be for a reason that is known',
  begin({ fail, met }) {
    const returned = new Returned()
    return (event) => {
      returned.see(event)
      if (event.ev !== 'replayed' || event.node === null) return
      const { node, judged, differing, notJudged } = event
      for (let times = 0; times < judged; times += 1) met()
      for (const each of differing) fail(`n${node}: ${each}`)
      for (const [why, count] of Object.entries(notJudged)) {
        // What a mirror brought back has no tokens: it holds what is committed to, and nothing beside it.
        const explained = why === 'tokens' ? count <= returned.of(node) : EXPLAINED.has(why)
        if (!explained) fail(`n${node}: ${count} cannot be judged again: ${why}`)
      }
    }
  },
}

/**
 * What does not verify is not kept. A log that began anew does not tell what was known before
 * it, and one that crashed tells in another order of what came just before: then the digest of
 * a decision may be of a moment that no order of the records gives.
 */
const EXPLAINED: ReadonlySet<string> = new Set(['artifact', 'governance'])
