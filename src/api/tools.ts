/**
 * What an MCP proxy saw to have changed: the description that a server gives a
 * model of a tool is what the model acts on, and who changes it after it was
 * looked at changes what is done (docs/guides/mcp.md). A record each.
 */
import type { JsonObject } from '../core/json.ts'
import { NAME_BYTES_MAX, RESOURCE_BYTES_MAX, TOOLS_CHANGED_MAX } from '../core/limits.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import { formatDraft } from '../core/record.ts'
import * as shape from '../core/shape.ts'
import { stripControls } from '../core/text.ts'
import { bodyOf } from './bodies.ts'
import { DECIDE, json, type Route } from './router.ts'

const change = shape.object({
  tool: shape.text(RESOURCE_BYTES_MAX),
  /** null for one that was not there. */
  before: shape.nullable(shape.hash),
  after: shape.hash,
})
const changedBody = shape.object({
  server: shape.text(RESOURCE_BYTES_MAX),
  tools: shape.list(change, TOOLS_CHANGED_MAX),
})

export interface ToolRoutePorts {
  /** Waits for the disk. */
  append(draft: JsonObject): Promise<{ readonly id: string }>
}

export function toolRoutes({ append }: ToolRoutePorts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/tools/changed',
      roles: DECIDE,
      handle: async (ask) => {
        const { server, tools } = bodyOf(ask, changedBody)
        const by = saidBy(ask.caller)
        // One batch: they wait for the disk together.
        const records = tools.map((tool) => append(draftOf(server, tool, by)))
        return json({ ids: (await Promise.all(records)).map(({ id }) => id) }, 201)
      },
    },
  ]
}

function draftOf(server: string, { tool, before, after }: shape.Read<typeof change>, by: string) {
  const was = before === null ? 'is new' : `was sha256 ${before}`
  const said = `${short(server)}: ${short(tool)} ${was}, now sha256 ${after}; seen by ${by}`
  return formatDraft<'system'>({ type: 'system', event: 'tool-changed', detail: said })
}

/** Both names and all else fit RECORD_TEXT_BYTES_MAX. */
function short(name: string): string {
  const text = stripControls(name)
  return text.length <= 2 * NAME_BYTES_MAX ? text : `${text.slice(0, 2 * NAME_BYTES_MAX)}…`
}

/** @throws MeshError SOCKET_FORBIDDEN: what nobody saw is no record */
function saidBy({ identified, name, uid, socket }: Caller): string {
  if (!identified)
    throw new MeshError('SOCKET_FORBIDDEN', 'only a caller that is known tells what it saw', {
      hint: 'meshd key create <name> --for uid=<uid>',
    })
  return name ?? (uid === null ? socket : `uid ${uid}`)
}
