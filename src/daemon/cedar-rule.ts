/**
 * One policy, read once: its id and annotations, and the head by which it can
 * be left out of a call that it cannot match.
 *
 *   @id("ci-may-deploy")        required, unique in its bundle; it names the policy in records
 *   @staleness("15s")           on a permit: the lease must be as fresh as that
 *   @require("witnessed")       on a permit: its record must be witnessed first
 *   @hint("ask the release team")   shown when it denies, or permits nothing
 */
import type { Entity } from '../core/command.ts'
import type { Json } from '../core/json.ts'
import {
  MESSAGE_BYTES_MAX,
  NAME_BYTES_MAX,
  STALENESS_MS_MAX,
  STALENESS_MS_MIN,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { PolicyJson } from './cedar.ts'
import { keyOf } from './cedar-entities.ts'
import { referencesIn } from './cedar-schema.ts'

export interface Rule {
  readonly id: string
  readonly text: string
  readonly effect: 'permit' | 'forbid'
  readonly stalenessMs: number | null
  readonly witnessed: boolean
  readonly hint: string | null
  /** Keys of which one must be among the groups of what is asked; null for any. */
  readonly principal: string | null
  readonly resource: string | null
  readonly actions: readonly string[] | null
  /** Entities that its text names. */
  readonly literals: readonly Entity[]
  /** References it can follow, one after the other. */
  readonly depth: number
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const ANNOTATIONS = ['id', 'staleness', 'require', 'hint']
const ACCESS = ['.', 'has', 'getTag', 'hasTag']

/** @throws Malformed for a missing or wrong annotation: one that is misspelled must not loosen */
export function ruleOf(text: string, json: PolicyJson): Rule {
  const annotations = new Map(Object.entries(json.annotations ?? {}))
  const id = annotations.get('id')
  if (typeof id !== 'string' || !/^[a-z0-9][a-z0-9._:/-]*$/i.test(id)) {
    throw new Malformed('a policy has no @id("…") of letters, digits and `._:/-`')
  }
  if (id.length > NAME_BYTES_MAX) throw new Malformed(`the id \`${id}\` is too long`)
  for (const name of annotations.keys()) {
    if (ANNOTATIONS.includes(name)) continue
    throw new Malformed(`\`${id}\` has an unknown annotation @${name}`)
  }
  return {
    id,
    text,
    effect: json.effect,
    ...annotated(id, json.effect, annotations),
    principal: headOf(json.principal),
    resource: headOf(json.resource),
    actions: actionsOf(json.action),
    literals: json.conditions.flatMap(({ body }) => referencesIn(body as Json)),
    depth: Math.max(0, ...json.conditions.map(({ body }) => depthOf(body))),
  }
}

type Annotations = ReadonlyMap<string, string | null>

function annotated(id: string, effect: string, annotations: Annotations) {
  const staleness = annotations.get('staleness')
  const require = annotations.get('require')
  const hint = annotations.get('hint')
  if (effect === 'forbid' && (staleness !== undefined || require !== undefined)) {
    throw new Malformed(`\`${id}\` forbids: @staleness and @require belong to a permit`)
  }
  if (require !== undefined && require !== 'witnessed') {
    throw new Malformed(`@require of \`${id}\` is not "witnessed"`)
  }
  if (hint !== undefined && (hint === null || Buffer.byteLength(hint) > MESSAGE_BYTES_MAX)) {
    throw new Malformed(`@hint of \`${id}\` is empty or too long`)
  }
  return {
    stalenessMs: staleness === undefined ? null : stalenessOf(staleness, id),
    witnessed: require !== undefined,
    hint: hint ?? null,
  }
}

function stalenessOf(text: string | null, id: string): number {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,9})(ms|s|m|h)$/.exec(text ?? '') ?? []
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
  if (ms >= STALENESS_MS_MIN && ms <= STALENESS_MS_MAX) return ms
  throw new Malformed(`@staleness of \`${id}\` is a time like "15s", of at least a second`)
}

function headOf(scope: PolicyJson['principal']): string | null {
  if (scope.op === '==') return 'entity' in scope ? uidKey(scope.entity) : null
  if (scope.op === 'in') return 'entity' in scope ? uidKey(scope.entity) : null
  if (scope.op === 'is' && scope.in !== undefined && 'entity' in scope.in) {
    return uidKey(scope.in.entity)
  }
  return null
}

function uidKey(uid: Entity | { readonly __entity: Entity }): string {
  return keyOf('__entity' in uid ? uid.__entity : uid)
}

function actionsOf(scope: PolicyJson['action']): readonly string[] | null {
  if (scope.op === 'All') return null
  const uids = 'entities' in scope ? scope.entities : 'entity' in scope ? [scope.entity] : null
  return uids?.map((uid) => ('__entity' in uid ? uid.__entity.id : uid.id)) ?? null
}

/** The most accesses that lie inside one another: no longer chain of references can be followed. */
function depthOf(expr: unknown): number {
  if (typeof expr !== 'object' || expr === null) return 0
  let deepest = 0
  for (const [op, inner] of Object.entries(expr)) {
    deepest = Math.max(deepest, depthOf(inner) + (ACCESS.includes(op) ? 1 : 0))
  }
  return deepest
}
