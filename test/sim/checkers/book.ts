/**
 * What the history has told so far, for all checkers: which statements there
 * are, what each node accepted over all of its lives, which requests were made.
 * The book reads an event before the checkers do.
 */
import type { RecordId } from '../../../src/core/id.ts'
import { type Scope, scopeKey } from '../../../src/core/statement/freeze.ts'
import type { LeaseTerms } from '../../../src/core/statement/root.ts'
import type { Asked, Event, Law } from '../history.ts'

export interface RootLaw {
  readonly version: number
  readonly witnesses: readonly number[]
  readonly lease: LeaseTerms
}

/** One node, over all of its lives. */
export class NodePage {
  /** In force and durable here; statements that a restored disk lost are gone from it. */
  readonly accepted = new Set<number>()
  /** Against whom it holds evidence, and of which epochs of that log. */
  readonly evidence = new Map<number, Set<number>>()
  /** How often its disk was set back. */
  restores = 0
  /** For how long its machine was suspended: its monotonic clock is behind true time by that. */
  suspendedMs = 0
  inc = 0
  up = false
}

/** A request at its node. */
export interface Called {
  readonly asked: Asked
  readonly node: number
  readonly t: number
  /** What its node had accepted when it came, in order. */
  readonly policyVersion: number
  /** How often its node had been set back by then. */
  readonly restores: number
}

export class Book {
  readonly laws: Law[] = []
  readonly roots = new Map<number, RootLaw>()
  readonly calls = new Map<number, Called>()
  /** What was allowed, by its record. */
  readonly executions = new Map<RecordId, Asked>()
  readonly #pages = new Map<number, NodePage>()
  /** How many laws there were when anybody first held evidence about a log: one that lifts it is later. */
  readonly #caught = new Map<string, number>()

  page(node: number): NodePage {
    const known = this.#pages.get(node)
    if (known !== undefined) return known
    const page = new NodePage()
    this.#pages.set(node, page)
    return page
  }

  get pages(): ReadonlyMap<number, NodePage> {
    return this.#pages
  }

  see(event: Event): void {
    if (event.ev === 'made') this.#made(event.law)
    if (event.ev === 'answer') this.#answered(event)
    if (event.node === null) return
    const page = this.page(event.node)
    page.inc = event.inc
    if (event.ev === 'accept') page.accepted.add(event.statement)
    if (event.ev === 'boot') {
      page.up = true
      // What a lost life learned and made durable without living to say so.
      for (const each of event.held) page.accepted.add(each)
    }
    if (event.ev === 'evidence') {
      const { against, epoch } = event
      page.evidence.set(against, (page.evidence.get(against) ?? new Set()).add(epoch))
      const log = `${against}/${epoch}`
      if (!this.#caught.has(log)) this.#caught.set(log, this.laws.length)
    }
    if (event.ev === 'down') page.up = false
    if (event.ev === 'resume' && event.suspended) page.suspendedMs += event.ms
    if (event.ev === 'restore') {
      page.restores += 1
      page.accepted.clear()
      page.evidence.clear()
      for (const each of event.held) page.accepted.add(each)
    }
    // Of one that is sent again, the first time.
    if (event.ev === 'call' && !this.calls.has(event.asked.req)) {
      const { node, t } = event
      this.calls.set(event.asked.req, {
        ...{ asked: event.asked, node, t },
        policyVersion: this.policyAt(node),
        restores: page.restores,
      })
    }
  }

  /** Whether nothing may rest on the other at the node: it holds evidence that no root lifted since, or no later log was opened. */
  distrusts(node: number, other: number): boolean {
    const page = this.page(node)
    const accepted = [...page.accepted].map((number) => this.laws[number])
    return [...(page.evidence.get(other) ?? [])].some((epoch) => {
      const laws = this.#caught.get(`${other}/${epoch}`) ?? 0
      const lifted = accepted.some(
        (law) => law?.what.type === 'root' && law.what.lifts && law.number >= laws,
      )
      const retired = accepted.some(
        (law) => law?.what.type === 'epoch' && law.what.of === other && law.what.epoch > epoch,
      )
      return !lifted || !retired
    })
  }

  /** The newest trust root that the node accepted; null before any. */
  rootAt(node: number): RootLaw | null {
    let newest: RootLaw | null = null
    for (const number of this.page(node).accepted) {
      const what = this.laws[number]?.what
      if (what?.type === 'root' && what.version > (newest?.version ?? 0))
        newest = this.roots.get(what.version) ?? newest
    }
    return newest
  }

  /** The newest version of the policy that the node accepted. */
  policyAt(node: number): number {
    let newest = 0
    for (const number of this.page(node).accepted) {
      const what = this.laws[number]?.what
      if (what?.type === 'policy') newest = Math.max(newest, what.version)
    }
    return newest
  }

  /** Whether the freezes that the node accepted stop the request now. */
  frozenAt(node: number, asked: Asked): boolean {
    const newest = new Map<string, { scope: Scope; version: number; frozen: boolean }>()
    for (const number of this.page(node).accepted) {
      const what = this.laws[number]?.what
      if (what?.type !== 'freeze') continue
      const key = scopeKey(what.scope)
      if (what.version > (newest.get(key)?.version ?? 0)) newest.set(key, what)
    }
    return [...newest.values()].some(({ scope, frozen }) => frozen && scopeCovers(scope, asked))
  }

  /** Whether a revocation is of something that the request rests on, or that what it descends from does. */
  covers(law: Law, asked: Asked, execution: string | null): boolean {
    const { cause } = asked
    const parent = cause === null ? undefined : this.executions.get(cause)
    if (parent !== undefined && this.covers(law, parent, cause)) return true
    if (law.what.type !== 'revocation') return false
    const { target } = law.what
    if (target.kind === 'link') return asked.links.includes(target.cid)
    if (target.kind === 'principal') return asked.principals.includes(target.did)
    if (target.kind === 'issuer') return asked.issuer === target.did
    return target.kind === 'execution' && target.record === execution
  }

  #answered({ req, effect, record }: Extract<Event, { ev: 'answer' }>): void {
    const called = this.calls.get(req)
    if (effect === 'allow' && record !== null && called !== undefined)
      this.executions.set(record.id, called.asked)
  }

  #made(law: Law): void {
    this.laws[law.number] = law
    const { what, lease } = law
    if (what.type === 'root' && lease !== null)
      this.roots.set(what.version, { version: what.version, witnesses: what.witnesses, lease })
  }
}

function scopeCovers(scope: Scope, { principals, action }: Asked): boolean {
  if (scope.kind === 'mesh') return true
  if (scope.kind === 'principal') return principals.includes(scope.did)
  return scope.kind === 'action' && scope.pattern === action
}
