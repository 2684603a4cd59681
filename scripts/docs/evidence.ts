/**
 * The literal examples of docs/evidence.md: three records of one log, cosigned
 * by two witnesses, as a receipt and as an evidence bundle.
 */
import { concat, textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { cosign, withCosignatures } from '../../src/core/cosignature.ts'
import { formatEnvelope, signEnvelope } from '../../src/core/dsse.ts'
import {
  CHECKPOINT,
  formatManifest,
  MANIFEST,
  POLICY,
  statementName,
} from '../../src/core/evidence-bundle.ts'
import { idOf, sha256Hex } from '../../src/core/id.ts'
import { append, EMPTY, leafHash, nodeHash, rootHash } from '../../src/core/merkle.ts'
import { formatReceipt } from '../../src/core/receipt.ts'
import { formatRecord } from '../../src/core/record.ts'
import { formatStatement } from '../../src/core/statement/statement.ts'
import { entriesPath, formatBundle, tilePath } from '../../src/core/tile.ts'
import { authorityOf } from '../../src/core/verify/authority.ts'
import { policyOf } from '../../src/core/verify/evidence-bundle.ts'
import { formatTrust } from '../../src/core/verify/trust.ts'
import { atlas, borealis, founder, NOW_MS, ROOT } from './cast.ts'

const root = formatStatement({
  ...ROOT,
  witnesses: [atlas.node.did, borealis.node.did],
  lease: { ...ROOT.lease, write: 2 },
})
const mesh = idOf(root)
const sign = (type: 'root' | 'member', payload: Uint8Array) =>
  formatEnvelope(signEnvelope(type, payload, [founder]))

function member(name: string, { node, log, witness }: typeof atlas): Uint8Array {
  return formatStatement({
    ...{ type: 'member', mesh, root: 1, issuedMs: NOW_MS, message: null, version: 1, name },
    ...{ principal: node.did, log: log.did, witness: witness.did, labels: new Map() },
    ...{ expiresMs: ROOT.expiresMs, witnessEligible: true },
  })
}

const statements = [
  ['root', root],
  ['member', member('atlas', atlas)],
  ['member', member('borealis', borealis)],
] as const
const envelopes = statements.map(([type, payload]) => sign(type, payload))
const trust = formatTrust(envelopes)

const records = ['started', 'noted', 'stopped'].map((event, index) =>
  formatRecord({
    ...{ type: 'system', event, detail: '' },
    ...{ index, epoch: 1, node: atlas.node.did, time: NOW_MS + index * 1000 },
  }),
)
const [first, second, third] = records.map(leafHash) as [Uint8Array, Uint8Array, Uint8Array]
const origin = logOrigin(mesh, atlas.node.did, 1)
const signed = textOf(
  signCheckpoint(
    {
      origin,
      size: records.length,
      rootHash: rootHash([first, second, third].reduce(append, EMPTY)),
    },
    atlas.log,
  ),
)
const checkpoint = withCosignatures(
  signed,
  [atlas, borealis].map(({ node, witness }) => cosign(signed, NOW_MS + 3_000, node.did, witness)),
)
const receipt = formatReceipt({
  ...{ record: records[2] as Uint8Array, statements: [], index: 2 },
  ...{ proof: [nodeHash(first, second)], checkpoint: utf8(checkpoint) },
})
const policy = policyOf(origin, atlas.log.did, authorityOf(envelopes, []))

const files = new Map([
  [CHECKPOINT, utf8(checkpoint)],
  [POLICY, utf8(policy)],
  [tilePath(0, 0, 3), concat(first, second, third)],
  [entriesPath(0, 3), formatBundle(records)],
  ...statements.map(
    ([, payload], i) => [statementName(idOf(payload)), envelopes[i] as Uint8Array] as const,
  ),
])
const hashes = new Map([...files].map(([name, bytes]) => [name, sha256Hex(bytes)]))
const manifest = formatManifest({ origin, first: 0, of: null, files: hashes })

export const evidenceExamples: ReadonlyMap<string, string> = new Map([
  ['receipt', textOf(receipt)],
  ['extra', textOf(records[2] as Uint8Array)],
  ['trust', textOf(trust)],
  ['policy', policy],
  ['manifest', textOf(manifest)],
])

/** The same as files, for a test that verifies them. */
export const example = { receipt, trust, policy, files: new Map([...files, [MANIFEST, manifest]]) }
