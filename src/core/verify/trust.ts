/**
 * What a stranger is given to trust: the signed roots of one mesh and the
 * memberships of their witnesses, as `meshd root show -f` writes them.
 * Everything else that he is shown must follow from it by signatures.
 *
 *   {"apiVersion":"meshd/v1","kind":"TrustRoot",
 *    "statements":[{"payload":"…","payloadType":"…","signatures":[…]}, …]}
 *
 * Canonical JSON and a line feed. A root may name a new witness only if it is a
 * member already, so the chain cannot be followed without the memberships.
 */
import { textOf, utf8 } from '../bytes.ts'
import { formatJson, parseCanonical } from '../json.ts'
import { TRUST_BYTES_MAX, TRUST_STATEMENTS_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import { any, list, literal, object } from '../shape.ts'

/** Envelopes: every root, version 1 first, then memberships. */
export type TrustRoot = readonly Uint8Array[]

const fields = object({
  apiVersion: literal('meshd/v1'),
  kind: literal('TrustRoot'),
  statements: list(any, TRUST_STATEMENTS_MAX),
})

export function formatTrust(statements: TrustRoot): Uint8Array {
  const json = statements.map((bytes) => parseCanonical(bytes, bytes.length))
  return utf8(`${formatJson({ apiVersion: 'meshd/v1', kind: 'TrustRoot', statements: json })}\n`)
}

/** The exact inverse of formatTrust; whether the roots follow each other is for authority.ts. @throws Malformed */
export function parseTrust(bytes: Uint8Array): TrustRoot {
  if (!textOf(bytes).endsWith('\n')) throw new Malformed('a trust root ends with a line feed')
  const json = parseCanonical(bytes.subarray(0, -1), TRUST_BYTES_MAX)
  const { statements } = fields(json, 'trust')
  return statements.map((each) => utf8(formatJson(each)))
}
