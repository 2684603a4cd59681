/**
 * Delegation only narrows (S12): what is allowed was granted by every link of
 * its chain, by a reading of what their makers meant, link by link, that knows
 * no code of the program.
 */

import type { Json } from '../../../src/core/json.ts'
import { LINKS_MAX } from '../../../src/core/limits.ts'
import { modelHolds } from '../../unit/model.ts'
import type { Asked, Brought, Said, SigningRole } from '../history.ts'
import { nameOf } from '../notary.ts'
import type { Invariant } from './checker.ts'

type Roles = Readonly<Record<string, SigningRole>>

/** By how much a clock may have been ahead when an allow was judged: more than any step. */
const STEP_MS = 300_000

export const S12: Invariant = {
  id: 'S12',
  says: 'what is allowed was granted by every link of its chain, and asked by who holds it',
  begin({ book, fail, met }) {
    const links = new Map<string, Said>()
    const roots = new Map<number, Roles>()
    return (event) => {
      if (event.ev === 'link') links.set(event.link.cid, event.link)
      if (event.ev === 'roles') roots.set(event.version, event.roles)
      if (event.ev !== 'answer') return
      const asked = book.calls.get(event.req)?.asked
      if (asked === undefined || asked.brought === null) return
      const { brought } = asked
      if (brought.gains !== null) met()
      if (event.effect !== 'allow') return
      const chain = asked.links.map((cid) => links.get(cid))
      const known = chain.filter((link) => link !== undefined)
      if (known.length < chain.length) return fail(`nobody signed a link of ${event.req}`)
      const issuers = roots.get(event.root ?? 0)?.['issuer']?.keys ?? []
      const why =
        lacks(known, issuers) ?? closes(known, brought, asked) ?? outside(known, asked, event)
      if (why !== null) fail(`n${event.node} allowed ${event.req}: ${why}`)
    }
  },
}

/** Why links are no chain; null when they are one. */
function lacks(chain: readonly Said[], issuers: readonly string[]): string | null {
  const [first] = chain
  if (first === undefined) return 'it has no link'
  if (chain.length > LINKS_MAX) return `it has ${chain.length} links`
  if (!issuers.includes(nameOf(first.iss))) return 'its first link is by no issuer'
  const keys = new Set([first.iss, ...chain.map(({ aud }) => aud)])
  if (keys.size <= chain.length) return 'it goes back to a key'
  for (const [i, link] of chain.entries()) {
    const above = chain[i - 1]
    const holder = above?.aud ?? first.sub
    if (link.odd) return `link ${i} says what nobody knows`
    if (link.by !== link.iss) return `link ${i} is signed by another`
    if (link.iss !== holder) return `link ${i} is by who does not hold the one above`
    if (link.sub !== first.sub) return `link ${i} is about another issuer`
    if (above !== undefined && !within(above.cmd, link.cmd)) return `link ${i} is wider`
    const deeper = chain.slice(0, i).some(({ depth }, at) => {
      return depth !== null && (depth < i - at || (link.depth ?? 0) > depth - (i - at))
    })
    if (deeper) return `link ${i} is deeper than one above allows`
    if (link.once && !chain.slice(0, i + 1).some(isBound))
      return `link ${i} is for one use anywhere`
  }
  return null
}

/** Why who asks does not hold it, or signed something else. */
function closes(chain: readonly Said[], { closing, node, args }: Brought, asked: Asked) {
  const last = chain.at(-1)
  if (closing.by !== last?.aud) return 'it is closed by who does not hold it'
  if (closing.sub !== last.sub) return 'its closing is about another issuer'
  if (closing.aud !== node) return 'it is closed for another node'
  if (closing.prf.join() !== chain.map(({ cid }) => cid).join())
    return 'it is closed over other links'
  if (closing.action !== asked.action) return 'it is closed for another action'
  const same = JSON.stringify(closing.args) === JSON.stringify(args)
  return same ? null : 'it is closed for other arguments'
}

/** Which link does not grant what is asked, now. */
function outside(chain: readonly Said[], asked: Asked, { wall }: { readonly wall: number }) {
  const { action, resource, brought } = asked
  const view = {
    ...{ action, resource: { type: 'doc', id: resource }, args: brought?.args ?? {} },
    meshd: { node: { id: brought?.node ?? '' } },
  }
  for (const [i, { cmd, pol, expS, nbfS }] of chain.entries()) {
    if (!within(cmd, `/${action.split(':').join('/')}`)) return `link ${i} grants ${cmd}`
    if (wall >= expS * 1000) return `link ${i} has ended`
    if (nbfS !== null && wall + STEP_MS < nbfS * 1000) return `link ${i} has not begun`
    // What is demanded of the caller, S14 looks at.
    if (
      !modelHolds(
        pol.filter((each) => !isRuntime(each)),
        view,
      )
    )
      return `link ${i} demands ${JSON.stringify(pol)}`
  }
  return null
}

/** By whole segments. */
function within(wide: string, narrow: string): boolean {
  const [above, below] = [wide, narrow].map((each) => each.split('/').filter(Boolean))
  return (above ?? []).every((segment, i) => segment === below?.[i])
}

/** These stand alone: none is inside another. */
export function isRuntime(predicate: Json): boolean {
  return Array.isArray(predicate) && String(predicate[1]).startsWith('.meshd.runtime.')
}

function isBound({ pol }: Said): boolean {
  return pol.some((each) => Array.isArray(each) && each[0] === '==' && each[1] === '.meshd.node.id')
}
