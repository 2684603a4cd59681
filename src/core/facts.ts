/**
 * What the node itself measured about caller, host and governance: the
 * `.meshd` facts. What could not be measured is absent, and a predicate on it denies.
 *
 *   {action, resource: {type, id}, subject: {type, id}, args, meshd: {node, runtime, env, gov}}
 */
import type { Entity } from './command.ts'
import type { Asked } from './invocation.ts'
import { objectOf } from './ipld.ts'
import { formatJson, type Json, type JsonObject } from './json.ts'
import { type Did, isDid } from './keys.ts'
import { isMap } from './selector.ts'

/** Of the process that connected, as long as it is sure to be that one. */
export interface ProcessFacts {
  /** sha256 (hex) of the executable. */
  readonly exe: string | null
  /** Where the node itself finds that very file. */
  readonly path: string | null
  /** systemd's. */
  readonly unit: string | null
  /** 64 hex digits. */
  readonly container: string | null
  /** Clock ticks since the boot of the host. */
  readonly started: number | null
}

export const NO_PROCESS: ProcessFacts = {
  exe: null,
  path: null,
  unit: null,
  container: null,
  started: null,
}

/** What the kernel of this host says of itself, and which image runs here. */
export interface HostFacts {
  /** Its release. */
  readonly kernel: string | null
  /** Another id after each boot. */
  readonly boot: string | null
  readonly lockdown: string | null
  readonly secureBoot: boolean | null
  /** `sha256:` and hex, of the container that this daemon runs in; the operator's word. */
  readonly image: string | null
}

export const NO_HOST: HostFacts = {
  kernel: null,
  boot: null,
  lockdown: null,
  secureBoot: null,
  image: null,
}

export interface EnvironmentFacts {
  readonly labels: ReadonlyMap<string, string>
  /** Name → sha256 (hex) of a measured file. */
  readonly files: ReadonlyMap<string, string>
  readonly host: HostFacts
  /** Collector → what it said, of those that are fresh. */
  readonly collected: ReadonlyMap<string, ReadonlyMap<string, string | number | boolean>>
}

export interface Facts {
  readonly node: {
    readonly id: Did
    readonly name: string | null
    readonly labels: ReadonlyMap<string, string>
  }
  /** From the kernel, never from the caller. */
  readonly runtime: ProcessFacts & {
    /** Attestation → its predicate type, of those that have the executable among their subjects. */
    readonly attested: ReadonlyMap<string, string>
    readonly uid: number | null
    readonly gid: number | null
    readonly pid: number | null
    /** Path of the socket that the caller came by. */
    readonly socket: string | null
  }
  readonly env: EnvironmentFacts
  readonly gov: {
    readonly mesh: string | null
    readonly root: number | null
    readonly digest: string
    /** Bundle → version in force. A bundle in conflict is absent. */
    readonly bundles: ReadonlyMap<string, number>
  }
}

/** What was made of facts; they are immutable. */
const made = new WeakMap<Facts, JsonObject>()

/** The `.meshd` object, without what is null. The same for the same facts. */
export function meshdOf(facts: Facts): JsonObject {
  const known = made.get(facts)
  if (known !== undefined) return known
  const meshd = makeMeshd(facts)
  made.set(facts, meshd)
  return meshd
}

function makeMeshd(facts: Facts): JsonObject {
  const { node, runtime, env, gov } = facts
  return objectOf([
    ['node', present({ ...node, labels: objectOf(node.labels) })],
    ['runtime', present({ ...runtime, attested: someOf(runtime.attested) })],
    ['env', environmentOf(env)],
    ['gov', present({ ...gov, bundles: objectOf(gov.bundles) })],
  ])
}

function environmentOf({ labels, files, host, collected }: EnvironmentFacts): JsonObject {
  const seen = present({ ...host })
  const said = new Map([...collected].map(([name, values]) => [name, objectOf(values)]))
  return present({
    labels: objectOf(labels),
    files: objectOf(files),
    host: Object.keys(seen).length === 0 ? null : seen,
    collected: someOf(said),
  })
}

/** null for an empty one, which is left out. */
function someOf(map: ReadonlyMap<string, Json>): JsonObject | null {
  return map.size === 0 ? null : objectOf(map)
}

/** For whom it is asked: who names no subject asks for itself (INTERFACE 6). */
export function whomOf(asked: Asked, invoker: Did): Entity {
  return asked.subject ?? { type: 'principal', id: invoker }
}

/** The one object that every predicate of every link must hold on; meshd is of meshdOf. */
export function viewOf(asked: Asked, invoker: Did, meshd: JsonObject): JsonObject {
  const { action, resource, args } = asked
  const whom = whomOf(asked, invoker)
  return objectOf([
    ['action', action],
    ['resource', { type: resource.type, id: resource.id }],
    ['subject', { type: whom.type, id: whom.id }],
    ['args', args],
    ['meshd', meshd],
  ])
}

/** The facts that such an object was made of; null for one that meshdOf does not make. */
export function factsOf(meshd: Json): Facts | null {
  if (!isMap(meshd)) return null
  const at = (key: string) => (isMap(meshd[key] ?? null) ? (meshd[key] as JsonObject) : null)
  const [node, runtime, env, gov] = [at('node'), at('runtime'), at('env'), at('gov')]
  if (node === null || runtime === null || env === null || gov === null) return null
  const { id } = node
  if (typeof id !== 'string' || !isDid(id) || typeof gov['digest'] !== 'string') return null
  const facts: Facts = {
    node: { id, name: textAt(node, 'name'), labels: mapAt(node, 'labels', isText) },
    runtime: {
      uid: numberAt(runtime, 'uid'),
      gid: numberAt(runtime, 'gid'),
      pid: numberAt(runtime, 'pid'),
      socket: textAt(runtime, 'socket'),
      exe: textAt(runtime, 'exe'),
      path: textAt(runtime, 'path'),
      unit: textAt(runtime, 'unit'),
      container: textAt(runtime, 'container'),
      started: numberAt(runtime, 'started'),
      attested: mapAt(runtime, 'attested', isText),
    },
    env: readEnvironment(env),
    gov: {
      mesh: textAt(gov, 'mesh'),
      root: numberAt(gov, 'root'),
      digest: gov['digest'],
      bundles: mapAt(gov, 'bundles', isNumber),
    },
  }
  return formatJson(meshdOf(facts)) === formatJson(meshd) ? facts : null
}

function readEnvironment(env: JsonObject): EnvironmentFacts {
  const host = isMap(env['host'] ?? null) ? (env['host'] as JsonObject) : objectOf([])
  const { secureBoot } = host
  const said = mapAt(env, 'collected', isMap)
  return {
    labels: mapAt(env, 'labels', isText),
    files: mapAt(env, 'files', isText),
    host: {
      kernel: textAt(host, 'kernel'),
      boot: textAt(host, 'boot'),
      lockdown: textAt(host, 'lockdown'),
      secureBoot: typeof secureBoot === 'boolean' ? secureBoot : null,
      image: textAt(host, 'image'),
    },
    collected: new Map([...said.keys()].map((name) => [name, mapAt(objectOf(said), name, isSaid)])),
  }
}

function isSaid(value: Json): value is string | number | boolean {
  return isText(value) || isNumber(value) || typeof value === 'boolean'
}

function textAt(from: JsonObject, key: string): string | null {
  const value = from[key]
  return typeof value === 'string' ? value : null
}

function numberAt(from: JsonObject, key: string): number | null {
  const value = from[key]
  return typeof value === 'number' ? value : null
}

function isNumber(value: Json): value is number {
  return typeof value === 'number'
}

function isText(value: Json): value is string {
  return typeof value === 'string'
}

function mapAt<T extends Json>(
  from: JsonObject,
  key: string,
  is: (value: Json) => value is T,
): ReadonlyMap<string, T> {
  const value = from[key] ?? null
  const entries = isMap(value) ? Object.entries(value) : []
  return new Map(entries.flatMap(([name, each]) => (is(each) ? [[name, each]] : [])))
}

function present(fields: { readonly [key: string]: Json }): JsonObject {
  return objectOf(Object.entries(fields).filter(([, value]) => value !== null))
}
