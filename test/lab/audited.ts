/**
 * The history of real nodes, for the checkers of the simulation: made of what
 * they leave, the logs that they export, and of what their callers were
 * answered. Nothing is written by the daemon for it.
 *
 * A record is durable when it stands in a log, a statement is accepted where
 * its record stands, and an allow was answered when a caller says so: one that
 * nobody heard may have been denied, or never left. Times are those of the
 * records, so an allow is dated no later, and a commit no sooner, than it was.
 */
import { type Files, MANIFEST, parseManifest } from '../../src/core/evidence-bundle.ts'
import { idOf, type RecordId, type StatementId } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import type { LogRecord } from '../../src/core/record.ts'
import type { Statement } from '../../src/core/statement/statement.ts'
import { verifyBundle } from '../../src/core/verify/evidence-bundle.ts'
import { recordsIn } from '../../src/core/verify/records.ts'
import type { TrustRoot } from '../../src/core/verify/trust.ts'
import { Book } from '../sim/checkers/book.ts'
import { Checker, type Finding, type Invariant } from '../sim/checkers/checker.ts'
import { S1, S2, S13 } from '../sim/checkers/decisions.ts'
import { Q1 } from '../sim/checkers/lease.ts'
import { S5 } from '../sim/checkers/logs.ts'
import type { Event, Happening, Law } from '../sim/history.ts'

/** Those that the logs and the callers of real nodes can answer. */
export const AUDITED: readonly Invariant[] = [S1, S2, S5, S13, Q1]

export interface Entry {
  readonly id: RecordId
  readonly record: LogRecord
}

/** A whole log as it was exported once. */
export interface Audit {
  readonly node: Did
  readonly epoch: number
  readonly entries: readonly Entry[]
  readonly statements: readonly Statement[]
}

/** An allow that a caller was told. */
export interface Returned {
  readonly node: Did
  readonly id: RecordId
}

/** @throws Malformed for what does not verify */
export function auditOf(files: Files, trust: TrustRoot): Audit {
  const { head, authority } = verifyBundle(files, trust)
  const { node, epoch, checkpoint } = head
  const manifest = parseManifest(files.read(MANIFEST))
  if (manifest.first > 0 || manifest.of !== null) throw new Error('a whole log is needed')
  const entries = [...recordsIn(files, { size: checkpoint.size }, manifest)].map(
    ({ bytes, record }) => ({ id: idOf(bytes), record }),
  )
  const statements = [...authority.statements.values()].map(({ statement }) => statement)
  return { node, epoch, entries, statements }
}

/** What the checkers find. @param audits of one log in the order in which they were made */
export function check(
  audits: readonly Audit[],
  returned: readonly Returned[],
): { readonly findings: readonly Finding[]; readonly met: ReadonlyMap<string, number> } {
  const book = new Book()
  const checkers = AUDITED.map((each) => new Checker(each, book))
  for (const event of eventsOf(audits, returned)) {
    book.see(event)
    for (const checker of checkers) checker.see(event)
  }
  return {
    findings: checkers.flatMap(({ findings }) => findings),
    met: new Map(checkers.map(({ id, met }) => [id, met])),
  }
}

/** By time, and of one node in the order of its logs. */
export function eventsOf(
  audits: readonly Audit[],
  returned: readonly Returned[],
): readonly Event[] {
  const telling = new Telling(audits)
  const heard = new Set(returned.map(({ id }) => id))
  const byNode = Map.groupBy(audits, ({ node }) => node)
  const told = [...byNode.values()].flatMap((all) => telling.ofNode(all, heard))
  const recorded = new Set(audits.flatMap(({ entries }) => entries.map(({ id }) => id)))
  const endMs = told.at(-1)?.t ?? 0
  const lost = returned
    .filter(({ id }) => !recorded.has(id))
    .flatMap(({ node, id }) => telling.lost(node, id, endMs))
  return [...telling.laws(), ...told.toSorted((a, b) => a.t - b.t), ...lost]
}

class Telling {
  readonly #places: readonly Did[]
  readonly #numbers = new Map<StatementId, number>()
  readonly #laws: readonly Law[]
  #requests = 0

  constructor(audits: readonly Audit[]) {
    const statements = new Map<StatementId, Statement>()
    for (const each of audits.flatMap((audit) => audit.statements)) statements.set(each.id, each)
    const witnesses = [...statements.values()].flatMap((each) =>
      each.type === 'root' ? each.witnesses : [],
    )
    this.#places = [...new Set([...audits.map(({ node }) => node), ...witnesses])]
    this.#laws = [...statements.values()].map((statement, number) => {
      this.#numbers.set(statement.id, number)
      return { number, what: this.#whatOf(statement), lease: leaseOf(statement) }
    })
  }

  laws(): readonly Event[] {
    return this.#laws.map((law) => ({ t: 0, node: null, inc: 0, ev: 'made', law }))
  }

  /** Each log of it record by record, and after each export what was in it. */
  ofNode(audits: readonly Audit[], heard: ReadonlySet<RecordId>): readonly Event[] {
    const events: Event[] = []
    const known = new Map<number, number>()
    let [t, root] = [0, 1]
    for (const audit of audits) {
      const node = this.#places.indexOf(audit.node)
      const tell = (happening: Happening) => events.push({ t, node, inc: 1, ...happening })
      const { epoch, entries } = audit
      for (const { id, record } of entries.slice(known.get(epoch) ?? 0)) {
        // Of clocks that step back the later time counts: the order is that of the log.
        t = Math.max(t, record.time)
        const log = { epoch, first: record.index, ids: [id], outcomes: endedBy(record) }
        tell({ ev: 'durable', log, statements: [] })
        if (record.type === 'statement' && record.state === 'effective')
          root = this.#accepted(record.statement, root, node, tell)
        if (record.type === 'decision') this.#decided({ id, record }, heard.has(id), root, tell)
      }
      known.set(epoch, Math.max(known.get(epoch) ?? 0, entries.length))
      const outcomes = entries.flatMap(({ record }) => endedBy(record))
      const log = { epoch, first: 0, ids: entries.map(({ id }) => id), outcomes }
      tell({ ev: 'readback', log, held: [] })
    }
    return events
  }

  /** A caller was told an allow that no log holds. */
  lost(of: Did, id: RecordId, t: number): readonly Event[] {
    const node = this.#places.indexOf(of)
    const answer = { req: -1, epoch: 1, record: { index: -1, id }, root: 1, mono: t, wall: t }
    return [{ t, node, inc: 1, ...ALLOW, ...answer }]
  }

  #accepted(
    id: StatementId,
    root: number,
    node: number,
    tell: (happening: Happening) => void,
  ): number {
    const number = this.#numbers.get(id)
    if (number === undefined) return root
    const what = this.#laws[number]?.what
    const under = what?.type === 'root' ? Math.max(root, what.version) : root
    const witnesses = this.#laws.flatMap(({ what: each }) =>
      each.type === 'root' && each.version === under ? each.witnesses : [],
    )
    tell({ ev: 'accept', statement: number, speaks: witnesses.includes(node) ? under : null })
    return under
  }

  #decided(
    { id, record }: { readonly id: RecordId; readonly record: LogRecord<'decision'> },
    heard: boolean,
    root: number,
    tell: (happening: Happening) => void,
  ): void {
    const { request, invocation, links, principals, effect, epoch, index, time } = record
    const [issuer] = principals
    if (request === null || invocation === null || issuer === undefined) return
    const req = this.#requests++
    const { action, resource, cause } = request
    const asked = { req, links, issuer, principals, invocation, once: null, action, cause }
    // A text that was blinded is named by its digest.
    const named = 'id' in resource ? resource.id : resource.sha256
    tell({ ev: 'call', asked: { ...asked, resource: named, brought: null } })
    if (effect !== 'allow' || !heard) return
    const answer = { req, epoch, record: { index, id }, root, mono: time, wall: time }
    tell({ ...ALLOW, ...answer })
  }

  #whatOf(statement: Statement): Law['what'] {
    const { type } = statement
    if (type === 'root') {
      const witnesses = statement.witnesses.map((did) => this.#places.indexOf(did))
      return { type, version: statement.version, witnesses, lifts: statement.lifts.length > 0 }
    }
    if (type === 'revocation') return { type, target: statement.target }
    if (type === 'freeze') {
      const { scope, version, frozen } = statement
      return { type, scope, version, frozen }
    }
    // Of the others these checkers ask nothing.
    return { type: 'evidence' }
  }
}

const ALLOW = { ev: 'answer', effect: 'allow', reason: null, policy: null, speaks: null } as const

function leaseOf(statement: Statement): Law['lease'] {
  return statement.type === 'root' ? statement.lease : null
}

function endedBy(record: LogRecord): readonly RecordId[] {
  return record.type === 'outcome' ? [record.execution] : []
}
