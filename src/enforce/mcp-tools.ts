/**
 * A list of tools, as this caller may see it: those whose call would be
 * allowed, as far as that can be said without its arguments. It is a courtesy
 * to the model, never a permission: every call is decided.
 */
import type { Json, JsonObject } from '../core/json.ts'
import {
  MCP_TOOLS_ASKED_AT_ONCE,
  MCP_TOOLS_MS_MAX,
  RESOURCE_BYTES_MAX,
  TOOLS_CHANGED_MAX,
} from '../core/limits.ts'
import { bodyOf } from './mcp-ask.ts'
import type { GuardPorts } from './mcp-guard.ts'
import { isObject } from './mcp-message.ts'
import type { SeenTools } from './mcp-seen.ts'

/** As a model is told of it: a name, a description, a schema of its arguments, and more. */
export type Tool = JsonObject & { readonly name: string }

export interface ToolPorts extends Pick<GuardPorts, 'api' | 'asking' | 'more' | 'say' | 'refuses'> {
  readonly seen: SeenTools
}

export class ToolList {
  readonly #ports: ToolPorts

  constructor(ports: ToolPorts) {
    this.#ports = ports
  }

  /** The result of tools/list with fewer tools. Never rejects: what cannot be asked is not shown. */
  async shown(result: JsonObject): Promise<JsonObject> {
    const tools = toolsIn(result['tools'])
    const signal = AbortSignal.timeout(MCP_TOOLS_MS_MAX)
    await this.#look(tools, signal)
    const may = new Set<Tool>()
    const unasked = new Set<string>()
    const waiting = tools.values()
    const ask = async () => {
      // One iterator for all of them: each takes the next one.
      for (const tool of waiting) {
        try {
          if (await this.#may(tool, signal)) may.add(tool)
        } catch (error) {
          // It is not shown, and whoever runs this is told why.
          unasked.add(error instanceof Error ? error.message : String(error))
        }
      }
    }
    await Promise.all(Array.from({ length: MCP_TOOLS_ASKED_AT_ONCE }, ask))
    for (const why of unasked) this.#ports.say(`tools are not shown: ${why}`)
    return { ...result, tools: tools.filter((tool) => may.has(tool)) }
  }

  /** Tells of what is not as it was; what could not be told of is told of the next time. */
  async #look(tools: readonly Tool[], signal: AbortSignal): Promise<void> {
    const { api, seen, say } = this.#ports
    const changes = seen.look(tools)
    try {
      seen.keep(changes.filter((change) => seen.begins(change)))
      const told = changes.filter((change) => !seen.begins(change)).slice(0, TOOLS_CHANGED_MAX)
      if (told.length === 0) return
      for (const { tool, before, after } of told)
        say(`CHANGED ${tool}: ${before === null ? 'new' : `sha256 ${before}`} -> ${after}`)
      await api.changed(told, signal)
      seen.keep(told)
    } catch (error) {
      // It denies nothing and allows nothing: --pin goes by what is seen now.
      say(`what changed is not recorded: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  async #may({ name }: Tool, signal: AbortSignal): Promise<boolean> {
    const { api, asking, more, refuses } = this.#ports
    if (refuses(name) !== null) return false
    const body = bodyOf(asking.aboutTool(name), more)
    if (body === null) return false
    signal.throwIfAborted()
    const { decision } = await api.explain(body, signal)
    return decision === true
  }
}

/** What has no name, or one that is too long, cannot be called; of two with one name the first is meant. */
function toolsIn(value: Json | undefined): readonly Tool[] {
  const found = new Map<string, Tool>()
  const tools: readonly Json[] = Array.isArray(value) ? value : []
  for (const tool of tools)
    if (isTool(tool) && tool.name.length <= RESOURCE_BYTES_MAX && !found.has(tool.name))
      found.set(tool.name, tool)
  return [...found.values()]
}

function isTool(value: Json): value is Tool {
  return isObject(value) && typeof value['name'] === 'string'
}
