/** What `policy check` and `policy test` find, and what is asked again before a bundle is accepted. */
import { Malformed } from '../core/malformed.ts'
import type { PolicyProblem } from '../core/policy.ts'
import { type PolicyTest, readTests, testFailure, testInput } from '../core/policy-test.ts'
import { Bundle, Memory } from './cedar-bundle.ts'
import { combine } from './cedar-combine.ts'
import { type BundleSource, type Compiled, compile } from './cedar-compile.ts'

/** [] is good: it compiles, validates strictly, and passes its own tests. */
export function checkBundle(source: BundleSource): readonly PolicyProblem[] {
  const compiled = compile(source)
  if (!('rules' in compiled)) return compiled
  let tests: readonly PolicyTest[]
  try {
    tests = readTests(source.tests)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // A person wrote it, and is told.
    return [{ where: 'tests', says: error.message, kind: 'test' }]
  }
  const bundle = new Bundle(compiled, 'checked', new Memory())
  return tests.flatMap((test) => runTest(test, compiled, bundle) ?? [])
}

function runTest(test: PolicyTest, compiled: Compiled, bundle: Bundle): PolicyProblem | null {
  const says = failureOf(test, compiled, bundle)
  return says === null ? null : { where: test.where, says: `${test.name}: ${says}`, kind: 'test' }
}

function failureOf(test: PolicyTest, { entities }: Compiled, bundle: Bundle): string | null {
  try {
    const input = testInput(test, (name) => entities.named(name))
    const active = { bundle: bundle.name, version: bundle.version }
    return testFailure(test, combine([{ active, answer: bundle.answer(input) }]))
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // A test that cannot be asked is a test that fails.
    return error.message
  }
}
