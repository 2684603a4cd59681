/** Who joins by an invite: S24. */
import type { Did } from '../../../src/core/keys.ts'
import type { Event } from '../history.ts'
import type { Invariant } from './checker.ts'
import { Commits } from './lease.ts'

/** As its maker's line was told, and who came with it. */
interface Invite {
  readonly maker: number
  readonly untilMs: number
  readonly sinceMs: number
  revokedMs: number
  /** Who brought it to its maker before it expired by the maker's clock, and when first. */
  readonly brought: Map<Did, number>
  /** Whom it admitted, with the first statement that says so. */
  readonly admitted: Map<Did, number>
}

/**
 * A maker whose disk was set back asks the others whom its invites admitted:
 * what a quorum of witnesses held by then it must hear of (Q4), and what they
 * did not nobody can tell it. What it revoked it alone knew.
 */
export const S24: Invariant = {
  id: 'S24',
  says: 'who joins was invited: an invite admits one principal, which brought it to its maker in time, and makes no witness',
  begin({ book, fail, met }) {
    const invites = new Map<string, Invite>()
    const commits = new Commits(book)
    const restoredMs = new Map<number, number>()
    const admits = (number: number, invite: Invite, principal: Did) => {
      const first = [...invite.admitted].find(([other]) => other !== principal)
      if (!invite.admitted.has(principal)) invite.admitted.set(principal, number)
      if (first === undefined) return
      const restored = restoredMs.get(invite.maker) ?? Number.NEGATIVE_INFINITY
      const known = commits.at.get(first[1]) ?? Number.POSITIVE_INFINITY
      if (restored < known && restored > invite.sinceMs) return
      fail(`an invite of n${invite.maker} admitted ${first[0]} and ${principal}`)
    }
    const accepted = ({ statement, node }: Extract<Event, { ev: 'accept' }>) => {
      const what = book.laws[statement]?.what
      if (what?.type !== 'member' || what.founded) return
      const invite = what.invite === null ? undefined : invites.get(what.invite)
      if (invite === undefined) return fail(`n${node} accepted ${what.of}, whom nobody invited`)
      met()
      if (what.eligible) fail(`an invite of n${invite.maker} made a witness`)
      const broughtMs = invite.brought.get(what.of)
      const { maker } = invite
      if (broughtMs === undefined)
        return fail(`n${node} accepted ${what.of}, which brought no invite to n${maker} in time`)
      if (broughtMs > invite.revokedMs && !((restoredMs.get(maker) ?? 0) > invite.revokedMs))
        fail(`an invite of n${maker} admitted ${what.of} after it was revoked`)
      admits(statement, invite, what.of)
    }
    return (event) => {
      if (invites.size > 0) commits.see(event)
      if (event.node === null) return
      const { node, t } = event
      if (event.ev === 'restore') restoredMs.set(node, t)
      if (event.ev === 'invited') invites.set(event.invite, begun(event, node))
      const invite = 'invite' in event ? invites.get(event.invite) : undefined
      if (event.ev === 'uninvited' && invite !== undefined) invite.revokedMs = t
      if (event.ev === 'redeems' && invite?.maker === node && event.wall < invite.untilMs)
        if (!invite.brought.has(event.by)) invite.brought.set(event.by, t)
      if (event.ev === 'accept') accepted(event)
    }
  },
}

function begun({ untilMs, t }: Extract<Event, { ev: 'invited' }>, maker: number): Invite {
  const revokedMs = Number.POSITIVE_INFINITY
  return { maker, untilMs, sinceMs: t, revokedMs, brought: new Map(), admitted: new Map() }
}
