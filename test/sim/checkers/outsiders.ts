/** Who is no member at a node is told nothing by it: S15. */

import type { Did } from '../../../src/core/keys.ts'
import { scopeKey } from '../../../src/core/statement/freeze.ts'
import type { Event } from '../history.ts'
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'

/** From the statement that takes a membership until the connection is closed. */
const CLOSED_MS = 1_000

/** Of one that is connected to a node. */
interface Link {
  readonly node: number
  readonly to: Did
  /** Connections at this moment. */
  open: number
  /** Since when it may have none. */
  bannedMs: number
}

export const S15: Invariant = {
  id: 'S15',
  says: 'who is no member is sent nothing but the trust root, and who was one is cut off within a second',
  begin({ book, fail, met }) {
    const links = new Map<string, Link>()
    const linkOf = (node: number, to: Did) => {
      const key = `${node} ${to}`
      const known = links.get(key) ?? { node, to, open: 0, bannedMs: Number.POSITIVE_INFINITY }
      links.set(key, known)
      return known
    }
    const overdue = (t: number) => {
      for (const link of links.values()) {
        if (link.open === 0 || t - link.bannedMs <= CLOSED_MS) continue
        fail(
          `n${link.node} is connected to ${link.to}, ${(t - link.bannedMs).toFixed(0)} ms after it was banned`,
        )
        link.bannedMs = Number.POSITIVE_INFINITY
      }
    }
    const standings = (node: number, t: number) => {
      for (const link of links.values()) {
        if (link.node !== node) continue
        const out = isBanned(book, node, link.to)
        if (out && link.open > 0 && link.bannedMs > t) met()
        link.bannedMs = out ? Math.min(link.bannedMs, t) : Number.POSITIVE_INFINITY
      }
    }
    return (event) => {
      if (links.size > 0) overdue(event.t)
      if (event.node === null) return
      const { node, t } = event
      if (event.ev === 'accept' && links.size > 0) standings(node, t)
      if (event.ev === 'down')
        for (const link of links.values()) if (link.node === node) link.open = 0
      if (event.ev === 'boot') standings(node, t)
      if (event.ev === 'connected') linkOf(node, event.to).open += event.open ? 1 : -1
      if (event.ev === 'asked' && !isMember(book, node, event.by)) met()
      if (event.ev === 'sent') sent(book, node, event, fail)
    }
  },
}

type Sent = Extract<Event, { ev: 'sent' }>

function sent(book: Book, node: number, event: Sent, fail: (says: string) => void): void {
  const { to, what, bytes, told, wall } = event
  if (bytes === 0 || isMember(book, node, to, wall)) return
  // Why, it may know.
  const own = told.length > 0 && told.every((each) => isAbout(book, each, to))
  if (what === 'parting' && own) return
  fail(`n${node} sent ${to}, which is no member there, ${bytes} bytes: ${what}`)
}

/** By what the node accepted. @param wallMs by its own clock; left out, no membership ends */
function isMember(book: Book, node: number, peer: Did, wallMs = 0): boolean {
  const admitted = [...book.page(node).accepted].some((number) => {
    const what = book.laws[number]?.what
    return what?.type === 'member' && what.of === peer && wallMs < what.untilMs
  })
  return admitted && !isBanned(book, node, peer)
}

function isBanned(book: Book, node: number, peer: Did): boolean {
  let freeze = { version: 0, frozen: false }
  for (const number of book.page(node).accepted) {
    const what = book.laws[number]?.what
    if (what?.type === 'revocation' && isAbout(book, number, peer)) return true
    if (what?.type === 'freeze' && isAbout(book, number, peer) && what.version > freeze.version)
      freeze = what
  }
  return freeze.frozen
}

/** Whether a statement revokes or suspends that very peer. */
function isAbout(book: Book, number: number, peer: Did): boolean {
  const what = book.laws[number]?.what
  if (what?.type === 'freeze') return scopeKey(what.scope) === scopeKey({ kind: 'node', did: peer })
  if (what?.type !== 'revocation') return false
  const { target } = what
  return (target.kind === 'node' || target.kind === 'principal') && target.did === peer
}
