/** Policy versions and questions for tests, as short as their point allows. */

import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import type { Json } from '../../src/core/json.ts'
import type { PolicyInput } from '../../src/core/policy.ts'
import type { Policy } from '../../src/core/statement/policy.ts'

export interface BundleFields {
  readonly bundle?: string
  readonly version?: number
  readonly mode?: 'enforce' | 'observe'
  readonly schema?: string
  readonly entities?: Json
  readonly tests?: Json
}

export const SCHEMA = `
  entity principal in [team] { name?: String, risk?: Long };
  entity team;
  entity repo in [folder] { secret?: Bool, owner?: principal };
  entity folder;
  action "tool";
  action "tool:read", "tool:push" in ["tool"] appliesTo {
    principal: principal, resource: repo,
    context: { args?: { risk?: Long, text?: String, who?: principal }, request?: { context?: { mfa?: Bool } },
      meshd?: { env: { labels: { env?: String } } } }
  };`

export const PERMIT = '@id("permit") permit (principal, action, resource);'
export const FORBID = '@id("forbid") forbid (principal, action, resource);'

const ZERO = idOf(utf8('mesh'))

/** Its id follows from its content. */
export function policyOf(text: string, fields: BundleFields = {}): Policy {
  const { bundle = 'b', version = 1, mode = 'enforce' } = fields
  const { schema = SCHEMA, entities = [], tests = [] } = fields
  return {
    type: 'policy',
    id: idOf(utf8(JSON.stringify([text, bundle, version, mode, schema, entities, tests]))),
    mesh: ZERO,
    root: 1,
    issuedMs: 0,
    message: null,
    bundle,
    version,
    previous: [],
    mode,
    policies: new Map([['p.cedar', text]]),
    schema,
    entities,
    tests,
  }
}

export function ask(over: Partial<PolicyInput> = {}): PolicyInput {
  return {
    principal: { type: 'principal', id: 'alice' },
    action: 'tool:read',
    resource: { type: 'repo', id: 'acme/docs' },
    context: { args: {}, request: { context: {} }, meshd: { env: { labels: {} } } },
    ...over,
  }
}

/** The question with other arguments. */
export function askWith(args: { readonly [key: string]: Json }): PolicyInput {
  return ask({ context: { args, request: { context: {} }, meshd: { env: { labels: {} } } } })
}
