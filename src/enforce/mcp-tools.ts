/**
 * A list of tools, as this caller may see it: those whose call would be
 * allowed, as far as that can be said without its arguments. It is a courtesy
 * to the model, never a permission: every call is decided.
 */
import type { Json, JsonObject } from '../core/json.ts'
import { MCP_TOOLS_ASKED_AT_ONCE, MCP_TOOLS_MS_MAX } from '../core/limits.ts'
import { bodyOf } from './mcp-ask.ts'
import type { GuardPorts } from './mcp-guard.ts'
import { isObject } from './mcp-message.ts'

export type Tool = JsonObject & { readonly name: string }

export class ToolList {
  readonly #ports: Pick<GuardPorts, 'api' | 'asking' | 'more' | 'say'>

  constructor(ports: Pick<GuardPorts, 'api' | 'asking' | 'more' | 'say'>) {
    this.#ports = ports
  }

  /** The result of tools/list with fewer tools. Never rejects: what cannot be asked is not shown. */
  async shown(result: JsonObject): Promise<JsonObject> {
    const tools = toolsIn(result['tools'])
    const signal = AbortSignal.timeout(MCP_TOOLS_MS_MAX)
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

  async #may({ name }: Tool, signal: AbortSignal): Promise<boolean> {
    const { api, asking, more } = this.#ports
    const body = bodyOf(asking.aboutTool(name), more)
    if (body === null) return false
    signal.throwIfAborted()
    const { decision } = await api.explain(body, signal)
    return decision === true
  }
}

/** What has no name cannot be called. */
function toolsIn(value: Json | undefined): readonly Tool[] {
  if (!Array.isArray(value)) return []
  return value.filter(
    (tool: Json): tool is Tool => isObject(tool) && typeof tool['name'] === 'string',
  )
}
