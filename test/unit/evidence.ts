/**
 * The log of one node in a small mesh, signed and cosigned, for whoever holds
 * only its trust root. Everything is made from names, so every run is the same.
 */
import { concat, textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { cosign, withCosignatures } from '../../src/core/cosignature.ts'
import {
  CHECKPOINT,
  type Files,
  formatManifest,
  MANIFEST,
  POLICY,
  recordName,
  statementName,
  WITNESSED,
} from '../../src/core/evidence-bundle.ts'
import { sha256Hex } from '../../src/core/id.ts'
import type { Json } from '../../src/core/json.ts'
import type { Signer } from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { leafHash } from '../../src/core/merkle.ts'
import { proveInclusion } from '../../src/core/proof.ts'
import { formatReceipt, type Receipt } from '../../src/core/receipt.ts'
import { formatRecord, type LogRecord } from '../../src/core/record.ts'
import { tarEnd, tarFill, tarHead } from '../../src/core/tar.ts'
import { formatBundle, placePath, TILE_WIDTH, tilesOf } from '../../src/core/tile.ts'
import { authorityOf } from '../../src/core/verify/authority.ts'
import { policyOf } from '../../src/core/verify/evidence-bundle.ts'
import { formatTrust } from '../../src/core/verify/trust.ts'
import { mth, nodesOf } from './merkle-model.ts'
import { atlas, borealis, NOW_MS, type NodeKeys, World } from './statements.ts'

export const world = new World()
export const MEMBERS = [world.member(atlas), world.member(borealis)]
export const TRUST = [world.first.bytes, ...MEMBERS.map(({ bytes }) => bytes)]
export const TRUST_FILE = formatTrust(TRUST)
export const ORIGIN = logOrigin(world.mesh, atlas.identity.did, 1)

export function systemRecord(index: number): Uint8Array {
  return formatRecord({
    ...{ type: 'system', event: 'noted', detail: `record ${index}` },
    ...{ index, epoch: 1, node: atlas.identity.did, time: NOW_MS + index },
  } as LogRecord<'system'>)
}

/** Signed by atlas's log key unless said, and cosigned by these. */
export function noteOf(
  records: readonly Uint8Array[],
  witnesses: readonly NodeKeys[] = [atlas, borealis],
  logKey: Signer = atlas.log,
  origin = ORIGIN,
): Uint8Array {
  const rootHash = mth(records.map(leafHash))
  const note = textOf(signCheckpoint({ origin, size: records.length, rootHash }, logKey))
  const lines = witnesses.map(({ identity, witness }) =>
    cosign(note, NOW_MS + 5_000, identity.did, witness),
  )
  return utf8(withCosignatures(note, lines))
}

export const RECORDS = Array.from({ length: 6 }, (_, index) => systemRecord(index))

export function receiptOf(index: number, changes: Partial<Receipt> = {}): Uint8Array {
  const leaves = RECORDS.map(leafHash)
  return formatReceipt({
    record: RECORDS[index] ?? new Uint8Array(),
    statements: TRUST,
    index,
    proof: proveInclusion(index, leaves.length, nodesOf(leaves)),
    checkpoint: noteOf(RECORDS),
    ...changes,
  })
}

/** The files of an evidence bundle, with a manifest over them; changed before it is made. */
export function bundleOf(
  records: readonly Uint8Array[],
  { of = null, kept, change }: BundleOptions = {},
): Map<string, Uint8Array> {
  const leaves = records.map(leafHash)
  const authority = authorityOf(TRUST, [])
  const files = new Map<string, Uint8Array>([
    [CHECKPOINT, noteOf(records, [])],
    [WITNESSED, noteOf(records.slice(0, -1))],
    [POLICY, utf8(policyOf(ORIGIN, atlas.log.did, authority))],
  ])
  for (const { id, bytes } of [world.first, ...MEMBERS]) files.set(statementName(id), bytes)
  for (const place of tilesOf(records.length)) {
    const first = place.n * TILE_WIDTH
    const [from, to] = [first, first + place.width]
    if (place.level === 0) files.set(placePath(place), concat(...leaves.slice(from, to)))
    if (place.level === 1) files.set(placePath(place), concat(...topsOf(leaves).slice(from, to)))
    if (place.level === null && of === null)
      files.set(placePath(place), formatBundle(records.slice(from, to)))
  }
  for (const index of kept ?? []) files.set(recordName(index), records[index] ?? new Uint8Array())
  change?.(files)
  return withManifest(files, of)
}

export interface BundleOptions {
  readonly of?: Json
  /** Records of a case. */
  readonly kept?: readonly number[]
  readonly change?: (files: Map<string, Uint8Array>) => void
}

function topsOf(leaves: readonly Uint8Array[]): readonly Uint8Array[] {
  const count = Math.floor(leaves.length / TILE_WIDTH)
  return Array.from({ length: count }, (_, i) =>
    mth(leaves.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH)),
  )
}

export function withManifest(files: Map<string, Uint8Array>, of: Json = null, first = 0) {
  const listed = [...files].filter(([name]) => name !== MANIFEST)
  const hashes = new Map(listed.map(([name, bytes]) => [name, sha256Hex(bytes)]))
  return new Map([
    ...files,
    [MANIFEST, formatManifest({ origin: ORIGIN, first, of, files: hashes })],
  ])
}

export function filesOf(files: ReadonlyMap<string, Uint8Array>): Files {
  return {
    names: [...files.keys()],
    read: (name) => {
      const bytes = files.get(name)
      if (bytes === undefined) throw new Malformed(`${name} is missing`)
      return bytes
    },
  }
}

export function tarOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts = [...files].flatMap(([name, bytes]) => [
    tarHead(name, bytes.length),
    bytes,
    tarFill(bytes.length),
  ])
  return concat(...parts, tarEnd())
}
