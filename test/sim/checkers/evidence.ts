/** What follows from two histories of one log, and from nothing else: S4; and that all hear of it: L5. */
import type { Invariant } from './checker.ts'

export const S4: Invariant = {
  id: 'S4',
  says: 'nothing rests on a node of which there is evidence, and no honest node is ever one',
  begin({ book, fail, met }) {
    const liars = new Set<number>()
    return (event) => {
      if (event.node === null) return
      const { node } = event
      if (event.ev === 'lie') liars.add(node)
      if (event.ev === 'evidence') {
        met()
        // A disk that was set back, unnoticed by anybody in reach, is told from a liar by nobody.
        if (!liars.has(event.against) && book.page(event.against).restores === 0)
          fail(`n${node} holds evidence against n${event.against}, which never lied`)
      }
      // Voices of the others are S3's.
      if (event.ev !== 'answer' || event.effect !== 'allow') return
      if (book.distrusts(node, node)) fail(`n${node} allowed ${event.req}, and knows its evidence`)
    }
  },
}

export const L5: Invariant = {
  id: 'L5',
  says: 'once everything is mended, evidence that any node holds is held by all',
  begin({ book, fail, met }) {
    return (event) => {
      if (event.ev !== 'phase' || event.phase !== 'end') return
      const up = [...book.pages].filter(([, { up }]) => up)
      const logs = (node: number) =>
        [...book.page(node).evidence].flatMap(([against, epochs]) =>
          [...epochs].map((epoch) => `n${against}/${epoch}`),
        )
      const known = new Set(up.flatMap(([node]) => logs(node)))
      // What a disk that was set back still has, the history does not tell.
      for (const [node] of up.filter(([, { restores }]) => restores === 0)) {
        const held = new Set(logs(node))
        const lacks = [...known].filter((log) => !held.has(log))
        if (known.size > 0) met()
        if (lacks.length > 0) fail(`n${node} has no evidence about ${lacks.join(', ')}`)
      }
    }
  },
}
