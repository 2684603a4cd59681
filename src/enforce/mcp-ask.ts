/**
 * What is asked of the daemon for a request of MCP: the default mapping of
 * AuthZEN's COAZ-MCP draft (INTERFACE 8).
 *
 *     tools/call {"name":"read_file","arguments":{"path":"a"}}
 *     →  action tools/call {"path":"a"}, resource tool:read_file
 *
 * A server that was given a name has it in its resources: tool:files/read_file.
 */
import type { Json, JsonObject } from '../core/json.ts'
import { REQUEST_BYTES_MAX } from '../core/limits.ts'
import { printLossless } from '../core/lossless.ts'
import { Malformed } from '../core/malformed.ts'
import { isObject, type Request } from './mcp-message.ts'

export const CALL = 'tools/call'
export const LIST = 'tools/list'

/** The part of an AuthZEN body that a request of MCP says. */
export interface Asked {
  /** As the server has it. */
  readonly name: string
  readonly action: { readonly name: string; readonly properties: JsonObject }
  readonly resource: { readonly type: string; readonly id: string }
}

/** Where a method names what it is about, and what with. */
interface Mapping {
  readonly type: string
  readonly named: string
  readonly args: string | null
}

const CALLS: Readonly<Record<string, Mapping>> = {
  [CALL]: { type: 'tool', named: 'name', args: 'arguments' },
}
const STRICT: Readonly<Record<string, Mapping>> = {
  ...CALLS,
  'resources/read': { type: 'resource', named: 'uri', args: null },
  'prompts/get': { type: 'prompt', named: 'name', args: 'arguments' },
}
/** What --strict lets pass undecided: it tells what there is, and does nothing. */
const PASSES = new Set([
  ...['initialize', 'ping', 'server/discover', LIST, 'prompts/list', 'resources/list'],
  ...['resources/templates/list', 'logging/setLevel', 'notifications/initialized'],
  ...['notifications/cancelled', 'notifications/progress', 'notifications/roots/list_changed'],
])

export class Asking {
  readonly #server: string | null
  readonly #decided: Readonly<Record<string, Mapping>>
  readonly #strict: boolean

  /** @param server its name; null for none */
  constructor(server: string | null, strict: boolean) {
    this.#server = server
    this.#strict = strict
    this.#decided = strict ? STRICT : CALLS
  }

  /** Whether a method is decided, passed on as it is, or refused. */
  of(method: string): 'decided' | 'passes' | 'refused' {
    if (Object.hasOwn(this.#decided, method)) return 'decided'
    return !this.#strict || PASSES.has(method) ? 'passes' : 'refused'
  }

  /** @throws Malformed for a request that no server could carry out, or that none may */
  about({ method, params }: Request): Asked {
    const mapping = this.#decided[method]
    if (mapping === undefined) throw new Malformed(`\`${method}\` is not decided`)
    const name = params?.[mapping.named]
    if (typeof name !== 'string') throw new Malformed(`${method} has a text \`${mapping.named}\``)
    // Its answer would be a ticket: the work itself would go on after it, watched by nobody.
    if (params?.['task'] !== undefined) throw new Malformed('calls as tasks are not passed on')
    return this.#asked(method, mapping, name, argsOf(params ?? {}, mapping))
  }

  /** Whether a tool may be called, as far as that can be said without its arguments. */
  aboutTool(name: string): Asked {
    return this.#asked(CALL, CALLS[CALL] as Mapping, name, {})
  }

  #asked(method: string, { type }: Mapping, name: string, properties: JsonObject): Asked {
    const id = this.#server === null ? name : `${this.#server}/${name}`
    return { name, action: { name: method, properties }, resource: { type, id } }
  }
}

function argsOf(params: JsonObject, { args }: Mapping): JsonObject {
  const given: Json | undefined = args === null ? undefined : params[args]
  if (given === undefined) return {}
  if (!isObject(given)) throw new Malformed(`\`${args}\` is an object`)
  return given
}

/** The body, as the daemon reads it. null when it is larger than any that is decided. @param more of the caller: a subject, a receipt */
export function bodyOf(asked: Asked, more: JsonObject): string | null {
  const { action, resource } = asked
  const body = printLossless({ ...more, action: { ...action }, resource: { ...resource } })
  return Buffer.byteLength(body) > REQUEST_BYTES_MAX ? null : body
}
