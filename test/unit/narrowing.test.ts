/** S12 (FAULTS 1.1): no child ever gains. Chains of signed links, against the reference model. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { commandOf, covers } from '../../src/core/command.ts'
import { type Delegation, parseDelegation } from '../../src/core/delegation.ts'
import {
  checkEnvironment,
  checkGovernance,
  checkRuntime,
  checkScope,
} from '../../src/core/demands.ts'
import type { Asked } from '../../src/core/invocation.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { row } from '../lab/row.ts'
import { policies, views } from './generators.ts'
import { modelHolds } from './model.ts'

interface Link {
  readonly cmd: string
  readonly pol: readonly Json[]
  readonly depth: number | null
}

const commands = fc.constantFrom('/', '/', '/', '/a', '/a', '/a', '/a/b', '/a/bc', '/b')
const links: fc.Arbitrary<Link[]> = fc.array(
  fc.record({
    cmd: commands,
    pol: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, policies),
    depth: fc.constantFrom<(number | null)[]>(null, null, null, 0, 1, 2),
  }),
  { minLength: 1, maxLength: 4 },
)

const chainOf = (all: readonly Link[]): Delegation[] =>
  all.map(({ cmd, pol, depth }, i) => {
    return parseDelegation(link(i, { cmd, pol, meta: depth === null ? undefined : { depth } }))
  })

function accepted(chain: readonly Delegation[], view: JsonObject): boolean {
  const denial =
    checkRuntime(chain, null, person(0).did, view) ??
    checkEnvironment(chain, view) ??
    checkGovernance(chain, view) ??
    checkScope(chain, askedOf(view), view)
  return denial === null
}

function askedOf(view: JsonObject): Asked {
  const args = view['args'] as JsonObject
  return { action: String(view['action']), resource: { type: 'r', id: 'x' }, subject: null, args }
}

/** What a chain grants, written from its definition. */
function modelAccepts(all: readonly Link[], view: JsonObject): boolean {
  const asked = commandOf(String(view['action']))
  return all.every(({ cmd, pol, depth }, i) => {
    const next = all[i + 1]
    const deep = depth === null || all.length - 1 - i <= depth
    const rising = all.slice(0, i).some((above, k) => {
      return above.depth !== null && depth !== null && depth > above.depth - (i - k)
    })
    return (
      deep &&
      !rising &&
      covers(cmd, next?.cmd ?? asked) &&
      covers(cmd, asked) &&
      modelHolds(pol, view)
    )
  })
}

test('a chain accepts exactly what the model accepts, and so do its links one by one', (t) => {
  let [held, narrowed] = [0, 0]
  fc.assert(
    fc.property(links, views, (all, view) => {
      const chain = chainOf(all)
      const whole = accepted(chain, view as JsonObject)
      assert.equal(whole, modelAccepts(all, view as JsonObject))
      const each = chain.map((one) => accepted([one], view as JsonObject))
      if (whole) assert.ok(each.every(Boolean), 'a chain gained what one of its links refuses')
      if (whole && all.length > 1) held++
      if (!whole && each.at(-1) === true) narrowed++
    }),
    { numRuns: 1500 },
  )
  assert.ok(held > 20 && narrowed > 20, `${held} held, ${narrowed} were narrowed by a parent`)
  row(t, 88, '0 escapes from the model')
})

test('one more link never turns a denial into an allow', (t) => {
  fc.assert(
    fc.property(links, views, (all, view) => {
      const chain = chainOf(all)
      fc.pre(chain.length > 1 && !accepted(chain.slice(0, -1), view as JsonObject))
      assert.ok(!accepted(chain, view as JsonObject))
    }),
    { numRuns: 300 },
  )
  row(t, 88, '0 denials widened')
})
