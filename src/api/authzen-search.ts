/**
 * AuthZEN 1.0 search: which subjects, resources or actions an evaluation would
 * allow, among those that the bundles in force call by name (INTERFACE 6).
 *
 *     {"subject":{"type":"user"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}
 *     {"results":[{"type":"user","id":"alice"}],"page":{"next_token":""},
 *      "context":{"meshd":{"hypothetical":true,"judged":2,"denied":{"POLICY_NO_PERMIT":1}}}}
 *
 * An answer is not an authorization: each candidate is judged as if this caller
 * asked for it now, with what its wallet holds, and nothing is recorded or used
 * up. So it tells a caller nothing that it could not ask for one by one.
 */
import { setImmediate } from 'node:timers/promises'
import { utf8 } from '../core/bytes.ts'
import type { Entity } from '../core/command.ts'
import { sha256Hex } from '../core/id.ts'
import { objectOf } from '../core/ipld.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { SEARCH_CANDIDATES_MAX, SEARCH_MS_MAX, SEARCHES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { PolicyCatalog } from '../core/policy.ts'
import type { Caller } from '../core/presented.ts'
import { type Request, readEvaluation } from '../core/request.ts'
import { isMap } from '../core/selector.ts'
import { readJson } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { Gate } from './gate.ts'
import { malformedReply } from './problem.ts'
import { type Ask, json, REMOTE, type Reply, type Route } from './router.ts'

const KINDS = ['subject', 'resource', 'action'] as const
export type Kind = (typeof KINDS)[number]

export interface SearchPorts {
  readonly deciding: Pick<Deciding, 'explain'>
  readonly catalog: PolicyCatalog
  readonly monotonicMs: () => number
}

export function authzenSearchRoutes(ports: SearchPorts): readonly Route[] {
  const searches = new Gate(SEARCHES_MAX)
  return KINDS.map((kind) => ({
    method: 'POST',
    path: `/access/v1/search/${kind}`,
    roles: REMOTE,
    handle: (ask) => searches.through(() => search(ask, kind, ports)),
  }))
}

/** What stands for an id or a name while the rest of a question is read. */
const ANYTHING = 'anything'

export interface Question {
  /** The body, without what is searched for. */
  readonly others: JsonObject
  /** What is searched for as far as it is known: a type, and claims. */
  readonly target: JsonObject
  /** With ANYTHING in the place of what is searched for: it is read once, whole. */
  readonly sample: Request
  /** Of results in one answer. */
  readonly limit: number
  /** '' for the first page. */
  readonly token: string
}

async function search(ask: Ask, kind: Kind, ports: SearchPorts): Promise<Reply> {
  const { catalog } = ports
  const read = readJson(ask, (body) => {
    const question = readQuestion(body, kind)
    const name = nameOf(question, kind, catalog)
    return { question, name, first: placeOf(question.token, name) }
  })
  if (read instanceof Malformed) return malformedReply(read)
  const { question, name, first } = read
  const candidates = candidatesFor(question, kind, ask.caller, catalog)
  const judged = await judgeEach(candidates, first, { question, kind, ask }, ports)
  const { results, next, denied } = judged
  const meshd = { hypothetical: true, judged: next - first, denied }
  const token = next < candidates.length ? formatToken(next, name) : ''
  return json({ results, page: { next_token: token }, context: { meshd } })
}

/** @throws Malformed */
export function readQuestion(body: Json, kind: Kind): Question {
  if (!isMap(body)) throw new Malformed('the request is an object')
  const target = targetOf(body, kind)
  const others = objectOf(Object.entries(body).filter(([member]) => member !== kind))
  const sample = requestFor(ANYTHING, { others, target }, kind)
  return { others, target, sample, ...readPage(body['page']) }
}

/** An id of what is searched for is ignored, and so is an action where actions are. @throws Malformed */
function targetOf(body: JsonObject, kind: Kind): JsonObject {
  if (kind === 'action') return objectOf([])
  const target = body[kind]
  if (target === undefined) throw new Malformed(`the ${kind} is missing`)
  if (!isMap(target) || typeof target['type'] !== 'string')
    throw new Malformed(`the ${kind} has a type`)
  return target
}

/** @throws Malformed */
function requestFor(
  candidate: string,
  { others, target }: Pick<Question, 'others' | 'target'>,
  kind: Kind,
): Request {
  const named = [kind === 'action' ? 'name' : 'id', candidate] as const
  const known = Object.entries(target).filter(([member]) => member !== 'id')
  const entries = [...Object.entries(others), [kind, objectOf([...known, named])] as const]
  // Without a cause: its proof may be fetched from afar, and for each candidate anew.
  return readEvaluation(objectOf(entries))
}

/** @throws Malformed */
function readPage(page: Json | undefined): Pick<Question, 'limit' | 'token'> {
  if (page === undefined) return { limit: SEARCH_CANDIDATES_MAX, token: '' }
  if (!isMap(page)) throw new Malformed('`page` is an object')
  const { limit = SEARCH_CANDIDATES_MAX, token = '' } = page
  if (!Number.isSafeInteger(limit) || Number(limit) < 0)
    throw new Malformed('the limit of a page is a whole number')
  if (typeof token !== 'string') throw new Malformed('the token of a page is a text')
  return { limit: Number(limit), token }
}

/** Of one question to one set of policies: the next page is of the same list. */
function nameOf({ sample }: Question, kind: Kind, { loaded }: PolicyCatalog): string {
  return sha256Hex(utf8([kind, sample.digest, ...loaded].join('\n'))).slice(0, TOKEN_HEX)
}

const TOKEN_HEX = 32

/** `256.9f86d081884c7d659a2feaa0c55ad015`: where it goes on, and in which list. It is no secret: whoever makes one up skips candidates. */
function formatToken(place: number, name: string): string {
  return `${place}.${name}`
}

/** @throws Malformed */
function placeOf(token: string, name: string): number {
  if (token === '') return 0
  const place = /^(\d{1,9})\./.exec(token)?.[1] ?? ''
  if (token === formatToken(Number(place), name)) return Number(place)
  throw new Malformed('the token of the page is of another question, or of other policies')
}

/** In order. Nobody is known by a name that no bundle says, except for the caller itself. */
function candidatesFor(
  { sample, target }: Question,
  kind: Kind,
  caller: Caller,
  { entities, actions }: PolicyCatalog,
): readonly string[] {
  if (kind !== 'subject' && !knows(sample.subject, caller, entities)) return []
  if (kind === 'action') return actions
  return entities.filter(({ type }) => type === target['type']).map(({ id }) => id)
}

function knows(subject: Entity | null, { principal, name }: Caller, all: readonly Entity[]) {
  if (subject === null) return false
  const { type, id } = subject
  if (type === 'principal' && (id === principal || id === name)) return true
  return all.some((each) => each.type === type && each.id === id)
}

interface Searching {
  readonly question: Question
  readonly kind: Kind
  readonly ask: Ask
}

interface Judged {
  readonly results: readonly object[]
  /** Up to here. */
  readonly next: number
  /** How many of the others, by reason code. */
  readonly denied: Readonly<Record<string, number>>
}

async function judgeEach(
  candidates: readonly string[],
  first: number,
  { question, kind, ask }: Searching,
  { deciding, monotonicMs }: SearchPorts,
): Promise<Judged> {
  const { signal, receivedMs } = ask
  const results: object[] = []
  const denied: Record<string, number> = {}
  const end = Math.min(candidates.length, first + SEARCH_CANDIDATES_MAX)
  let next = first
  // One at least, so that whoever goes on comes to an end.
  const over = () => signal.aborted || (next > first && monotonicMs() - receivedMs >= SEARCH_MS_MAX)
  for (; next < end && results.length < question.limit && !over(); next += 1) {
    const candidate = candidates[next] ?? ''
    const request = requestFor(candidate, question, kind)
    const { decision, code } = await deciding.explain(ask, request)
    if (!decision) denied[code ?? 'INTERNAL'] = (denied[code ?? 'INTERNAL'] ?? 0) + 1
    else results.push(kind === 'action' ? { name: candidate } : entityOf(question, candidate))
    // Whoever is to be decided for comes in between.
    await setImmediate()
  }
  return { results, next, denied }
}

function entityOf({ target }: Question, id: string): object {
  return { type: target['type'], id }
}
