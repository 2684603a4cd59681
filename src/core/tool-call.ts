/**
 * A tool that an agent is about to call, as AuthZEN's COAZ-MCP draft maps it:
 *
 *     Bash {"command":"ls"}   →   tools/call, tool:Bash, {"command":"ls"}
 *
 * Hooks and the MCP proxy ask alike, so that one policy serves both.
 */
import { objectOf } from './ipld.ts'
import type { Json, JsonObject } from './json.ts'
import { type Request, type RequestHeaders, readRequest } from './request.ts'

export interface ToolCall {
  readonly tool: string
  /** Given to the tool; to predicates `.args`. */
  readonly args: Json
  /** What else the agent says about it: claims, and no facts. */
  readonly context: JsonObject
}

/** @throws Malformed for REQUEST_MALFORMED */
export function readToolCall({ tool, args, context }: ToolCall, headers?: RequestHeaders): Request {
  const action = objectOf([
    ['name', 'tools/call'],
    ['properties', args],
  ])
  const resource = objectOf([
    ['type', 'tool'],
    ['id', tool],
  ])
  return readRequest(
    objectOf([
      ['action', action],
      ['resource', resource],
      ['context', context],
    ]),
    headers,
  )
}
