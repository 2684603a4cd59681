/**
 * What a bundle's schema says of a request: whether it knows the action, what
 * the request's types are called in it, and which part of the context it reads.
 *
 * - The action is the nearest one declared, by segment and without regard to
 *   case, as in a grant: `tool:delete:all` is `tool:delete`, `tool`, or at last
 *   `"*"`. A bundle that declares none of them does not apply.
 * - A type that the schema does not declare is `Any`, if it declares that:
 *   `Any::"repo:acme/docs"`. Otherwise the request does not validate.
 * - Of `meshd` and `request` it gets what it declares; strict validation keeps
 *   policies from reading more, so this changes no answer. Arguments are given
 *   whole: one that the schema does not know is an error.
 */
import {
  commandOf,
  type Entity,
  formatEntity,
  parseAction,
  parseEntity,
  parseResource,
} from '../core/command.ts'
import { EXECUTABLE_FIELDS } from '../core/demands.ts'
import { objectOf } from '../core/ipld.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { Malformed } from '../core/malformed.ts'
import { isList, isMap } from '../core/selector.ts'
import type { SchemaJson, Type } from './cedar.ts'

/** The declared part of a value: fields of a record, or all of it. */
export type Shape = ReadonlyMap<string, Shape> | 'all'

export interface ActionModel {
  readonly id: string
  /** Itself and the groups it is in, directly or not. */
  readonly groups: ReadonlySet<string>
  /** What of {args, request, meshd} the action's context declares. */
  readonly context: ReadonlyMap<string, Shape>
}

export type Found<T> = { readonly found: T } | { readonly error: string }

const NOTHING: Shape = new Map()
const ANY = 'Any'
const EVERY = '*'
const CONTEXT = ['args', 'request', 'meshd']
/** Cedar would read them as an entity or a function call (FACTS 5.1). */
const RESERVED = ['__entity', '__extn', '__expr']

type Namespace = SchemaJson<string>[string]

export class SchemaModel {
  /** By command; a group that nothing is asked of is null. */
  readonly #actions = new Map<string, ActionModel | null>()
  readonly #types: ReadonlySet<string>
  readonly #folded: ReadonlySet<string>

  /** @throws Malformed for what Cedar takes and a request could never mean */
  constructor(json: SchemaJson<string>) {
    this.#types = new Set(
      Object.entries(json).flatMap(([namespace, { entityTypes }]) =>
        Object.keys(entityTypes).map((type) => qualified(namespace, type)),
      ),
    )
    this.#folded = new Set([...this.#types].map((type) => type.toLowerCase()))
    for (const [namespace, { actions }] of Object.entries(json)) {
      if (namespace !== '' && Object.keys(actions).length > 0) {
        throw new Malformed(`actions of namespace \`${namespace}\` can never be asked for`)
      }
    }
    const own = json['']
    if (own !== undefined) this.#declare(own, json)
  }

  #declare({ actions }: Namespace, json: SchemaJson<string>): void {
    for (const id of Object.keys(actions)) {
      const command = commandIn(id)
      if (this.#actions.has(command)) throw new Malformed(`two actions are spelled like \`${id}\``)
      const { appliesTo } = actions[id] ?? {}
      const asked = appliesTo?.principalTypes.length && appliesTo.resourceTypes.length
      this.#actions.set(
        command,
        asked
          ? { id, groups: groupsOf(id, actions), context: contextOf(id, appliesTo.context, json) }
          : null,
      )
    }
  }

  get actions(): readonly ActionModel[] {
    return [...this.#actions.values()].filter((each) => each !== null)
  }

  /** Whether an action's context declares what the caller runs: what is not declared cannot be read. */
  get readsExecutables(): boolean {
    return this.actions.some(({ context }) => {
      const meshd = context.get('meshd') ?? NOTHING
      const runtime = meshd === 'all' ? 'all' : (meshd.get('runtime') ?? NOTHING)
      return runtime === 'all' || EXECUTABLE_FIELDS.some((field) => runtime.has(field))
    })
  }

  /** null: the bundle has nothing to say about it. */
  actionOf(action: string): Found<ActionModel> | null {
    let group: string | null = null
    for (let command = commandOf(action); ; command = above(command)) {
      const declared = this.#actions.get(command)
      if (declared === null) group ??= command
      if (declared !== null && declared !== undefined) {
        // What forbids the group would not meet the wider action.
        if (group === null) return { found: declared }
        return { error: `action \`${action}\` is not declared, and belongs to a group that is` }
      }
      if (command === '/') return null
    }
  }

  /** The entity as this schema calls it. */
  entityOf(entity: Entity): Found<Entity> {
    if (this.#types.has(entity.type) && entity.type !== ANY) return { found: entity }
    // Spelled otherwise it would be another thing to every policy, and the same to whoever carries it out.
    const misspelled = entity.type !== ANY && this.#folded.has(entity.type.toLowerCase())
    if (!misspelled && this.#types.has(ANY)) {
      return { found: { type: ANY, id: formatEntity(entity) } }
    }
    return { error: `type \`${entity.type}\` is not declared` }
  }
}

/** What a request would call an entity of a bundle: the inverse of entityOf; null for one that none could name. */
export function askedAs(entity: Entity): Entity | null {
  try {
    const { type, id } = entity.type === ANY ? parseResource(entity.id) : entity
    return parseEntity(type, id, 'candidate')
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // A bundle may hold what nobody can ask for: it is no candidate.
    return null
  }
}

/** An action that a request could name: all that a schema declares but the one that stands for every other. */
export function askable({ id }: ActionModel): boolean {
  return id !== EVERY
}

function qualified(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}::${name}`
}

function above(command: string): string {
  return command.slice(0, command.lastIndexOf('/')) || '/'
}

function commandIn(id: string): string {
  if (id === EVERY) return '/'
  try {
    return commandOf(parseAction(id))
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // The same refusal, with the name it is about.
    throw new Malformed(`action \`${id}\` can never be asked for: ${error.message}`)
  }
}

function groupsOf(id: string, actions: Namespace['actions']): ReadonlySet<string> {
  const groups = new Set([id])
  for (const each of groups) {
    for (const parent of actions[each]?.memberOf ?? []) groups.add(parent.id)
  }
  return groups
}

function contextOf(
  id: string,
  context: Type<string> | undefined,
  json: SchemaJson<string>,
): ReadonlyMap<string, Shape> {
  const shape = context === undefined ? new Map<string, Shape>() : shapeOf(context, json)
  if (shape === 'all') throw new Malformed(`the context of \`${id}\` is no record`)
  for (const key of shape.keys()) {
    if (CONTEXT.includes(key)) continue
    throw new Malformed(`the context of \`${id}\` has \`${key}\`: it holds ${CONTEXT.join(', ')}`)
  }
  return new Map([...shape].map(([key, each]) => [key, key === 'args' ? 'all' : each]))
}

/** Common types stand under their name, which is qualified; Cedar has refused cycles. */
function shapeOf(type: Type<string>, json: SchemaJson<string>): Shape {
  if (type.type === 'Record' && 'attributes' in type) {
    const attributes = Object.entries(type.attributes)
    return new Map(attributes.map(([key, each]) => [key, shapeOf(each, json)]))
  }
  const [, namespace = '', name = ''] = /^(?:(.*)::)?([^:]+)$/.exec(type.type) ?? []
  const common = json[namespace]?.commonTypes ?? {}
  const named = Object.hasOwn(common, name) ? common[name] : undefined
  return named === undefined ? 'all' : shapeOf(named, json)
}

/** The declared part of a context. @throws Malformed for what Cedar would misread */
export function project(value: Json, shape: Shape): Json {
  if (shape === 'all') return checked(value)
  if (!isMap(value)) return checked(value)
  const kept: (readonly [string, Json])[] = []
  for (const [key, each] of shape) {
    if (Object.hasOwn(value, key)) kept.push([key, project(value[key] as Json, each)])
  }
  return objectOf(kept)
}

/** The entities that a value may refer to: Cedar takes {type, id} for one where the schema has one. */
export function referencesIn(value: Json, found: Entity[] = []): Entity[] {
  if (isList(value)) for (const each of value) referencesIn(each, found)
  if (!isMap(value)) return found
  const { type, id } = (value['__entity'] ?? value) as JsonObject
  if (typeof type === 'string' && typeof id === 'string') found.push({ type, id })
  for (const each of Object.values(value)) referencesIn(each, found)
  return found
}

function checked(value: Json): Json {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new Malformed('the context holds a number that Cedar does not have')
  }
  if (isList(value)) for (const each of value) checked(each)
  if (!isMap(value)) return value
  const reserved = RESERVED.find((key) => Object.hasOwn(value, key))
  if (reserved !== undefined) throw new Malformed(`the context holds \`${reserved}\``)
  for (const each of Object.values(value)) checked(each)
  return value
}
