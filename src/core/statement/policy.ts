/**
 * One version of a policy bundle (design 2).
 *
 *   {"bundle":"agents","entities":[…],"issued":"…","mesh":"sha256:…","mode":"enforce",
 *    "policies":{"read.cedar":"permit (…);"},"previous":["sha256:…"],"root":3,
 *    "schema":"entity principal; …","tests":[…],"version":8}
 *
 * Version 1 has no previous one; each later version names one or, to resolve a
 * conflict, several. Whether it compiles is for PolicyEngine.check.
 */
import type { StatementId } from '../id.ts'
import { objectOf } from '../ipld.ts'
import type { Json, JsonObject } from '../json.ts'
import { POLICIES_PER_BUNDLE_MAX, PREVIOUS_MAX, STATEMENT_BYTES_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import { any, id as idReader, list, literal, map, name, object, text } from '../shape.ts'
import { type Common, common, commonJson, commonOf, distinct, version } from './common.ts'

export interface Policy extends Common {
  readonly type: 'policy'
  readonly bundle: string
  readonly version: number
  /** None for version 1; several resolve a conflict. */
  readonly previous: readonly StatementId[]
  readonly mode: 'enforce' | 'observe'
  /** File name → Cedar text. */
  readonly policies: ReadonlyMap<string, string>
  readonly schema: string
  readonly entities: Json
  readonly tests: Json
}

const fields = object({
  ...common,
  bundle: name,
  version,
  previous: distinct(list(idReader, PREVIOUS_MAX)),
  mode: literal('enforce', 'observe'),
  policies: map(text(STATEMENT_BYTES_MAX), POLICIES_PER_BUNDLE_MAX),
  schema: text(STATEMENT_BYTES_MAX),
  entities: any,
  tests: any,
})

/** @throws Malformed */
export function readPolicy(id: StatementId, json: Json): Policy {
  const read = fields(json, 'policy')
  const { bundle, version, previous, mode, policies, schema, entities, tests } = read
  if ((version === 1) !== (previous.length === 0)) {
    throw new Malformed('version 1 of a bundle has no previous one, and every later version has')
  }
  const content = { bundle, version, previous, mode, policies, schema, entities, tests }
  return { type: 'policy', ...commonOf(id, read), ...content }
}

export function policyJson(draft: Omit<Policy, 'id'>): JsonObject {
  const { bundle, version, previous, mode, schema, entities, tests } = draft
  const policies = objectOf(draft.policies)
  return {
    ...commonJson(draft),
    ...{ bundle, version, previous, mode, policies, schema, entities, tests },
  }
}
