/**
 * One bundle's word on one request. A call to Cedar costs what is passed to it,
 * so it gets only the policies and entities that can matter (FACTS 5.2); that
 * this never changes an answer is a test.
 */
import { assert } from '../core/assert.ts'
import type { Entity } from '../core/command.ts'
import { objectOf } from '../core/ipld.ts'
import type { Json, JsonObject } from '../core/json.ts'
import {
  ANSWER_REMEMBERED_CHARACTERS_MAX,
  ANSWERS_REMEMBERED_MAX,
  ROUTES_REMEMBERED_MAX,
  SCHEMAS_PARSED_MAX,
  SLICES_PARSED_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { Memo } from '../core/memo.ts'
import type { PolicyInput } from '../core/policy.ts'
import { authorize, preparsePolicies, preparseSchema, type StaticEntity } from './cedar.ts'
import type { Compiled } from './cedar-compile.ts'
import { keyOf } from './cedar-entities.ts'
import { type Held, Ring } from './cedar-ring.ts'
import type { Rule } from './cedar-rule.ts'
import { type ActionModel, project, referencesIn } from './cedar-schema.ts'

export type BundleAnswer =
  /** Its schema does not know the action: it neither permits nor forbids. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'permit' | 'forbid'; readonly rules: readonly Rule[] }
  /** Nothing permits. The hint of a permit that might have. */
  | { readonly kind: 'none'; readonly hint: string | null }
  | { readonly kind: 'error'; readonly errors: readonly string[] }

/** Names are of the process, like the library's memory. */
const SLICES = new Ring('slice', SLICES_PARSED_MAX)
const SCHEMAS = new Ring('schema', SCHEMAS_PARSED_MAX)
const SILENT: BundleAnswer = { kind: 'silent' }

interface Slice extends Held {
  readonly rules: ReadonlyMap<string, Rule>
}

/** All that follows from who asks for what of which, without the context. */
interface Route {
  readonly principal: Entity
  readonly action: ActionModel
  readonly resource: Entity
  readonly slice: Slice
  readonly depth: number
  readonly entities: readonly StaticEntity[]
}

/** What is remembered for all bundles of one engine, so that its bound holds for all of them together. */
export class Memory {
  readonly routes = new Memo<string, Route | BundleAnswer>(ROUTES_REMEMBERED_MAX)
  readonly answers = new Memo<string, BundleAnswer>(ANSWERS_REMEMBERED_MAX)
}

export class Bundle {
  /** Names this very text of the bundle in the memory. */
  readonly #key: string
  readonly #memory: Memory
  readonly #compiled: Compiled
  readonly #schema: Held
  /** Every rule is in one list, under the most selective part of its head. */
  readonly #rules = new Map<string, Rule[]>()
  readonly #slices = new Memo<string, Slice>(SLICES_PARSED_MAX)

  /** @param key no other bundle with this memory has it */
  constructor(compiled: Compiled, key: string, memory: Memory) {
    this.#compiled = compiled
    this.#key = key
    this.#memory = memory
    this.#schema = held((name) => preparseSchema(name, compiled.schemaText))
    for (const rule of compiled.rules) {
      const key = bucketOf(rule)
      this.#rules.set(key, [...(this.#rules.get(key) ?? []), rule])
    }
  }

  get name(): string {
    return this.#compiled.bundle
  }

  get version(): number {
    return this.#compiled.version
  }

  answer({ principal, action, resource, context }: PolicyInput): BundleAnswer {
    const { type, id } = principal
    const from = JSON.stringify([this.#key, type, id, action, resource.type, resource.id])
    let route = this.#memory.routes.get(from)
    if (route === undefined) {
      route = this.#route(principal, action, resource)
      this.#memory.routes.set(from, route)
    }
    if ('kind' in route) return route
    try {
      return this.#remembered(from, route, contextFor(route.action, context))
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      // What Cedar would misread denies, like everything that it refuses.
      return failure(error.message)
    }
  }

  #remembered(from: string, route: Route, context: JsonObject): BundleAnswer {
    const input = `${from}${JSON.stringify(context)}`
    if (input.length > ANSWER_REMEMBERED_CHARACTERS_MAX) return this.#ask(route, context)
    const known = this.#memory.answers.get(input)
    if (known !== undefined) return known
    const answer = this.#ask(route, context)
    this.#memory.answers.set(input, answer)
    return answer
  }

  #route(principal: Entity, action: string, resource: Entity): Route | BundleAnswer {
    const { schema, entities } = this.#compiled
    const model = schema.actionOf(action)
    if (model === null) return SILENT
    if ('error' in model) return failure(model.error)
    const [who, what] = [schema.entityOf(principal), schema.entityOf(resource)]
    if ('error' in who) return failure(`principal: ${who.error}`)
    if ('error' in what) return failure(`resource: ${what.error}`)
    const slice = this.#slice(who.found, model.found, what.found)
    const rules = [...slice.rules.values()]
    const depth = Math.max(0, ...rules.map((rule) => rule.depth))
    const seeds = [who.found, what.found, ...rules.flatMap((rule) => rule.literals)]
    return {
      principal: who.found,
      action: model.found,
      resource: what.found,
      slice,
      depth,
      entities: entities.near(seeds, depth),
    }
  }

  #slice(principal: Entity, action: ActionModel, resource: Entity): Slice {
    const who = this.#compiled.entities.groupsOf(principal)
    const what = this.#compiled.entities.groupsOf(resource)
    const buckets = [
      ...[...who].map((key) => `principal ${key}`),
      ...[...what].map((key) => `resource ${key}`),
      ...[...action.groups].map((id) => `action ${id}`),
      '',
    ]
    const rules = buckets
      .flatMap((bucket) => this.#rules.get(bucket) ?? [])
      .filter((rule) => matches(rule, who, action, what))
    const ids = rules.map(({ id }) => id).sort()
    const key = ids.join(' ')
    const slice = this.#slices.get(key) ?? sliceOf(rules)
    this.#slices.set(key, slice)
    return slice
  }

  #ask(route: Route, context: JsonObject): BundleAnswer {
    const { principal, action, resource, slice } = route
    const answer = authorize({
      principal,
      action: { type: 'Action', id: action.id },
      resource,
      context,
      entities: this.#entities(route, context),
      schema: SCHEMAS.nameOf(this.#schema),
      policies: SLICES.nameOf(slice),
    })
    if (answer.kind === 'failure') return failure(answer.says)
    const rules = answer.reasons
      .map((id) => slice.rules.get(id))
      .filter((rule) => rule !== undefined)
    assert(rules.length === answer.reasons.length, 'Cedar names policies that it was given')
    if (answer.decision === 'deny' && rules.length > 0) return { kind: 'forbid', rules }
    // Cedar skips a policy that errs; were it a forbid, what it says now would be too much (FACTS 5.1).
    if (answer.errors.length > 0) return { kind: 'error', errors: answer.errors }
    if (answer.decision === 'allow' && rules.length > 0) return { kind: 'permit', rules }
    return { kind: 'none', hint: hintOf([...slice.rules.values()]) }
  }

  /** What the context refers to is known only now. */
  #entities(route: Route, context: JsonObject): readonly StaticEntity[] {
    const referred = referencesIn(context)
    if (referred.length === 0) return route.entities
    const near = this.#compiled.entities.near(referred, route.depth)
    const known = new Set(route.entities.map(({ uid }) => keyOf(uid)))
    return [...route.entities, ...near.filter(({ uid }) => !known.has(keyOf(uid)))]
  }
}

function contextFor(action: ActionModel, context: JsonObject): JsonObject {
  const kept: (readonly [string, Json])[] = []
  for (const [key, shape] of action.context) {
    const value = context[key]
    if (value !== undefined) kept.push([key, project(value, shape)])
  }
  return objectOf(kept)
}

function bucketOf(rule: Rule): string {
  if (rule.principal !== null) return `principal ${rule.principal}`
  if (rule.resource !== null) return `resource ${rule.resource}`
  return rule.actions?.length === 1 ? `action ${rule.actions[0]}` : ''
}

function matches(
  rule: Rule,
  who: ReadonlySet<string>,
  action: ActionModel,
  what: ReadonlySet<string>,
): boolean {
  if (rule.principal !== null && !who.has(rule.principal)) return false
  if (rule.resource !== null && !what.has(rule.resource)) return false
  return rule.actions === null || rule.actions.some((id) => action.groups.has(id))
}

function sliceOf(rules: readonly Rule[]): Slice {
  const texts = new Map(rules.map(({ id, text }) => [id, text]))
  return {
    rules: new Map(rules.map((rule) => [rule.id, rule])),
    ...held((name) => preparsePolicies(name, texts)),
  }
}

function held(prepare: (name: string) => readonly unknown[]): Held {
  return {
    prepare: (name) => assert(prepare(name).length === 0, 'what compiled once parses again'),
  }
}

function hintOf(rules: readonly Rule[]): string | null {
  return rules.find(({ effect, hint }) => effect === 'permit' && hint !== null)?.hint ?? null
}

function failure(says: string): BundleAnswer {
  return { kind: 'error', errors: [says] }
}
