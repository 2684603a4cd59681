/**
 * The log of one node in a small mesh, signed and cosigned, for whoever holds
 * only its trust root. Everything is made from names, so every run is the same.
 */
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { cosign, withCosignatures } from '../../src/core/cosignature.ts'
import type { Signer } from '../../src/core/keys.ts'
import { leafHash } from '../../src/core/merkle.ts'
import { proveInclusion } from '../../src/core/proof.ts'
import { formatReceipt, type Receipt } from '../../src/core/receipt.ts'
import { formatRecord, type LogRecord } from '../../src/core/record.ts'
import { formatTrust } from '../../src/core/verify/trust.ts'
import { mth, nodesOf } from './merkle-model.ts'
import { atlas, borealis, NOW_MS, type NodeKeys, World } from './statements.ts'

export const world = new World()
const MEMBERS = [world.member(atlas), world.member(borealis)]
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
