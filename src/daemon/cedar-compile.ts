/**
 * From the text of a bundle to what decides by it. Everything that is wrong is
 * found here, before it is signed and again before it is accepted; a bundle in
 * force that does not compile denies everything.
 */
import { POLICIES_PER_BUNDLE_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { PolicyProblem } from '../core/policy.ts'
import type { Policy } from '../core/statement/policy.ts'
import {
  type CedarFault,
  checkEntities,
  policyJson,
  schemaJson,
  splitPolicies,
  validatePolicies,
} from './cedar.ts'
import { readEntities, StaticEntities } from './cedar-entities.ts'
import { type Rule, ruleOf } from './cedar-rule.ts'
import { SchemaModel } from './cedar-schema.ts'

/** What of a policy statement decides. */
export type BundleSource = Pick<
  Policy,
  'bundle' | 'version' | 'policies' | 'schema' | 'entities' | 'tests'
>

export interface Compiled {
  readonly bundle: string
  readonly version: number
  readonly rules: readonly Rule[]
  readonly schemaText: string
  readonly schema: SchemaModel
  readonly entities: StaticEntities
}

export const SCHEMA_FILE = 'schema.cedarschema'
export const ENTITIES_FILE = 'entities.json'

/** One policy's place in its file. */
interface Placed {
  readonly file: string
  readonly fileText: string
  /** In characters. */
  readonly start: number
  readonly rule: Rule
}

/** All problems at once, or what decides. */
export function compile(source: BundleSource): Compiled | readonly PolicyProblem[] {
  const problems: PolicyProblem[] = []
  const placed = readRules(source, problems)
  const schema = readSchema(source.schema, problems)
  const entities = readStatic(source, schema !== null, problems)
  if (schema !== null && problems.length === 0) validate(source.schema, placed, problems)
  if (schema === null || entities === null || problems.length > 0) return problems
  const { bundle, version } = source
  const rules = placed.map(({ rule }) => rule)
  return { bundle, version, rules, schemaText: source.schema, schema, entities }
}

function readRules({ policies }: BundleSource, problems: PolicyProblem[]): readonly Placed[] {
  const placed: Placed[] = []
  for (const [file, text] of policies) placed.push(...rulesIn(file, text, problems))
  const byId = new Map<string, Placed>()
  for (const each of placed) {
    const first = byId.get(each.rule.id)
    if (first === undefined) byId.set(each.rule.id, each)
    else {
      const says = `the id \`${each.rule.id}\` is taken by ${whereIs(first)}`
      problems.push({ where: whereIs(each), says, kind: 'rule' })
    }
  }
  if (placed.length === 0 && problems.length === 0) {
    problems.push({ where: '*.cedar', says: 'the bundle has no policy', kind: 'rule' })
  }
  if (placed.length > POLICIES_PER_BUNDLE_MAX) {
    const says = `the bundle has more than ${POLICIES_PER_BUNDLE_MAX} policies`
    problems.push({ where: '*.cedar', says, kind: 'rule' })
  }
  return placed
}

function rulesIn(file: string, fileText: string, problems: PolicyProblem[]): readonly Placed[] {
  const parts = splitPolicies(fileText)
  if ('faults' in parts) {
    problems.push(...problemsOf(parts.faults, file, fileText, 0, 'syntax'))
    return []
  }
  if (parts.value.templates > 0) {
    problems.push({
      where: file,
      says: 'templates are refused: write out each policy',
      kind: 'rule',
    })
  }
  const placed: Placed[] = []
  for (const text of parts.value.policies) {
    const start = Math.max(0, fileText.indexOf(text, placeAfter(placed, text)))
    const json = policyJson(text)
    if ('faults' in json) {
      problems.push(...problemsOf(json.faults, file, fileText, start, 'syntax'))
      continue
    }
    const rule = attempt(
      () => ruleOf(text, json.value),
      lineOf(file, fileText, start),
      'rule',
      problems,
    )
    if (rule !== null) placed.push({ file, fileText, start, rule })
  }
  return placed
}

/** Cedar gives the policies of a text in an order of its own; equal ones are told apart by looking further. */
function placeAfter(placed: readonly Placed[], text: string): number {
  const same = placed.filter(({ rule }) => rule.text === text)
  return Math.max(0, ...same.map(({ start }) => start + 1))
}

function readSchema(text: string, problems: PolicyProblem[]): SchemaModel | null {
  const json = schemaJson(text)
  if ('faults' in json) {
    problems.push(...problemsOf(json.faults, SCHEMA_FILE, text, 0, 'schema'))
    return null
  }
  const model = attempt(() => new SchemaModel(json.value), SCHEMA_FILE, 'schema', problems)
  if (model !== null && model.actions.length === 0) {
    problems.push({ where: SCHEMA_FILE, says: 'no action can be asked for', kind: 'schema' })
  }
  return model
}

function readStatic(
  { entities, schema }: BundleSource,
  schemaReads: boolean,
  problems: PolicyProblem[],
): StaticEntities | null {
  const read = attempt(() => readEntities(entities), ENTITIES_FILE, 'schema', problems)
  if (read === null) return null
  if (schemaReads) {
    for (const { says } of checkEntities(schema, read)) {
      problems.push({ where: ENTITIES_FILE, says, kind: 'schema' })
    }
  }
  return attempt(() => new StaticEntities(read), ENTITIES_FILE, 'schema', problems)
}

function validate(schema: string, placed: readonly Placed[], problems: PolicyProblem[]): void {
  const byId = new Map(placed.map((each) => [each.rule.id, each]))
  const texts = new Map(placed.map(({ rule }) => [rule.id, rule.text]))
  for (const fault of validatePolicies(schema, texts)) {
    const of = byId.get(fault.policy ?? '')
    if (of === undefined) problems.push({ where: '*.cedar', says: fault.says, kind: 'schema' })
    else problems.push(...problemsOf([fault], of.file, of.fileText, of.start, 'schema'))
  }
}

function attempt<T>(
  read: () => T,
  where: string,
  kind: PolicyProblem['kind'],
  problems: PolicyProblem[],
): T | null {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // A person wrote it: all problems are shown, not the first.
    problems.push({ where, says: error.message, kind })
    return null
  }
}

function problemsOf(
  faults: readonly CedarFault[],
  file: string,
  fileText: string,
  start: number,
  kind: PolicyProblem['kind'],
): readonly PolicyProblem[] {
  return faults.map(({ says, at }) => {
    const characters = at === null ? 0 : charactersIn(fileText.slice(start), at)
    return { where: lineOf(file, fileText, start + characters), says, kind }
  })
}

/** Cedar counts bytes of UTF-8. */
function charactersIn(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().length
}

function whereIs({ file, fileText, start }: Placed): string {
  return lineOf(file, fileText, start)
}

function lineOf(file: string, fileText: string, character: number): string {
  return `${file}:${fileText.slice(0, character).split('\n').length}`
}
