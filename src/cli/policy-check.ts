/** `meshd policy check|test`: what a daemon would find before it accepts a bundle, found here, without a daemon. */
import type { PolicyCheckView } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import { stripControls } from '../core/text.ts'
import type { Context } from './context.ts'
import { printItem } from './output.ts'
import type { Command } from './spec.ts'
import { plural } from './text.ts'

type Problem = PolicyCheckView['problems'][number]

/** What a directory holds; see daemon/bundle-dir.ts. */
export type BundleContent = Awaited<
  ReturnType<typeof import('../daemon/bundle-dir.ts')['readBundle']>
>

export const policyCheck: Command = {
  name: 'policy check',
  group: 'GOVERN',
  args: ['<directory>'],
  says: 'strict validation of a bundle, without its tests',
  examples: ['meshd policy check policies/ci'],
  run: async (context, [directory = '']) => {
    const content = await readBundleDir(directory)
    return told(context, directory, { ...content, tests: [] }, null)
  },
}

export const policyTest: Command = {
  name: 'policy test',
  group: 'GOVERN',
  args: ['<directory>'],
  says: "strict validation, and the bundle's own tests",
  examples: ['meshd policy test policies/ci'],
  run: async (context, [directory = '']) => {
    const content = await readBundleDir(directory)
    return told(context, directory, content, content.tests)
  },
}

/** @throws MeshError POLICY_INVALID, NOT_FOUND */
export async function readBundleDir(directory: string): Promise<BundleContent> {
  const { readBundle } = await import('../daemon/bundle-dir.ts')
  return readBundle(directory)
}

async function told(
  context: Context,
  directory: string,
  content: BundleContent,
  tests: BundleContent['tests'] | null,
): Promise<number> {
  const view = await checked(content)
  printItem(context, {
    kind: 'PolicyCheck',
    seenFrom: '',
    item: view,
    id: content.bundle,
    lines: () =>
      [headLine(directory, view), ...(tests === null ? [] : testLines(tests, view.problems))]
        .concat(problemLines(context, view.problems))
        .map((line) => context.style.symbols(line)),
  })
  const [first] = view.problems
  if (first === undefined) return 0
  throw new MeshError(
    'POLICY_INVALID',
    `${directory}: ${plural(view.problems.length, 'problem')}`,
    {
      hint: `mend ${stripControls(first.where)} first`,
    },
  )
}

/** The version is not known before it is published, and nothing that is checked depends on it. */
async function checked(content: BundleContent): Promise<PolicyCheckView> {
  const [{ checkBundle }, { compile }] = await Promise.all([
    import('../daemon/cedar-check.ts'),
    import('../daemon/cedar-compile.ts'),
  ])
  const source = { ...content, version: 1 }
  const problems = checkBundle(source)
  const compiled = compile(source)
  const policies = 'rules' in compiled ? compiled.rules.length : content.policies.size
  return { policies, tests: content.tests.length, problems }
}

function headLine(directory: string, { policies, problems }: PolicyCheckView): string {
  const bad = (kind: Problem['kind']) => problems.some((problem) => problem.kind === kind)
  const schema = bad('schema') ? 'schema does not hold' : 'schema ok'
  const valid = bad('syntax') || bad('rule') ? 'validation failed' : 'strict validation ok'
  return `${stripControls(directory)}   ${plural(policies, 'policy', 'policies')}, ${schema}, ${valid}`
}

/** `tests/ci.test.yaml   8 passed, 1 failed`, one line a file. */
function testLines(tests: BundleContent['tests'], problems: readonly Problem[]): string[] {
  const compiles = problems.every(({ kind }) => kind === 'test')
  if (!compiles) return ['tests were not run: it does not compile']
  const files = new Map<string, { passed: number; failed: number }>()
  for (const { where } of tests) {
    const file = String(where).replace(/:\d+$/, '')
    const counts = files.get(file) ?? { passed: 0, failed: 0 }
    const failed = problems.some((problem) => problem.where === where)
    files.set(file, {
      passed: counts.passed + (failed ? 0 : 1),
      failed: counts.failed + (failed ? 1 : 0),
    })
  }
  return [...files].map(
    ([file, { passed, failed }]) => `${file}   ${passed} passed, ${failed} failed`,
  )
}

function problemLines({ style }: Context, problems: readonly Problem[]): string[] {
  return problems.flatMap(({ where, says }) => [
    '',
    `${style.bad('✗')} ${stripControls(where)}`,
    `    ${stripControls(says)}`,
  ])
}
