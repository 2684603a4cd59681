/** Statements of a running mesh, made with whatever keys there are: the operator's own, or those of nobody. */
import { type Envelope, signEnvelope } from '../../src/core/dsse.ts'
import type { StatementId } from '../../src/core/id.ts'
import type { Signer } from '../../src/core/keys.ts'
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
