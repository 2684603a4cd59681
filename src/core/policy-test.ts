/**
 * The tests that a policy bundle carries, signed with it:
 *
 *   {"where": "tests/ci.test.yaml:41", "name": "a fork must not deploy to prod",
 *    "request": {"principal": "ci-build", "action": "job:deploy", "resource": "env:prod", "args": {"fork": true}},
 *    "facts": {"env": {"labels": {"env": "prod"}}}, "expect": "DENY", "code": "POLICY_FORBID", "by": "no-forks"}
 *
 * A principal is `type:id`, or the name of a static entity. Facts are merged
 * over those of a node about which nothing is known.
 */
import { type Entity, parseAction, parseEntity, parseResource } from './command.ts'
import { objectOf } from './ipld.ts'
import type { Json, JsonObject } from './json.ts'
import {
  MESSAGE_BYTES_MAX,
  POLICY_TESTS_MAX,
  RECORD_TEXT_BYTES_MAX,
  RESOURCE_BYTES_MAX,
} from './limits.ts'
import { Malformed } from './malformed.ts'
import { cedarValue, type PolicyAnswer, type PolicyInput } from './policy.ts'
import { isMap } from './selector.ts'
import * as shape from './shape.ts'

const { list, literal, object, optional, text } = shape

const fields: shape.Reader<JsonObject> = (value, at) => {
  if (value === undefined || !isMap(value)) throw new Malformed(`${at}: must be an object`)
  return value
}

const test = object({
  where: text(RECORD_TEXT_BYTES_MAX),
  name: text(MESSAGE_BYTES_MAX),
  request: object({
    principal: text(RESOURCE_BYTES_MAX),
    action: text(RESOURCE_BYTES_MAX),
    resource: text(RESOURCE_BYTES_MAX),
    args: optional(fields),
    context: optional(fields),
  }),
  facts: optional(fields),
  expect: literal('ALLOW', 'DENY'),
  by: optional(text(RESOURCE_BYTES_MAX)),
  code: optional(literal('POLICY_NO_PERMIT', 'POLICY_FORBID', 'POLICY_ERROR')),
})

export type PolicyTest = shape.Read<typeof test>

/** @throws Malformed */
export function readTests(json: Json): readonly PolicyTest[] {
  return list(test, POLICY_TESTS_MAX)(json, 'tests')
}

/** @param named the static entity of a name. @throws Malformed */
export function testInput(
  { request, facts }: PolicyTest,
  named: (name: string) => Entity | null,
): PolicyInput {
  const resource = parseResource(request.resource)
  return {
    principal: named(request.principal) ?? principalOf(request.principal),
    action: parseAction(request.action),
    resource: parseEntity(resource.type, resource.id, 'resource'),
    context: objectOf([
      ['args', cedarValue(request.args ?? {})],
      ['request', cedarValue({ context: request.context ?? {}, resource: {}, subject: {} })],
      ['meshd', cedarValue(merged(UNKNOWN_NODE, facts ?? {}))],
    ]),
  }
}

/** @throws Malformed in the words of who wrote the test */
function principalOf(text: string): Entity {
  if (text.includes(':')) return parseResource(text)
  throw new Malformed('a principal is `type:id`, or the name of a static entity')
}

/** What is always measured, and of nobody in particular. */
const UNKNOWN_NODE: JsonObject = {
  node: { id: 'did:key:test', labels: {} },
  runtime: {},
  env: { labels: {}, files: {} },
  gov: { digest: '0'.repeat(64), bundles: {} },
}

function merged(under: JsonObject, over: JsonObject): JsonObject {
  const keys = new Set([...Object.keys(under), ...Object.keys(over)])
  return objectOf([...keys].map((key) => [key, mergedAt(under[key], over[key])]))
}

function mergedAt(under: Json | undefined, over: Json | undefined): Json {
  if (under === undefined || over === undefined) return over ?? under ?? null
  return isMap(under) && isMap(over) ? merged(under, over) : over
}

type Answer = Pick<PolicyAnswer, 'decision' | 'code' | 'determining' | 'errors'>

/** What is wrong with the answer; null if nothing is: `want DENY, got ALLOW by "ci-may-deploy"`. */
export function testFailure({ expect, by, code }: PolicyTest, answer: Answer): string | null {
  const got = answer.decision === 'allow' ? 'ALLOW' : 'DENY'
  const policies = answer.determining.map(({ policy }) => policy)
  const right =
    got === expect &&
    (by === undefined || policies.includes(by)) &&
    (code === undefined || code === answer.code)
  if (right) return null
  const want = [expect, code, by === undefined ? undefined : `by "${by}"`]
  const found = [got, answer.code, ...policies.map((each) => `by "${each}"`), ...answer.errors]
  return `want ${words(want)}, got ${words(found)}`
}

function words(parts: readonly (string | null | undefined)[]): string {
  return parts.filter((each) => each != null).join(' ')
}
