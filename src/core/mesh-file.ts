/**
 * What a mesh knows, as one file that is carried by hand: every statement, and
 * the newest head of each log. Who reads it verifies all of it again; nothing
 * is believed because it stands in the file.
 *
 *     meshd-mesh/1
 *     {"digest":"5c1e…","heads":3,"mesh":"sha256:77aa…","node":"did:key:z6Mk…","statements":41,"time":"2026-…"}
 *     {"payload":"…","payloadType":"application/vnd.meshd.root.v1+json","signatures":[…]}
 *     … roots first, the others by id
 *     {"node":"did:key:z6Mk…","note":"meshd/9f86…\n88\n…"}
 *     … by node and note
 *     sha256:0a77…
 *
 * The last line is the hash of all above it: a file that was cut or damaged on
 * its way is refused as a whole, before anything of it is offered to anybody.
 */
import { concat, textOf, utf8 } from './bytes.ts'
import { parseEnvelope, type StatementType, statementIdOf } from './dsse.ts'
import { idOf, isSha256Id, type StatementId } from './id.ts'
import { formatJson, parseCanonical } from './json.ts'
import type { Did } from './keys.ts'
import {
  CHECKPOINT_BYTES_MAX,
  MESH_FILE_BYTES_MAX,
  MESH_FILE_HEADS_MAX,
  STATEMENT_BYTES_MAX,
  STATEMENTS_MAX,
} from './limits.ts'
import { Malformed } from './malformed.ts'
import { did, formatTime, hash, id, integer, object, type Read, text, time } from './shape.ts'

const MAGIC = 'meshd-mesh/1'
const LINE_BYTES_MAX = STATEMENT_BYTES_MAX
const LINE_END = 0x0a

export interface FileHead {
  readonly node: Did
  /** As its log signed it. */
  readonly note: string
}

export interface FileStatement {
  readonly id: StatementId
  readonly type: StatementType
  /** The envelope, as formatEnvelope prints it. */
  readonly bytes: Uint8Array
}

export interface MeshFile {
  readonly mesh: StatementId
  /** Who wrote it, when, and the digest of its governance then: for people, and for comparing; not signed. */
  readonly node: Did
  readonly timeMs: number
  readonly digest: string
  readonly statements: readonly FileStatement[]
  readonly heads: readonly FileHead[]
}

const headerFields = object({
  digest: hash,
  heads: integer(0, MESH_FILE_HEADS_MAX),
  mesh: id,
  node: did,
  statements: integer(0, STATEMENTS_MAX),
  time,
})
const headFields = object({ node: did, note: text(CHECKPOINT_BYTES_MAX) })

/** Puts statements and heads into their order. */
export function formatMeshFile(file: MeshFile): Uint8Array {
  const { mesh, node, timeMs, digest } = file
  const [statements, heads] = [ordered(file.statements), file.heads.map(headLine).sort()]
  const counts = { heads: heads.length, statements: statements.length }
  const header = formatJson({ digest, ...counts, mesh, node, time: formatTime(timeMs) })
  const lines = [MAGIC, header, ...statements.map(({ bytes }) => textOf(bytes)), ...heads]
  const body = utf8(`${lines.join('\n')}\n`)
  return concat(body, utf8(`${idOf(body)}\n`))
}

/** The exact inverse; envelopes are well-formed, and nobody's word yet. @throws Malformed */
export function parseMeshFile(bytes: Uint8Array): MeshFile {
  if (bytes.length > MESH_FILE_BYTES_MAX)
    throw new Malformed(`the file is larger than ${MESH_FILE_BYTES_MAX} bytes`)
  const lines = linesOf(checkedBody(bytes))
  if (lines.length < 2 || textOf(lines[0] as Uint8Array) !== MAGIC)
    throw new Malformed(`the file does not begin with \`${MAGIC}\``)
  const header = headerFields(parseCanonical(lines[1] as Uint8Array, LINE_BYTES_MAX), '')
  const end = 2 + header.statements
  if (lines.length !== end + header.heads)
    throw new Malformed(`${header.statements} statements and ${header.heads} heads are said to be`)
  const statements = lines.slice(2, end).map(readStatement)
  const heads = lines
    .slice(end)
    .map((line) => headFields(parseCanonical(line, LINE_BYTES_MAX), 'head'))
  checkOrder(statements, heads)
  const { mesh, node, time: timeMs, digest } = header
  return { mesh, node, timeMs, digest, statements, heads }
}

/** What the last line is the hash of. */
function checkedBody(bytes: Uint8Array): Uint8Array {
  const end = bytes.lastIndexOf(LINE_END, -2) + 1
  const said = textOf(bytes.subarray(end))
  if (end === 0 || !said.endsWith('\n') || !isSha256Id(said.slice(0, -1)))
    throw new Malformed('the file does not end with its hash: it was cut, or is none of ours')
  const body = bytes.subarray(0, end)
  if (`${idOf(body)}\n` !== said) throw new Malformed('the file is not what its last line says')
  return body
}

function linesOf(body: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(LINE_END, at)
    if (end - at > LINE_BYTES_MAX) throw new Malformed('a line is too long')
    lines.push(body.subarray(at, end))
    at = end + 1
  }
  return lines
}

function readStatement(bytes: Uint8Array): FileStatement {
  const envelope = parseEnvelope(bytes)
  return { id: statementIdOf(envelope), type: envelope.type, bytes }
}

function checkOrder(
  statements: readonly FileStatement[],
  heads: readonly Read<typeof headFields>[],
): void {
  const right = ordered(statements)
  if (right.length !== statements.length || right.some(({ id }, i) => id !== statements[i]?.id))
    throw new Malformed('statements stand in another order, or one is there twice')
  const lines = heads.map(headLine)
  if (lines.some((line, i) => i > 0 && line <= (lines[i - 1] as string)))
    throw new Malformed('heads stand in another order, or one is there twice')
}

/** Roots as they are given, for each one is judged by the one before; everything else by its id; each once. */
function ordered(statements: readonly FileStatement[]): readonly FileStatement[] {
  const roots = new Map<StatementId, FileStatement>()
  const others = new Map<StatementId, FileStatement>()
  for (const each of statements) (each.type === 'root' ? roots : others).set(each.id, each)
  const byId = [...others].sort(([a], [b]) => (a < b ? -1 : 1))
  return [...roots.values(), ...byId.map(([, each]) => each)]
}

function headLine({ node, note }: FileHead): string {
  return formatJson({ node, note })
}
