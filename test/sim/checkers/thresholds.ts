/** Who has to sign what is in force, and what waits for that: S8 and S21. */
import type { Event, SigningRole } from '../history.ts'
import { countIn, ROLE_OF } from '../notary.ts'
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'

type Verified = Extract<Event, { ev: 'verified' }>
type Roles = ReadonlyMap<number, Readonly<Record<string, SigningRole>>>

export const S8: Invariant = {
  id: 'S8',
  says: 'what is in force was signed by as many keys of its role as it needs, each counted once',
  begin({ book, fail, met }) {
    const roles = new Map<number, Readonly<Record<string, SigningRole>>>()
    const forged = new Set<number>()
    const seen = new WeakSet<readonly number[]>()
    const looked = ({ node, held }: { node: number | null; held: readonly number[] }) => {
      if (forged.size === 0 || seen.has(held)) return
      seen.add(held)
      const bad = held.filter((each) => forged.has(each))
      if (bad.length > 0) fail(`n${node} holds ${bad.join()}, which nobody could sign`)
    }
    return (event) => {
      if (event.ev === 'roles') roles.set(event.version, event.roles)
      if (event.ev === 'made' && event.law.what.type === 'forged') {
        met()
        forged.add(event.law.number)
      }
      if (event.ev === 'announce' || event.ev === 'healed') looked(event)
      if (event.ev !== 'verified' || event.node === null) return
      const { statement, node } = event
      if (forged.has(statement)) fail(`n${node} accepted ${statement}, which nobody could sign`)
      const short = lacks(event, rootOf(book, node), roles)
      if (short !== null)
        fail(`n${node} accepted ${statement}, signed by ${event.by.length}: ${short}`)
    }
  },
}

/** The newest one that the node accepted. */
function rootOf(book: Book, node: number): number {
  let newest = 1
  for (const number of book.page(node).accepted) {
    const what = book.laws[number]?.what
    if (what?.type === 'root') newest = Math.max(newest, what.version)
  }
  return newest
}

/** null when it has what it needs. */
function lacks({ type, under, by }: Verified, newest: number, roles: Roles): string | null {
  const name = ROLE_OF[type]
  if (name === undefined) return `${type} is signed by no role`
  const roleAt = (version: number) => roles.get(version)?.[name]
  const needed = type === 'root' && under > 1 ? [under - 1, under] : [under]
  for (const version of needed) {
    const role = roleAt(version)
    if (role === undefined) return `there is no root ${version}`
    const count = countIn(role, by).length
    if (count < role.threshold) return `${count} of ${role.threshold} of ${name} by root ${version}`
  }
  if (type === 'root') return null
  let counting = countIn(roleAt(under) as SigningRole, by)
  for (let version = under + 1; version <= newest; version += 1) {
    const [before, after] = [roleAt(version - 1)?.keys ?? [], roleAt(version)?.keys ?? []]
    counting = counting.filter((key) => after.includes(key) || !before.includes(key))
    if (counting.length < (roleAt(under)?.threshold ?? 1)) return `root ${version} dropped its keys`
  }
  return null
}

/** Of one statement that two sign. */
interface Half {
  /** Whether the second signature was handed in anywhere. */
  whole: boolean
  /** Node → which halves it has, since its disk was last set back. */
  readonly kept: Map<number, Set<number>>
}

export const S21: Invariant = {
  id: 'S21',
  says: 'what waits for a signature has no effect, and has its effect once that came',
  begin({ book, fail, met }) {
    const halves = new Map<number, Half>()
    const digests = new Map<string, string>()
    const names = new WeakMap<readonly number[], string>()
    const open = (held: readonly number[]) =>
      held.filter((each) => halves.get(each)?.whole === false)
    const nameOf = (held: readonly number[]) => {
      const name = names.get(held) ?? held.join()
      names.set(held, name)
      return name
    }
    const half = (event: Extract<Event, { ev: 'half' }>, node: number) => {
      const of = halves.get(event.statement) ?? { whole: false, kept: new Map() }
      halves.set(event.statement, of)
      of.whole ||= event.half === 2
      if (!event.kept) return
      const parts = of.kept.get(node) ?? new Set()
      of.kept.set(node, parts.add(event.half))
      if (parts.size < 2 || !counts(book, event.statement)) return
      met()
      if (!book.page(node).accepted.has(event.statement))
        fail(`n${node} has both signatures of ${event.statement}, and it is not in force`)
    }
    const announced = ({ node, held, root, digest }: Extract<Event, { ev: 'announce' }>) => {
      const early = open(held)
      if (early.length > 0) fail(`n${node} signed ${early.join()}, which lacks a signature`)
      // A policy that lost its signers counts and is not in force; evidence has no number.
      if (root > 1 || held[0] === -1) return
      const name = nameOf(held)
      const known = digests.get(name)
      digests.set(name, digest)
      if (known !== undefined && known !== digest)
        fail(`n${node} has another digest than others who hold ${name}`)
    }
    return (event) => {
      const { node } = event
      if (node === null) return
      if (event.ev === 'half') half(event, node)
      if (event.ev === 'restore') for (const { kept } of halves.values()) kept.delete(node)
      if (event.ev === 'accept' && open([event.statement]).length > 0)
        fail(`n${node} accepted ${event.statement}, which lacks a signature`)
      if (event.ev === 'announce') announced(event)
      if (event.ev !== 'healed') return
      const held = new Set(event.held)
      for (const [statement, { kept }] of halves) {
        const both = new Set([...kept.values()].flatMap((parts) => [...parts]))
        if (both.size === 2 && counts(book, statement) && !held.has(statement))
          fail(`n${node} lacks ${statement}, which has both its signatures`)
      }
    }
  },
}

/** A policy may wait for the one before it, too. */
function counts(book: Book, statement: number): boolean {
  const type = book.laws[statement]?.what.type
  return type === 'freeze' || type === 'revocation'
}
