/** `POST /v1/policies/check`: a bundle before anybody signs it, against the engine that would judge by it. */
import type { PolicyCheckView } from '../client/types.ts'
import { idOf } from '../core/id.ts'
import { POLICIES_PER_BUNDLE_MAX, STATEMENT_BYTES_MAX } from '../core/limits.ts'
import type { PolicyEngine } from '../core/policy.ts'
import * as shape from '../core/shape.ts'
import { bodyOf } from './bodies.ts'
import { ADMIN, json, type Route } from './router.ts'

const bundleBody = shape.object({
  bundle: shape.name,
  version: shape.integer(1, Number.MAX_SAFE_INTEGER),
  mode: shape.literal('enforce', 'observe'),
  policies: shape.map(shape.text(STATEMENT_BYTES_MAX), POLICIES_PER_BUNDLE_MAX),
  schema: shape.text(STATEMENT_BYTES_MAX),
  entities: shape.any,
  tests: shape.any,
})

/** Of nobody's mesh and signed by nobody: only its content is looked at. */
const UNSIGNED = { type: 'policy', root: 1, issuedMs: 0, message: null, previous: [] } as const

export function policyRoutes(engine: PolicyEngine): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/policies/check',
      // It runs the tests of a stranger's bundle at once, and whoever publishes needs this socket anyway.
      roles: ADMIN,
      handle: (ask) => {
        const body = bodyOf(ask, bundleBody)
        const id = idOf(ask.body)
        const problems = engine.check({ ...UNSIGNED, id, mesh: id, ...body })
        const tests = Array.isArray(body.tests) ? body.tests.length : 0
        const view: PolicyCheckView = { policies: body.policies.size, tests, problems }
        return json(view)
      },
    },
  ]
}
