/** `meshd mesh export|import`: a mesh carried by hand, over an air gap. */
import type { ImportedItem, ImportResult, MeshImportView } from '../client/mesh-file-types.ts'
import type { GovernanceView, View } from '../client/types.ts'
import { textOf, utf8 } from '../core/bytes.ts'
import { shortId } from '../core/id.ts'
import { IMPORT_BYTES_MAX, IMPORT_ITEMS_MAX, MESH_FILE_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type FileHead, type MeshFile, parseMeshFile } from '../core/mesh-file.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { printItem } from './output.ts'
import { writeOut } from './prove.ts'
import { type Command, textOption } from './spec.ts'
import { count, plural, shortDid, shortHash } from './text.ts'

export const meshExport: Command = {
  name: 'mesh export',
  group: 'MESH',
  says: 'all statements and heads that this node knows, as one file to carry by hand',
  examples: ['meshd mesh export -f prod.mesh'],
  options: [{ flags: '-f, --file <file>', says: 'where to write it; - is stdout', required: true }],
  run: async (context, _args, options) => {
    const bytes = await context.client('read').bytes('/v1/mesh/export', { timeoutMs: 0 })
    const file = parsed(bytes, 'the answer of the daemon')
    const path = textOption(options, 'file') ?? '-'
    writeOut(context, path, bytes)
    context.say(
      `${plural(file.statements.length, 'statement')}, ${plural(file.heads.length, 'head')}   governance ${shortHash(file.digest)}   next, where it is carried to: meshd mesh import ${path === '-' ? '<file>' : path}`,
    )
    return 0
  },
}

export const meshImport: Command = {
  name: 'mesh import',
  group: 'MESH',
  args: ['<file>'],
  dryRun: true,
  says: 'verify such a file and take what is new of it, as if a peer had brought it',
  examples: ['meshd mesh import prod.mesh', 'meshd mesh import prod.mesh --dry-run'],
  run: async (context, [path = '']) => {
    const file = parsed(context.read(path, MESH_FILE_BYTES_MAX), path)
    const { item: here } = await governance(context)
    if (here.mesh !== file.mesh)
      throw new MeshError(
        here.mesh === null ? 'NOT_ADMITTED' : 'WRONG_MESH',
        `${path} is of the mesh ${file.mesh}, and this node ${here.mesh === null ? 'belongs to none' : `is of ${here.mesh}`}`,
      )
    const items = context.globals.dryRun ? [] : await brought(context, file)
    const { item: after, seenFrom } = await governance(context)
    printItem(context, {
      kind: 'MeshImport',
      seenFrom,
      item: { ...summary(file, items), items },
      id: file.digest,
      lines: () => [...linesOf(context, file, items), compared(file, after)],
    })
    const refused = items.filter(({ result }) => result === 'refused')
    if (refused.length > 0)
      throw new MeshError(
        'STATEMENT_INVALID',
        `of ${count(items.length)} pieces ${count(refused.length)} were refused`,
      )
    return 0
  },
}

function governance(context: Context): Promise<View<'Governance', GovernanceView>> {
  return context.client('read').get<View<'Governance', GovernanceView>>('/v1/governance')
}

/** @throws MeshError STATEMENT_INVALID */
function parsed(bytes: Uint8Array, what: string): MeshFile {
  try {
    return parseMeshFile(bytes)
  } catch (error) {
    // Nothing of a file that was cut or damaged is offered to anybody.
    if (error instanceof Malformed)
      throw new MeshError('STATEMENT_INVALID', `${what}: ${error.message}`, { cause: error })
    throw error
  }
}

/** Piece by piece: each is whole, and what one could not hand over is said. */
async function brought(context: Context, file: MeshFile): Promise<readonly ImportedItem[]> {
  const client = context.client('admin')
  const items: ImportedItem[] = []
  const whole = file.statements.length + file.heads.length
  for (const piece of piecesOf(file)) {
    try {
      const body = { mesh: file.mesh, ...piece }
      items.push(
        ...(await client.post<MeshImportView>('/v1/mesh/import', body, { timeoutMs: 0 })).items,
      )
    } catch (error) {
      const left = whole - items.length
      context.say(
        `! ${count(items.length)} of ${count(whole)} pieces were taken before this: ${count(left)} were not, or nobody knows; import the file again`,
      )
      throw error
    }
  }
  return items
}

interface Piece {
  readonly statements: readonly string[]
  readonly heads: readonly FileHead[]
}

/** In the order of the file, each within what one call may bring. */
function* piecesOf({ statements, heads }: MeshFile): Iterable<Piece> {
  for (const piece of cut(statements, ({ bytes }) => bytes.length))
    yield { statements: piece.map(({ bytes }) => textOf(bytes)), heads: [] }
  for (const piece of cut(heads, ({ note }) => utf8(note).length))
    yield { statements: [], heads: piece }
}

function* cut<T>(all: readonly T[], sizeOf: (each: T) => number): Iterable<readonly T[]> {
  let piece: T[] = []
  let bytes = 0
  for (const each of all) {
    const size = sizeOf(each)
    if (piece.length > 0 && (bytes + size > IMPORT_BYTES_MAX || piece.length >= IMPORT_ITEMS_MAX)) {
      yield piece
      piece = []
      bytes = 0
    }
    piece.push(each)
    bytes += size
  }
  if (piece.length > 0) yield piece
}

const RESULTS: readonly ImportResult[] = ['new', 'known', 'held', 'refused']

function summary(file: MeshFile, items: readonly ImportedItem[]) {
  const counted = (what: ImportedItem['what']) =>
    Object.fromEntries(
      RESULTS.map((result) => [
        result,
        items.filter((item) => item.what === what && item.result === result).length,
      ]),
    )
  const { mesh, node, digest } = file
  return { mesh, node, digest, statements: counted('statement'), heads: counted('head') }
}

function linesOf(
  context: Context,
  file: MeshFile,
  items: readonly ImportedItem[],
): readonly string[] {
  const of = (what: ImportedItem['what'], all: number) => {
    const counts = RESULTS.map((result) => {
      const found = items.filter((item) => item.what === what && item.result === result)
      return `${count(found.length)} ${result}`
    })
    return `${plural(all, what)}   ${context.globals.dryRun ? 'not offered' : counts.join('   ')}`
  }
  const why = items
    .filter(({ result }) => result === 'held' || result === 'refused')
    .map(({ id, what, result, why: reason }) => {
      const name = what === 'head' ? `head of ${shortDid(id)}` : shortId('rec', id)
      const mark = result === 'refused' ? '✗' : '!'
      return context.style.symbols(`${mark} ${safe(name)}  ${result}: ${safe(reason ?? '')}`)
    })
  return [of('statement', file.statements.length), of('head', file.heads.length), ...why]
}

/** Equal digests are equal governance. */
function compared(file: MeshFile, { digest }: GovernanceView): string {
  return digest === file.digest
    ? `governance ${shortHash(digest)}, as ${shortDid(file.node)} had it`
    : `governance ${shortHash(digest)} here, ${shortHash(file.digest)} where the file was made`
}
