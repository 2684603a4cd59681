/** Statements of a running mesh, made with whatever keys there are: the operator's own, or those of nobody. */
import { randomBytes } from 'node:crypto'
import { linkOf } from '../../scripts/bench/links.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import type { Delegation } from '../../src/core/delegation.ts'
import {
  type Envelope,
  formatEnvelope,
  signEnvelope,
  unsignedEnvelope,
} from '../../src/core/dsse.ts'
import type { StatementId } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { type Did, type Signer, signerOf } from '../../src/core/keys.ts'
import { draftEvidence } from '../../src/core/statement/evidence.ts'
import { type Draft, formatStatement } from '../../src/core/statement/statement.ts'

export function signed(draft: Draft, signers: readonly Signer[]): Envelope {
  return signEnvelope(draft.type as Envelope['type'], formatStatement(draft), signers)
}

export function signedFreeze(
  mesh: StatementId,
  action: string,
  version: number,
  signers: readonly Signer[],
): Envelope {
  return signed(
    {
      type: 'freeze',
      ...{ mesh, root: 1, issuedMs: Date.now(), message: null },
      ...{ frozen: true, scope: { kind: 'action', pattern: action }, version },
    },
    signers,
  )
}

const DAY_MS = 86_400_000

/** A link that its holder may delegate. */
export function rootLink(issuer: Signer, to: Did): Delegation {
  return linkOf({ above: [], to, resource: 'repo:*', signer: issuer })
}

/** A link below it, made and taken back by who holds it. */
export function revokedLink(mesh: StatementId, above: Delegation, holder: Signer): Envelope {
  const { did: to } = signerOf(randomBytes(32))
  const below = linkOf({ above: [above], to, resource: 'repo:*', signer: holder })
  return signed(
    {
      type: 'revocation',
      ...{ mesh, root: 1, issuedMs: Date.now(), message: null },
      ...{ target: { kind: 'link', cid: below.cid }, untilMs: Date.now() + DAY_MS },
      chain: [above.bytes, below.bytes],
    },
    [holder],
  )
}

export interface Whose {
  readonly mesh: StatementId
  readonly node: Did
  readonly log: Signer
}

function head({ mesh, node, log }: Whose, size: number, rootHash: Uint8Array): string {
  const origin = logOrigin(mesh, node, 1)
  return textOf(signCheckpoint({ origin, size, rootHash }, log))
}

/** Evidence that is true: two heads of one size. */
export function forkedHeads(whose: Whose, size: number): Uint8Array {
  const heads = [randomBytes(32), randomBytes(32)].map((root) => head(whose, size, root))
  const about = { mesh: whose.mesh, node: whose.node, log: whose.log.did, epoch: 1 }
  return unsigned(draftEvidence(about, heads as [string, string], []) as Draft)
}

/** Of the same heads, but told of somebody else, whose own log key is `known`. */
export function framing(whose: Whose, victim: Did, known: Did): readonly Uint8Array[] {
  const asVictim = { ...whose, node: victim }
  const pair = [randomBytes(32), randomBytes(32)].map((root) => head(asVictim, 7, root)).sort()
  const [first, second] = pair as [string, string]
  const json = (fields: JsonObject) =>
    envelopeOf(utf8(formatJson({ mesh: whose.mesh, node: victim, proof: [], ...fields })))
  return [
    // With the liar's key for the victim's, and with the victim's that did not sign.
    json({ first, second, log: whose.log.did }),
    json({ first, second, log: known }),
    // One head twice; a consistent pair, by a proof of nothing; of another mesh.
    json({ first, second: first, log: known }),
    json({ first, second: head(asVictim, 9, randomBytes(32)), log: known }),
    json({ first, second, log: known, mesh: `sha256:${'ab'.repeat(32)}` }),
    // Half of it unsigned.
    json({ first, second: second.replace(/— .*\n$/, ''), log: known }),
  ]
}

function unsigned(draft: Draft): Uint8Array {
  return envelopeOf(formatStatement(draft))
}

function envelopeOf(payload: Uint8Array): Uint8Array {
  return formatEnvelope(unsignedEnvelope('evidence', payload))
}
