/** Filters of records as they stand in a query: what is no filter of this version is refused, never ignored. */
import { STATS_BY, type StatsBy } from '../client/search-types.ts'
import { isCid, isSha256Id } from '../core/id.ts'
import { isDid } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'
import { isReasonCode } from '../core/reasons.ts'
import { RECORD_TYPES } from '../core/record.ts'
import { DIFFERS, TERM_KINDS, type TermKind, traceIdOf } from '../core/terms.ts'
import type { RecordFilter } from '../mesh/record-search.ts'
import type { Ask } from './router.ts'

const OUTCOMES = ['allow', 'deny', 'ok', 'failed', 'stopped', 'unknown']

interface Rule {
  readonly says: string
  readonly hint?: string
  /** As records have it; null for what none can have. */
  read(text: string): string | null
}

const among = (values: readonly string[]): Rule => ({
  says: `is one of ${values.join(', ')}`,
  read: (text) => (values.includes(text) ? text : null),
})
const when = (says: string, good: (text: string) => boolean, hint?: string): Rule => ({
  says,
  ...(hint === undefined ? {} : { hint }),
  read: (text) => (good(text) ? text : null),
})

const RULES: Readonly<Record<TermKind, Rule>> = {
  type: among(RECORD_TYPES),
  outcome: among(OUTCOMES),
  code: when(
    'is ALLOW or a reason code',
    (text) => text === 'ALLOW' || isReasonCode(text),
    'docs/reasons.md',
  ),
  principal: when('is a did:key', isDid),
  observed: among([DIFFERS]),
  action: when('is an action such as `tool:read`', (text) => text !== ''),
  resource: when('is a resource such as `repo:acme/docs`', (text) => text.includes(':')),
  artifact: when('is a cid: `bafyrei` and 52 more', isCid),
  execution: when('is the id of a record: `sha256:` and 64 hex digits', isSha256Id),
  trace: { says: 'is a trace id of 32 hex digits, or a traceparent', read: traceIdOf },
}

/** @throws MeshError USAGE */
export function filterOf({ query }: Ask): RecordFilter {
  const terms: Partial<Record<TermKind, string>> = {}
  for (const kind of TERM_KINDS) {
    const text = query.get(kind)
    if (text !== null) terms[kind] = termOf(kind, text)
  }
  return { terms, sinceMs: timeOf(query, 'since'), untilMs: timeOf(query, 'until') }
}

/** `?filter=outcome:deny&filter=code:REVOKED`, each kind once. @throws MeshError USAGE */
export function filtersOf(query: URLSearchParams): RecordFilter {
  const terms: Partial<Record<TermKind, string>> = {}
  for (const text of query.getAll('filter')) {
    const [name = '', ...value] = text.split(':')
    const kind = TERM_KINDS.find((each) => each === name && terms[each] === undefined)
    if (kind === undefined)
      throw new MeshError(
        'USAGE',
        `\`filter\` is one of ${TERM_KINDS.join(', ')}, a colon, a value`,
      )
    terms[kind] = termOf(kind, value.join(':'))
  }
  return { terms, sinceMs: null, untilMs: null }
}

function termOf(kind: TermKind, text: string): string {
  const { read, says, hint } = RULES[kind]
  const value = read(text)
  if (value !== null) return value
  throw new MeshError('USAGE', `\`${kind}\` ${says}`, hint === undefined ? {} : { hint })
}

/** `?by=code,principal`. @throws MeshError USAGE */
export function statsByOf({ query }: Ask): readonly StatsBy[] {
  const names = (query.get('by') ?? 'code').split(',')
  const by = STATS_BY.filter((each) => names.includes(each))
  if (by.length !== names.length)
    throw new MeshError('USAGE', `\`by\` is a list of ${STATS_BY.join(', ')}, each once`)
  return names as StatsBy[]
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function timeOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  if (text === null) return null
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new MeshError('USAGE', `\`${name}\` is a time of RFC 3339`)
  return ms
}
