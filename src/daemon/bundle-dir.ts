/**
 * A policy bundle as people keep it, a directory, read into what a policy
 * statement carries:
 *
 *   bundle.yaml             name: ci · mode: enforce
 *   *.cedar                 the policies, each with its @id
 *   schema.cedarschema · entities.json
 *   tests/*.test.yaml       lists of {name, request, facts, expect, by, code}
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isNode, isSeq } from 'yaml'
import { textOf } from '../core/bytes.ts'
import { objectOf } from '../core/ipld.ts'
import { type Json, type JsonObject, parseJson } from '../core/json.ts'
import { STATEMENT_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { isMap } from '../core/selector.ts'
import * as shape from '../core/shape.ts'
import { ENTITIES_FILE, SCHEMA_FILE } from './cedar-compile.ts'
import { readYaml, valueIn } from './yaml.ts'

/** The content of a version: what its statement says beside who signs it, and when. */
export interface BundleContent {
  readonly bundle: string
  readonly mode: 'enforce' | 'observe'
  /** File name → text. */
  readonly policies: ReadonlyMap<string, string>
  readonly schema: string
  readonly entities: Json
  /** Each with the place it came from, as `where`. */
  readonly tests: readonly JsonObject[]
}

const MANIFEST = 'bundle.yaml'
const TESTS = 'tests'
/** What may lie beside it without being part of it. */
const BESIDE = /^(?:\.|README)/

const manifest = shape.object({
  name: shape.name,
  mode: shape.optional(shape.literal('enforce', 'observe')),
})

/** Reads and checks the form; whether it compiles is for `PolicyEngine.check`. @throws MeshError POLICY_INVALID, NOT_FOUND */
export async function readBundle(directory: string): Promise<BundleContent> {
  const names = await list(directory)
  const policies = names.filter((name) => name.endsWith('.cedar'))
  const known = [MANIFEST, SCHEMA_FILE, ENTITIES_FILE, TESTS, ...policies]
  // A forbid in a file that nobody reads would be lost in silence.
  const stray = names.find((name) => !known.includes(name) && !BESIDE.test(name))
  if (stray !== undefined) throw invalid(stray, 'is no part of a bundle')
  const { name, mode = 'enforce' } = await readManifest(directory)
  return {
    bundle: name,
    mode,
    policies: new Map(
      await Promise.all(
        policies.map(async (file) => [file, await readText(directory, file)] as const),
      ),
    ),
    schema: await readText(directory, SCHEMA_FILE),
    entities: names.includes(ENTITIES_FILE) ? await readEntitiesFile(directory) : [],
    tests: names.includes(TESTS) ? await readTestFiles(directory) : [],
  }
}

async function readManifest(directory: string): Promise<shape.Read<typeof manifest>> {
  const { document } = documentIn(MANIFEST, await readText(directory, MANIFEST))
  return within(MANIFEST, () => manifest(jsonOf(valueIn(document, document.contents)), ''))
}

async function readEntitiesFile(directory: string): Promise<Json> {
  const bytes = Buffer.from(await readText(directory, ENTITIES_FILE))
  return within(ENTITIES_FILE, () => parseJson(bytes, STATEMENT_BYTES_MAX))
}

async function readTestFiles(directory: string): Promise<readonly JsonObject[]> {
  const tests: JsonObject[] = []
  for (const name of await list(join(directory, TESTS))) {
    const file = `${TESTS}/${name}`
    if (BESIDE.test(name)) continue
    if (!name.endsWith('.test.yaml')) throw invalid(file, 'is no `*.test.yaml`')
    tests.push(...testsIn(file, await readText(directory, file)))
  }
  return tests
}

function testsIn(file: string, text: string): readonly JsonObject[] {
  const { document, lines } = documentIn(file, text)
  if (!isSeq(document.contents)) throw invalid(file, 'a test file is a list')
  return document.contents.items.map((item) => {
    const place = isNode(item) ? lines.linePos(item.range?.[0] ?? 0).line : 1
    const where = `${file}:${place}`
    const json = within(where, () => jsonOf(isNode(item) ? valueIn(document, item) : item))
    if (!isMap(json)) throw invalid(where, 'a test is a map')
    return objectOf([...Object.entries(json), ['where', where]])
  })
}

function documentIn(file: string, text: string) {
  const { document, lines } = within(file, () => readYaml(text))
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) {
    throw invalid(`${file}:${lines.linePos(problem.pos[0]).line}`, problem.message)
  }
  return { document, lines }
}

/** YAML has more values than JSON: they are refused, not rounded. @throws Malformed */
function jsonOf(value: unknown): Json {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Malformed('not a number')
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as Json
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value !== 'object') throw new Malformed('a value that JSON does not have')
  return objectOf(Object.entries(value).map(([key, each]) => [key, jsonOf(each)]))
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (cause) {
    // Whatever the reason is, the operator named the place.
    throw new MeshError('NOT_FOUND', `no policy bundle can be read at \`${directory}\``, {
      hint: 'a directory with bundle.yaml in it, such as config/starter-policy',
      cause,
    })
  }
}

async function readText(directory: string, file: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(join(directory, file))
  } catch (cause) {
    // Absent, or not for us to read: without it there is no bundle.
    throw new MeshError('POLICY_INVALID', `${file}: cannot be read`, { cause })
  }
  if (bytes.length > STATEMENT_BYTES_MAX) throw invalid(file, 'is too large')
  return within(file, () => textOf(bytes))
}

function within<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    // The same refusal, with its place.
    if (error instanceof Malformed) throw invalid(where, error.message)
    throw error
  }
}

function invalid(where: string, what: string): MeshError {
  return new MeshError('POLICY_INVALID', `${where}: ${what}`)
}
