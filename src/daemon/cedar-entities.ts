/**
 * The static entities of a bundle, and which of them a request needs.
 *
 *   [{"uid": {"type": "principal", "id": "did:key:…"}, "attrs": {"name": "planner"}, "parents": [{"type": "team", "id": "a"}]}]
 *
 * Entities left out of a call make policies err, some of them forbids; so what
 * attributes refer to is followed as deep as any policy can look (FACTS 5.1).
 */
import type { Entity } from '../core/command.ts'
import { objectOf } from '../core/ipld.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { Malformed } from '../core/malformed.ts'
import { isList, isMap } from '../core/selector.ts'
import type { StaticEntity } from './cedar.ts'
import { referencesIn } from './cedar-schema.ts'

/** One text per entity; no type holds a space. */
export function keyOf({ type, id }: Entity): string {
  return `${type} ${id}`
}

/** @throws Malformed */
export function readEntities(json: Json): readonly StaticEntity[] {
  if (!isList(json)) throw new Malformed('the entities are a list')
  return json.map((each, i) => readEntity(each, `entity ${i + 1}`))
}

function readEntity(json: Json, at: string): StaticEntity {
  const { uid, attrs = objectOf([]), parents = [], tags, ...others } = mapAt(json, at)
  if (Object.keys(others).length > 0) throw new Malformed(`${at} has unknown fields`)
  if (!isList(parents)) throw new Malformed(`the parents of ${at} are a list`)
  return {
    uid: readUid(uid, at),
    attrs: mapAt(attrs, at),
    parents: parents.map((parent) => readUid(parent, at)),
    ...(tags === undefined ? {} : { tags: mapAt(tags, at) }),
  }
}

function readUid(json: Json | undefined, at: string): Entity {
  const outer = mapAt(json, at)
  const { type, id, ...others } = mapAt(outer['__entity'] ?? outer, at)
  if (typeof type !== 'string' || typeof id !== 'string' || Object.keys(others).length > 0) {
    throw new Malformed(`an id of ${at} is a type and an id`)
  }
  return { type, id }
}

function mapAt(json: Json | undefined, at: string): JsonObject {
  if (json === undefined || !isMap(json)) throw new Malformed(`${at} is not an entity`)
  return json
}

export class StaticEntities {
  readonly #byKey = new Map<string, StaticEntity>()
  readonly #byName = new Map<string, Entity>()

  /** @throws Malformed for two of one id, or of one name */
  constructor(entities: readonly StaticEntity[]) {
    for (const entity of entities) {
      const { type, id } = entity.uid
      if (this.#byKey.has(keyOf(entity.uid))) {
        throw new Malformed(`entity \`${type}::"${id}"\` is there twice`)
      }
      this.#byKey.set(keyOf(entity.uid), entity)
      const name = Object.hasOwn(entity.attrs, 'name') ? entity.attrs['name'] : null
      if (typeof name !== 'string') continue
      if (this.#byName.has(name)) throw new Malformed(`two entities are named \`${name}\``)
      this.#byName.set(name, entity.uid)
    }
  }

  get all(): readonly Entity[] {
    return [...this.#byKey.values()].map(({ uid }) => uid)
  }

  /** By its attribute `name`. */
  named(name: string): Entity | null {
    return this.#byName.get(name) ?? null
  }

  /** Itself and all it is in, by key. */
  groupsOf(entity: Entity): ReadonlySet<string> {
    const groups = new Set([keyOf(entity)])
    for (const key of groups) {
      for (const parent of this.#byKey.get(key)?.parents ?? []) groups.add(keyOf(parent))
    }
    return groups
  }

  /** Those that can matter when a policy follows at most depth references from the seeds. */
  near(seeds: readonly Entity[], depth: number): readonly StaticEntity[] {
    const near = new Set<string>()
    const followed = new Set<string>()
    let reached: readonly Entity[] = seeds
    for (let left = depth; reached.length > 0; left--) {
      const next: Entity[] = []
      for (const entity of reached) {
        if (followed.has(keyOf(entity))) continue
        followed.add(keyOf(entity))
        for (const key of this.groupsOf(entity)) near.add(key)
        const known = this.#byKey.get(keyOf(entity))
        if (left > 0 && known !== undefined) {
          referencesIn(known.attrs, next)
          referencesIn(known.tags ?? null, next)
        }
      }
      reached = next
    }
    return [...near].flatMap((key) => this.#byKey.get(key) ?? [])
  }
}
