/**
 * The demonstration's last act: the log of a node, fetched whole, against the
 * checkpoint that its log key signed. Nothing of it believes the daemon: leaves
 * are hashed here, and the key comes from the member statement.
 */
import { join } from 'node:path'
import { exchange } from '../client/transport.ts'
import type { ListView, RecordView, StatementView } from '../client/types.ts'
import { utf8 } from '../core/bytes.ts'
import { type Checkpoint, openCheckpoint } from '../core/checkpoint.ts'
import { formatJson, type JsonObject } from '../core/json.ts'
import { parseDid } from '../core/keys.ts'
import { append, EMPTY, leafHash, rootHash } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import type { Host } from './stage.ts'

const PUBLISH_MS_MAX = 5_000

export interface Proof {
  readonly checkpoint: Checkpoint
  /** The leaves under it, exactly, in order. */
  readonly leaves: readonly Uint8Array[]
  readonly says: string
}

/** @throws MeshError PROOF_INVALID when the log is not what its checkpoint says */
export async function proveDecisions(host: Host): Promise<Proof> {
  const records = await recordsOf(host)
  const last = records.filter(({ type }) => type === 'decision').at(-1)
  if (last === undefined) throw new MeshError('PROOF_INVALID', 'there is no decision to prove')
  const checkpoint = await checkpointOver(host, last.index + 1)
  const leaves = records
    .slice(0, checkpoint.size)
    .map(({ leaf }) => utf8(formatJson(leaf as JsonObject)))
  if (!matches(checkpoint, leaves))
    throw new MeshError('PROOF_INVALID', `the log of ${host.name} is not what its checkpoint says`)
  const effects = records.map(({ leaf }) => leaf['effect'])
  const allows = effects.filter((effect) => effect === 'allow').length
  const denies = effects.filter((effect) => effect === 'deny').length
  const says = `${allows} allows, ${denies} denies in ${leaves.length} records, under a checkpoint signed by its log key`
  return { checkpoint, leaves, says }
}

/** Takes one leaf away and checks again. @throws MeshError BUG when nobody notices */
export function caughtWithoutOne({ checkpoint, leaves }: Proof): string {
  const at = Math.floor(leaves.length / 2)
  const cut = [...leaves.slice(0, at), ...leaves.slice(at + 1), ...leaves.slice(-1)]
  if (matches(checkpoint, cut)) throw new MeshError('BUG', 'a missing record was not noticed')
  return `record ${at} of ${leaves.length}: verification fails`
}

function matches({ size, rootHash: expected }: Checkpoint, leaves: readonly Uint8Array[]): boolean {
  const tree = leaves.reduce((before, leaf) => append(before, leafHash(leaf)), EMPTY)
  return tree.size === size && Buffer.compare(rootHash(tree), expected) === 0
}

/** Oldest first. */
async function recordsOf(host: Host): Promise<readonly RecordView[]> {
  const view = await host.ask<ListView<'RecordList', RecordView>>(
    ...['audit', 'list', '--limit', '1000'],
  )
  return view.items.toSorted((a, b) => a.index - b.index)
}

/** Waits until the node has published a checkpoint of at least so many records. */
async function checkpointOver(host: Host, size: number): Promise<Checkpoint> {
  const untilMs = performance.now() + PUBLISH_MS_MAX
  for (;;) {
    const checkpoint = await published(host)
    if (checkpoint !== null && checkpoint.size >= size) return checkpoint
    if (performance.now() > untilMs)
      throw new MeshError('TIMEOUT', `${host.name} published no checkpoint of ${size} records`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

async function published(host: Host): Promise<Checkpoint | null> {
  const { status, text } = await exchange({
    socketPath: join(host.socketsDir, 'read.sock'),
    method: 'GET',
    path: '/v1/log/checkpoint',
    headers: {},
    body: null,
    signal: AbortSignal.timeout(PUBLISH_MS_MAX),
  })
  if (status !== 200) return null
  const origin = text.split('\n')[0] ?? ''
  const checkpoint = openCheckpoint(utf8(text), origin, await logKeyOf(host))
  if (checkpoint === null)
    throw new MeshError('PROOF_INVALID', `the checkpoint of ${host.name} is not signed by its key`)
  return checkpoint
}

/** As an admitter signed it, not as the daemon says. */
async function logKeyOf(host: Host) {
  const { status, text } = await exchange({
    socketPath: join(host.socketsDir, 'read.sock'),
    method: 'GET',
    path: '/v1/statements?type=member',
    headers: {},
    body: null,
    signal: AbortSignal.timeout(PUBLISH_MS_MAX),
  })
  const view = JSON.parse(text) as ListView<'StatementList', StatementView>
  const member = view.items.find(({ payload }) => payload['name'] === host.name)
  if (status !== 200 || member === undefined)
    throw new MeshError('PROOF_INVALID', `${host.name} is no member`)
  return parseDid(String(member.payload['log']))
}
