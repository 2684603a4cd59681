/**
 * A mesh carried over an air gap: all that this node knows of it as one file,
 * and such a file, piece by piece, into this node. What is brought goes through
 * the door of sync: nobody is believed because a file says so.
 */
import type { ImportedItem, MeshImportView } from '../client/mesh-file-types.ts'
import { textOf, utf8 } from '../core/bytes.ts'
import {
  type Envelope,
  formatEnvelope,
  parseEnvelope,
  type StatementType,
  statementIdOf,
} from '../core/dsse.ts'
import {
  CHECKPOINT_BYTES_MAX,
  IMPORT_ITEMS_MAX,
  LISTINGS_MAX,
  MESH_FILE_BYTES_MAX,
  STATEMENT_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type FileHead, type FileStatement, formatMeshFile } from '../core/mesh-file.ts'
import { MeshError } from '../core/problems.ts'
import * as shape from '../core/shape.ts'
import type { Known } from '../mesh/learned.ts'
import { Turn } from '../mesh/turn.ts'
import { bodyOf } from './bodies.ts'
import { Gate } from './gate.ts'
import { ADMIN, type Ask, json, READ, type Reply, type Route } from './router.ts'
import type { Services } from './services.ts'

/** The first two lines, and the last. */
const HEADER_BYTES_MAX = 1_024

const { did, id, list, object, text } = shape

const importBody = object({
  mesh: id,
  statements: list(text(STATEMENT_BYTES_MAX), IMPORT_ITEMS_MAX),
  heads: list(object({ node: did, note: text(CHECKPOINT_BYTES_MAX) }), IMPORT_ITEMS_MAX),
})

export function meshFileRoutes(services: Services): readonly Route[] {
  const exports = new Gate(LISTINGS_MAX)
  return [
    {
      method: 'GET',
      path: '/v1/mesh/export',
      roles: READ,
      handle: (ask) => exports.through(() => exported(services, ask)),
    },
    {
      method: 'POST',
      path: '/v1/mesh/import',
      roles: ADMIN,
      handle: async (ask) => json(await imported(services, ask)),
    },
  ]
}

/** @throws MeshError NOT_ADMITTED, TOO_LARGE */
async function exported({ node, clock }: Services, { signal }: Ask): Promise<Reply> {
  const { governance } = node.statements
  const mesh = meshOf(node)
  // One moment of both: later statements are in another digest.
  const [all, heads] = [[...node.statements.all()].sort(rootsInOrder), headsOf(node)]
  const turn = new Turn(clock)
  const statements: FileStatement[] = []
  let bytesLeft = MESH_FILE_BYTES_MAX - HEADER_BYTES_MAX - heads.length * CHECKPOINT_BYTES_MAX
  for (const { id: of, envelope } of all) {
    if (signal.aborted) break
    if (turn.over) await turn.next()
    const bytes = formatEnvelope(envelope)
    bytesLeft -= bytes.length + 1
    if (bytesLeft < 0)
      throw new MeshError('TOO_LARGE', `the mesh is larger than a file of ${MESH_FILE_BYTES_MAX}`)
    statements.push({ id: of, type: envelope.type, bytes })
  }
  const { digest } = governance
  const timeMs = Math.floor(clock.wallMs())
  const file = formatMeshFile({ mesh, node: node.self, timeMs, digest, statements, heads })
  return { status: 200, type: 'text/plain; charset=utf-8', body: textOf(file) }
}

/** @throws MeshError NOT_ADMITTED */
function meshOf(node: Services['node']) {
  const { mesh } = node.statements
  if (mesh !== null) return mesh
  throw new MeshError('NOT_ADMITTED', 'this node belongs to no mesh', {
    hint: 'meshd init --mesh <name>, or meshd peer join <multiaddr|invite>',
  })
}

/** Each root is judged by the one before it. */
function rootsInOrder(a: Known, b: Known): number {
  const versionOf = ({ statement }: Known) => (statement.type === 'root' ? statement.version : 0)
  return versionOf(a) - versionOf(b)
}

function headsOf({ heads, publisher, self }: Services['node']): readonly FileHead[] {
  const known = heads.all().map(({ node, note }) => ({ node, note }))
  const own = publisher.checkpoint === null ? null : textOf(publisher.checkpoint)
  return own === null || known.some(({ note }) => note === own)
    ? known
    : [...known, { node: self, note: own }]
}

/** @throws MeshError USAGE, NOT_ADMITTED, WRONG_MESH, and what the disk says: then some of it may be taken, and is known when it comes again */
async function imported({ node, clock }: Services, ask: Ask): Promise<MeshImportView> {
  const { mesh, statements, heads } = bodyOf(ask, importBody)
  if (meshOf(node) !== mesh)
    throw new MeshError('WRONG_MESH', `the file is of ${mesh}, this node is of ${meshOf(node)}`)
  const turn = new Turn(clock)
  const taken: (() => ImportedItem)[] = []
  const durable: Promise<void>[] = []
  for (const each of statements) {
    if (turn.over) await turn.next()
    const { type, ...offered } = offer(node, utf8(each))
    durable.push(offered.done)
    // What follows it may be signed under it.
    if (type === 'root') await offered.done
    taken.push(offered.item)
  }
  await Promise.all(durable)
  const items = taken.map((item) => item())
  for (const { node: of, note } of heads) {
    const result = await node.heads.take(of, note)
    const why = result === 'refused' ? 'no log key of a member signed it' : null
    items.push({ id: of, what: 'head', result, why })
  }
  return { items }
}

interface Taking {
  readonly type: StatementType | null
  readonly done: Promise<void>
  /** What became of it, once it is durable. */
  item(): ImportedItem
}

/** Through the door of sync. A local caller's would be held to be the next of its kind; this may be old. */
function offer({ statements }: Services['node'], bytes: Uint8Array): Taking {
  const envelope = envelopeIn(bytes)
  const { verdict, says, unjudged, done } = statements.offer(bytes, null, 'local')
  const of = envelope === null ? null : statementIdOf(envelope)
  const item = (): ImportedItem => {
    const known = of === null ? null : statements.get(of)
    const said = (result: ImportedItem['result'], why: string | null) => ({
      ...{ id: of ?? 'malformed', what: 'statement' as const, result, why },
    })
    if (verdict.verdict === 'ignore' && verdict.why === 'seen') return said('known', null)
    if (verdict.verdict !== 'accept') return said(unjudged ? 'held' : 'refused', says)
    if (known === null) return said('refused', 'others say all that it says')
    return known.state === 'effective' ? said('new', null) : said('held', `it is ${known.state}`)
  }
  return { type: envelope?.type ?? null, done, item }
}

function envelopeIn(bytes: Uint8Array): Envelope | null {
  try {
    return parseEnvelope(bytes)
  } catch (error) {
    // Why it is none the verdict says; here it has no name.
    if (error instanceof Malformed) return null
    throw error
  }
}
