/**
 * Cedar's wasm build, with its traps closed (FACTS 5.1). The only importer of
 * the package: nothing here throws, answers are ours, ids are the caller's.
 *
 * An authorization is always validated against a schema; there is no call
 * without one. No policy text is built from input, and none is printed again
 * from its JSON, which rounds 64-bit numbers.
 */
import * as wasm from '@cedar-policy/cedar-wasm/nodejs'
import type { Entity } from '../core/command.ts'
import type { JsonObject } from '../core/json.ts'

/** What Cedar says is wrong. */
export interface CedarFault {
  readonly says: string
  /** Bytes of UTF-8 before the place, in the text that was given; null without one. */
  readonly at: number | null
  /** Of which policy; null for none of them in particular. */
  readonly policy: string | null
}

export type CedarAnswer =
  | {
      readonly kind: 'answer'
      readonly decision: 'allow' | 'deny'
      /** Ids of the permits or forbids that determined it. */
      readonly reasons: readonly string[]
      /** Policies that could not be evaluated, and that Cedar therefore skipped. */
      readonly errors: readonly string[]
    }
  | { readonly kind: 'failure'; readonly says: string }

/** A value, or why there is none. */
export type Outcome<T> = { readonly value: T } | { readonly faults: readonly CedarFault[] }

export interface StaticEntity {
  readonly uid: Entity
  readonly attrs: JsonObject
  readonly parents: readonly Entity[]
  readonly tags?: JsonObject
}

export interface CedarCall {
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: JsonObject
  /** No two of one uid. */
  readonly entities: readonly StaticEntity[]
  /** Names under which both were preparsed. */
  readonly schema: string
  readonly policies: string
}

export function authorize(call: CedarCall): CedarAnswer {
  const { schema, policies, ...rest } = call
  return guarded<CedarAnswer>(
    () => {
      const answer = wasm.statefulIsAuthorized({
        ...(rest as Omit<wasm.StatefulAuthorizationCall, 'preparsedPolicySetId'>),
        preparsedPolicySetId: policies,
        preparsedSchemaName: schema,
        validateRequest: true,
      })
      if (answer.type !== 'success') return { kind: 'failure', says: summary(answer.errors) }
      const { decision, diagnostics } = answer.response
      const errors = diagnostics.errors.map((each) => `${each.policyId}: ${each.error.message}`)
      return { kind: 'answer', decision, reasons: diagnostics.reason, errors }
    },
    (says) => ({ kind: 'failure', says }),
  )
}

/** Keeps policies under a name until the name is used again: the library forgets nothing else. @param policies id → text */
export function preparsePolicies(
  name: string,
  policies: ReadonlyMap<string, string>,
): readonly CedarFault[] {
  return parsed(() =>
    wasm.preparsePolicySet(name, { staticPolicies: Object.fromEntries(policies) }),
  )
}

export function preparseSchema(name: string, schema: string): readonly CedarFault[] {
  return parsed(() => wasm.preparseSchema(name, schema))
}

/** The policies of one text, each as it stands there, and how many templates. */
export function splitPolicies(
  text: string,
): Outcome<{ readonly policies: readonly string[]; readonly templates: number }> {
  return outcome(() => {
    const answer = wasm.policySetTextToParts(text)
    if (answer.type !== 'success') return { faults: answer.errors.map((each) => faultOf(each)) }
    return { value: { policies: answer.policies, templates: answer.policy_templates.length } }
  })
}

/** One policy as JSON: to read its head and annotations, never to print it again. */
export function policyJson(text: string): Outcome<wasm.PolicyJson> {
  return outcome(() => {
    const answer = wasm.policyToJson(text)
    if (answer.type !== 'success') return { faults: answer.errors.map((each) => faultOf(each)) }
    return { value: answer.json }
  })
}

/** A schema as JSON, every type told apart. */
export function schemaJson(text: string): Outcome<wasm.SchemaJson<string>> {
  return outcome(() => {
    const answer = wasm.schemaToJsonWithResolvedTypes(text)
    if (answer.type !== 'success') return { faults: answer.errors.map((each) => faultOf(each)) }
    return { value: answer.json }
  })
}

/** Strict validation. A warning counts: a policy that can never apply does not do what its author thinks. */
export function validatePolicies(
  schema: string,
  policies: ReadonlyMap<string, string>,
): readonly CedarFault[] {
  return guarded<readonly CedarFault[]>(
    () => {
      const answer = wasm.validate({
        schema,
        policies: { staticPolicies: Object.fromEntries(policies) },
      })
      if (answer.type !== 'success') return answer.errors.map((each) => faultOf(each))
      const found = [...answer.validationErrors, ...answer.validationWarnings]
      const general = answer.otherWarnings.map((each) => faultOf(each))
      return [...found.map((each) => faultOf(each.error, each.policyId)), ...general]
    },
    (says) => [{ says, at: null, policy: null }],
  )
}

/** Whether static entities conform to a schema. */
export function checkEntities(
  schema: string,
  entities: readonly StaticEntity[],
): readonly CedarFault[] {
  return parsed(() => wasm.checkParseEntities({ entities: entities as wasm.Entities, schema }))
}

function parsed(call: () => wasm.CheckParseAnswer): readonly CedarFault[] {
  return guarded<readonly CedarFault[]>(
    () => {
      const answer = call()
      return answer.type === 'success' ? [] : answer.errors.map((each) => faultOf(each))
    },
    (says) => [{ says, at: null, policy: null }],
  )
}

function outcome<T>(call: () => Outcome<T>): Outcome<T> {
  return guarded(call, (says) => ({ faults: [{ says, at: null, policy: null }] }))
}

function guarded<T>(call: () => T, failed: (says: string) => T): T {
  try {
    return call()
  } catch (error) {
    // Some input makes the library throw where other input makes it answer; both are a no.
    return failed(error instanceof Error ? error.message : String(error))
  }
}

function faultOf(error: wasm.DetailedError, policy: string | null = null): CedarFault {
  const help = error.help === null ? '' : ` (${error.help})`
  return {
    says: `${error.message}${help}`.replaceAll(/\s+/g, ' '),
    at: error.sourceLocations?.[0]?.start ?? null,
    policy,
  }
}

function summary(errors: readonly wasm.DetailedError[]): string {
  return errors.map((each) => each.message).join('; ') || 'no reason given'
}

export type { PolicyJson, SchemaJson, Type } from '@cedar-policy/cedar-wasm/nodejs'
