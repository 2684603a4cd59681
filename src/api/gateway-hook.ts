/**
 * Hooks of agents that ask by HTTP before a tool is called, and `meshd hook`,
 * which passes on what an agent gives it on stdin.
 *
 *     {"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"}}
 *
 *     claude-code   {"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny",…}}
 *     generic       {"decision":"deny","id":…,"code":…,"reason":…}
 *
 * Claude Code lets a call run when its hook fails, unless the hook's entry says
 * `"onFailure": "block"`: so a denial is always 200 and says `deny`. An allow
 * leaves the questions that Claude Code itself would ask in place; `?approve=true`
 * says `allow` instead, which passes over them.
 */
import type { DecisionView } from '../client/types.ts'
import { objectOf } from '../core/ipld.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { Malformed } from '../core/malformed.ts'
import type { Request, RequestHeaders } from '../core/request.ts'
import { isMap } from '../core/selector.ts'
import { readToolCall } from '../core/tool-call.ts'
import { headersOf, readJson } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { json, REMOTE, type Route } from './router.ts'

const EVENT = 'PreToolUse'
/** What of an event becomes a claim. The rest is another with each call, or of no use to a policy. */
const CLAIMS = ['agent_type', 'cwd', 'permission_mode', 'session_id'] as const

export function hookRoutes(deciding: Deciding): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/gateway/claude-code',
      roles: REMOTE,
      handle: async (ask) => {
        const request = readJson(ask, (body) => readClaudeCode(body, headersOf(ask)))
        const view = await deciding.decide(ask, request, false, 'claude-code')
        return json(claudeCodeAnswer(view, ask.query.get('approve') === 'true'))
      },
    },
    {
      method: 'POST',
      path: '/v1/gateway/generic',
      roles: REMOTE,
      handle: async (ask) => {
        const request = readJson(ask, (body) => readToolUse(body, headersOf(ask)))
        const view = await deciding.decide(ask, request, false, 'generic')
        const { id, code } = view
        const decision = view.decision === true ? 'allow' : 'deny'
        return json({ decision, id, code, reason: reasonOf(view) })
      },
    },
  ]
}

export function readClaudeCode(body: Json, headers?: RequestHeaders): Request {
  const event = isMap(body) ? body['hook_event_name'] : undefined
  if (event !== EVENT) throw new Malformed(`the event is not ${EVENT}: nothing else is decided`)
  return readToolUse(body, headers)
}

export function readToolUse(body: Json, headers?: RequestHeaders): Request {
  if (!isMap(body)) throw new Malformed('the event is an object')
  const { tool_name: tool, tool_input: args } = body
  if (typeof tool !== 'string') throw new Malformed('`tool_name` is a text')
  if (args === undefined) throw new Malformed('`tool_input` is missing')
  return readToolCall({ tool, args, context: claimsOf(body) }, headers)
}

function claimsOf(body: JsonObject): JsonObject {
  return objectOf(CLAIMS.flatMap((name) => claim(name, body[name])))
}

function claim(name: string, value: Json | undefined): (readonly [string, Json])[] {
  return typeof value === 'string' ? [[name, value]] : []
}

function claudeCodeAnswer(view: DecisionView, approve: boolean): object {
  const hookEventName = EVENT
  if (view.decision !== true)
    return {
      hookSpecificOutput: {
        ...{ hookEventName, permissionDecision: 'deny' },
        permissionDecisionReason: reasonOf(view),
      },
    }
  if (!approve) return { hookSpecificOutput: { hookEventName } }
  return {
    hookSpecificOutput: {
      ...{ hookEventName, permissionDecision: 'allow' },
      permissionDecisionReason: `meshd: ${view.id}`,
    },
  }
}

/** What the model is told. It says why and never how to get around it. */
function reasonOf({ decision, code, detail, id }: DecisionView): string | null {
  if (decision === true) return null
  const why = id === null ? 'not recorded' : `meshd explain ${id}`
  return `denied by meshd: ${code}: ${detail ?? ''} (${why})`
}
