/**
 * A stop that can be lifted, with a version for each scope (design 2).
 *
 *   {"frozen":true,"issued":"…","mesh":"sha256:…","root":3,"scope":{"kind":"mesh"},"version":1}
 *
 * A scope is `{"kind":"mesh"}`, `{"did":"did:key:z6Mk…","kind":"node"}` (or
 * `principal`), `{"kind":"action","pattern":"tool:read"}` (or `resource`).
 * What a check could not match is refused here, where it is signed: a freeze
 * that matched nothing would be believed to stop something.
 */
import { parseAction, parseResource } from '../command.ts'
import type { StatementId } from '../id.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Did } from '../keys.ts'
import { ACTION_BYTES_MAX, RESOURCE_BYTES_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import { did, flag, literal, object, type Reader, text } from '../shape.ts'
import { type Common, common, commonJson, commonOf, version } from './common.ts'

export type Scope =
  | { readonly kind: 'mesh' }
  | { readonly kind: 'node' | 'principal'; readonly did: Did }
  | { readonly kind: 'action' | 'resource'; readonly pattern: string }

export interface Freeze extends Common {
  readonly type: 'freeze'
  readonly scope: Scope
  readonly version: number
  readonly frozen: boolean
}

/** `mesh`, `node:did:key:…`, `action:tool`: one text for each scope. */
export function scopeKey(scope: Scope): string {
  if (scope.kind === 'mesh') return 'mesh'
  return `${scope.kind}:${'did' in scope ? scope.did : scope.pattern}`
}

/** `*`, or an action: it covers what a grant of it would. */
const action: Reader<string> = (value, at) => {
  const pattern = text(ACTION_BYTES_MAX)(value, at)
  return pattern === '*' ? pattern : parseAction(pattern)
}

/** `type:id`, with `*` in the id. */
const resource: Reader<string> = (value, at) => {
  const pattern = text(RESOURCE_BYTES_MAX)(value, at)
  parseResource(pattern)
  return pattern
}

const SCOPES: Readonly<Record<Scope['kind'], Reader<Scope>>> = {
  mesh: object({ kind: literal('mesh') }),
  node: object({ kind: literal('node'), did }),
  principal: object({ kind: literal('principal'), did }),
  action: object({ kind: literal('action'), pattern: action }),
  resource: object({ kind: literal('resource'), pattern: resource }),
}

const scope: Reader<Scope> = (value, at) => {
  for (const [kind, reader] of Object.entries(SCOPES)) {
    if (kindAt(value) === kind) return reader(value, at)
  }
  throw new Malformed(`${at}: is no scope`)
}

/** Which of several shapes an object claims to have. */
export function kindAt(value: Json | undefined): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return (value as JsonObject)['kind']
}

const fields = object({ ...common, scope, version, frozen: flag })

/** @throws Malformed */
export function readFreeze(id: StatementId, json: Json): Freeze {
  const read = fields(json, 'freeze')
  const { scope, version, frozen } = read
  return { type: 'freeze', ...commonOf(id, read), scope, version, frozen }
}

export function freezeJson(draft: Omit<Freeze, 'id'>): JsonObject {
  const { scope, version, frozen } = draft
  return { ...commonJson(draft), scope, version, frozen }
}
