/**
 * The AuthZEN 1.0 certification scenario as it is published, each request with
 * what it expects: levels Basic, Batch and Search. Whoever can post runs it:
 * over the routes, over a socket, over HTTPS.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'

const FILE = '../shared/vectors/authzen/certification/scenario-json-blocks.json'
/** For node:test: why nothing is run, where the scenario is not on this machine. */
export const skip = existsSync(FILE) ? false : `no ${FILE} on this machine`

export type Level = 'Basic' | 'Batch' | 'Search'

export interface Case {
  readonly id: string
  readonly label: string
  readonly level: Level
  readonly path: string
  readonly request: object
  readonly status: 200 | 400
  /** What follows the request under its id, if it says anything. */
  readonly expected: object | null
}

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: what a client parses has no type yet
  readonly body: any
}
export type Post = (path: string, body: object) => Promise<Answered>

interface Block {
  readonly id: string
  readonly section: string
  readonly label: string
  readonly json: { readonly [member: string]: object | undefined }
}

/** None where the scenario is not there. */
export function cases(): readonly Case[] {
  if (skip !== false) return []
  const blocks: readonly Block[] = JSON.parse(readFileSync(FILE, 'utf8'))
  return blocks.flatMap((block, i) => {
    if (!/Request|Search \(/.test(block.label)) return []
    const next = blocks[i + 1]
    const said = next?.id === block.id && /Expected/.test(next.label)
    const { id, label, json } = block
    const status = /^c-2-4|^c-4-7/.test(id) ? 400 : 200
    return {
      id,
      label,
      ...placeOf(block),
      request: json,
      status,
      expected: said ? next.json : null,
    }
  })
}

function placeOf(block: Block): Pick<Case, 'level' | 'path'> {
  if (block.id.startsWith('c-2')) return { level: 'Basic', path: '/access/v1/evaluation' }
  if (block.id.startsWith('c-3')) return { level: 'Batch', path: '/access/v1/evaluations' }
  return { level: 'Search', path: `/access/v1/search/${searched(block)}` }
}

/** The label names it where a section has all three; else the section does; else what the request leaves out. */
function searched({ section, label, json }: Block): string {
  const named = (text: string) => /(Subject|Resource|Action) Search/i.exec(text)?.[1]?.toLowerCase()
  const missing =
    json['action'] === undefined
      ? 'action'
      : Object.hasOwn(json['resource'] ?? {}, 'id')
        ? 'subject'
        : 'resource'
  return named(label) ?? named(section.replace('Search Certification', '')) ?? missing
}

/** Runs one; it throws for what is not as the scenario has it. */
export async function run({ path, request, status, expected }: Case, post: Post): Promise<void> {
  const asked = await withToken(request, path, post)
  const answer = await post(path, asked)
  const { body } = answer
  assert.equal(answer.status, status, JSON.stringify(body))
  if (status !== 200) return
  if (expected !== null) assert.ok(contains(body, expected), JSON.stringify(body))
  const again = await post(path, asked)
  if (body.results === undefined) {
    for (const each of body.evaluations ?? [body]) assert.equal(typeof each.decision, 'boolean')
    assert.equal(again.body.decision, body.decision, 'the same request, the same decision')
  } else {
    assert.ok(Array.isArray(body.results))
    assert.equal(typeof body.page.next_token, 'string')
    assert.deepEqual(again.body.results, body.results)
  }
}

/** The scenario says `<next_token from previous response>`: it is fetched. */
async function withToken(request: object, path: string, post: Post): Promise<object> {
  if (!JSON.stringify(request).includes('<next_token')) return request
  const { body } = await post(path, { ...request, page: { limit: 1 } })
  assert.notEqual(body.page.next_token, '', 'there is a second page')
  return { ...request, page: { token: body.page.next_token } }
}

/** Whether all that was expected is there. Of results there may be more; of evaluations not, and they have their order. */
export function contains(got: unknown, want: unknown, member = ''): boolean {
  if (Array.isArray(want)) {
    if (!Array.isArray(got)) return false
    if (member === 'results') return want.every((w) => got.some((g) => contains(g, w)))
    return want.length === got.length && want.every((w, i) => contains(got[i], w))
  }
  if (typeof want !== 'object' || want === null) return got === want
  if (typeof got !== 'object' || got === null) return false
  return Object.entries(want).every(([key, value]) => contains(Reflect.get(got, key), value, key))
}
