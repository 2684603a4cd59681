/** What a log tells of, judged again: S11. */
import type { Invariant } from './checker.ts'

export const S11: Invariant = {
  id: 'S11',
  says: 'what a log tells of is judged the same again, or cannot be for a reason that is known',
  begin({ fail, met }) {
    return (event) => {
      if (event.ev !== 'replayed') return
      const { node, epoch, judged, differing, notJudged } = event
      for (let times = 0; times < judged; times += 1) met()
      for (const each of differing) fail(`n${node}: ${each}`)
      for (const [why, count] of Object.entries(notJudged))
        if (!isExplained(why, epoch)) fail(`n${node}: ${count} cannot be judged again: ${why}`)
    }
  },
}

/**
 * What does not verify is not kept. A log that began anew does not tell what was known
 * before it: evidence has no time by which that could be seen.
 */
function isExplained(why: string, epoch: number): boolean {
  return why === 'artifact' || (why === 'governance' && epoch > 1)
}
