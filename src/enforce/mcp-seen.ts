/**
 * The tools of one server as they were last seen, and as somebody accepted
 * them: a file of this user's own,
 *
 *     ~/.local/state/meshd/mcp/<sha256 of the server's name>.json   0600
 *     {"server":"files","tools":{"read_file":{"accepted":"0a77…","seen":"5f0c…"}}}
 *
 * with the hash of all that a model is told of each tool. What is seen first
 * is accepted; what changes after that is a record, and with --pin denied
 * until somebody accepts it. It guards against a server, not against whoever
 * may write this file.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { utf8 } from '../core/bytes.ts'
import { sha256Hex } from '../core/id.ts'
import { formatJson, parseJson } from '../core/json.ts'
import { MCP_TOOLS_BYTES_MAX, MCP_TOOLS_MAX, RESOURCE_BYTES_MAX } from '../core/limits.ts'
import { printLossless } from '../core/lossless.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import * as shape from '../core/shape.ts'
import type { Tool } from './mcp-tools.ts'

interface Seen {
  readonly seen: string
  /** null for what came after others were accepted. */
  readonly accepted: string | null
}

export interface Change {
  readonly tool: string
  readonly before: string | null
  readonly after: string
}

const file = shape.object({
  server: shape.text(RESOURCE_BYTES_MAX),
  tools: shape.map(
    shape.object({ seen: shape.hash, accepted: shape.nullable(shape.hash) }),
    MCP_TOOLS_MAX,
  ),
})

export class SeenTools {
  readonly #server: string
  readonly #path: string
  /** Nobody has looked at this server before: what it says now is taken for good. */
  readonly #first: boolean
  #tools: ReadonlyMap<string, Seen>
  /** As this process saw them, told of or not. */
  readonly #now = new Map<string, string>()

  /** @throws MeshError CONFIG_INVALID for a file that is not one of ours */
  constructor(dir: string, server: string) {
    // For people: a command that stands for a name may be longer than one, and three bytes a unit.
    this.#server = server.slice(0, Math.floor(RESOURCE_BYTES_MAX / 3)).toWellFormed()
    this.#path = join(dir, `${sha256Hex(utf8(server))}.json`)
    const known = read(this.#path)
    this.#first = known === null
    this.#tools = known ?? new Map()
  }

  /** What is not as it was seen last. */
  look(tools: readonly Tool[]): readonly Change[] {
    const changes: Change[] = []
    for (const tool of tools) {
      const [name, after] = [tool.name, hashOf(tool)]
      const before = this.#tools.get(name)?.seen ?? null
      this.#now.set(name, after)
      if (before !== after) changes.push({ tool: name, before, after })
    }
    return changes
  }

  /** Whether it is there for the first time in all that was ever seen of this server. */
  begins({ before }: Change): boolean {
    return this.#first && before === null
  }

  /** Remembers changes that begin, or that were told of. @throws MeshError TOO_MANY */
  keep(changes: readonly Change[]): void {
    if (changes.length === 0) return
    const kept = new Map(this.#tools)
    for (const change of changes) {
      const { tool, after } = change
      const accepted = this.begins(change) ? after : (kept.get(tool)?.accepted ?? null)
      kept.set(tool, { seen: after, accepted })
    }
    this.#write(kept)
  }

  /** Why a tool may not be called as it is; null for one that is as it was accepted. */
  unaccepted(name: string): string | null {
    const known = this.#tools.get(name)
    const now = this.#now.get(name) ?? known?.seen
    if (now === undefined) return 'nobody has seen what it is said to do'
    const accepted = known?.accepted ?? null
    if (accepted === null) return 'it is new, and was not accepted'
    if (accepted === now) return null
    return `what it is said to do was sha256 ${accepted}, now ${now}`
  }

  /** Takes all of them as they were last seen, and gives those that were not accepted before. */
  accept(): readonly Change[] {
    const all = [...this.#tools]
    this.#write(new Map(all.map(([tool, { seen }]) => [tool, { seen, accepted: seen }])))
    return all
      .filter(([, { seen, accepted }]) => seen !== accepted)
      .map(([tool, { seen, accepted }]) => ({ tool, before: accepted, after: seen }))
  }

  /** Whole, or not at all. @throws MeshError TOO_MANY */
  #write(tools: ReadonlyMap<string, Seen>): void {
    if (tools.size > MCP_TOOLS_MAX)
      throw new MeshError('TOO_MANY', `${this.#server}: more than ${MCP_TOOLS_MAX} tools`)
    const json = formatJson({ server: this.#server, tools: Object.fromEntries(tools) as never })
    // What could not be read again is not written.
    if (Buffer.byteLength(json) > MCP_TOOLS_BYTES_MAX)
      throw new MeshError('TOO_MANY', `${this.#server}: its tools have too long names`)
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    const next = `${this.#path}.${process.pid}`
    writeFileSync(next, json, { mode: 0o600 })
    renameSync(next, this.#path)
    this.#tools = tools
  }
}

/** Of all that a model is told of it; `_meta` is for programs, and may be another one each time. */
function hashOf(tool: Tool): string {
  const { _meta: _, ...told } = tool
  return sha256Hex(utf8(printLossless(told, true)))
}

function read(path: string): ReadonlyMap<string, Seen> | null {
  try {
    return file(parseJson(readFileSync(path), MCP_TOOLS_BYTES_MAX), '').tools
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    if (!(error instanceof Malformed)) throw error
    throw new MeshError('CONFIG_INVALID', `${path}: ${error.message}`, {
      hint: 'remove it, and look at what the server says of its tools',
      cause: error,
    })
  }
}
