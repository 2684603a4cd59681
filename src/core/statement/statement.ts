/**
 * Any statement: from payload to what it says, and back.
 *
 * A payload is canonical JSON (RFC 8785) of exactly the fields that its type
 * has, so equal statements have equal ids; the type itself is signed in the
 * envelope (dsse.ts). Each type shows its bytes in its own file.
 */
import { utf8 } from '../bytes.ts'
import type { StatementType } from '../dsse.ts'
import { idOf, type StatementId } from '../id.ts'
import { formatJson, type Json, type JsonObject, parseCanonical } from '../json.ts'
import { STATEMENT_BYTES_MAX } from '../limits.ts'
import { type Epoch, epochJson, readEpoch } from './epoch.ts'
import { type Evidence, evidenceJson, readEvidence } from './evidence.ts'
import { type Freeze, freezeJson, readFreeze } from './freeze.ts'
import { type Member, memberJson, readMember } from './member.ts'
import { type Policy, policyJson, readPolicy } from './policy.ts'
import { type Revocation, readRevocation, revocationJson } from './revocation.ts'
import { type Root, readRoot, rootJson } from './root.ts'

export type Statement = Signed | Evidence

/** What counts by the signatures of a role. */
export type Signed = Root | Member | Policy | Revocation | Freeze | Epoch

/** What a person drafts: everything but the id, which is the hash of its payload. */
export type Draft = Statement extends infer S
  ? S extends Statement
    ? Omit<S, 'id'>
    : never
  : never

const READERS: Readonly<Record<StatementType, (id: StatementId, json: Json) => Statement>> = {
  root: readRoot,
  member: readMember,
  policy: readPolicy,
  revocation: readRevocation,
  freeze: readFreeze,
  epoch: readEpoch,
  evidence: readEvidence,
}

/** Reads a payload. @throws Malformed for anything that formatStatement does not print */
export function parseStatement(type: StatementType, payload: Uint8Array): Statement {
  return READERS[type](idOf(payload), parseCanonical(payload, STATEMENT_BYTES_MAX))
}

/** The payload, canonical JSON: the exact inverse of parseStatement. @throws Malformed for what it would refuse */
export function formatStatement(draft: Draft): Uint8Array {
  const payload = utf8(formatJson(jsonOf(draft)))
  // What nobody would accept is refused before a person signs it.
  parseStatement(draft.type, payload)
  return payload
}

function jsonOf(draft: Draft): JsonObject {
  switch (draft.type) {
    case 'root':
      return rootJson(draft)
    case 'member':
      return memberJson(draft)
    case 'policy':
      return policyJson(draft)
    case 'revocation':
      return revocationJson(draft)
    case 'freeze':
      return freezeJson(draft)
    case 'epoch':
      return epochJson(draft)
    case 'evidence':
      return evidenceJson(draft)
  }
}
