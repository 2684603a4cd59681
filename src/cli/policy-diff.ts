/** `meshd policy diff <old> <new>`: what differs between two versions, or a version and a directory. */
import { existsSync } from 'node:fs'
import { stripControls } from '../core/text.ts'
import type { Context } from './context.ts'
import { diffLines } from './diff.ts'
import { forPeople, printItem } from './output.ts'
import { policyNamed } from './policy.ts'
import { type BundleContent, readBundleDir } from './policy-check.ts'
import { contentOf } from './policy-publish.ts'
import { type Command, flagOption } from './spec.ts'

const DIFFERENT_EXIT = 7
const JSON_INDENT = 2

export const policyDiff: Command = {
  name: 'policy diff',
  group: 'GOVERN',
  args: ['<old>', '<new>'],
  says: 'what differs between two versions, or a version and a directory',
  examples: ['meshd policy diff ci@4 ci@5', 'meshd policy diff ci@4 policies/ci --exit-code'],
  options: [{ flags: '--exit-code', says: `exit ${DIFFERENT_EXIT} when they differ` }],
  run: async (context, [before = '', after = ''], options) => {
    const [old, fresh] = await Promise.all([side(context, before), side(context, after)])
    const files = [...new Set([...old.keys(), ...fresh.keys()])].sort()
    const changes = files.flatMap((file) => {
      const lines = diffLines(old.get(file) ?? '', fresh.get(file) ?? '')
      return lines.length === 0 ? [] : [{ file, lines }]
    })
    if (forPeople(context)) for (const change of changes) print(context, change)
    else
      printItem(context, {
        kind: 'PolicyDiff',
        seenFrom: '',
        item: { changes },
        id: changes.map(({ file }) => file).join(' '),
        lines: () => [],
      })
    if (changes.length === 0) context.say('no difference')
    return changes.length > 0 && flagOption(options, 'exitCode') ? DIFFERENT_EXIT : 0
  },
}

/** A directory if there is one of that name and it looks like a path; else a signed version. */
async function side(context: Context, text: string): Promise<ReadonlyMap<string, string>> {
  const directory = !text.includes('@') && existsSync(text)
  return filesOf(
    directory ? await readBundleDir(text) : contentOf((await policyNamed(context, text)).payload),
  )
}

function filesOf(content: BundleContent): ReadonlyMap<string, string> {
  const tests = content.tests.map(({ where: _, ...test }) => test)
  return new Map([
    ...content.policies,
    ['bundle.yaml', `mode: ${content.mode}`],
    ['schema.cedarschema', content.schema],
    ['entities.json', JSON.stringify(content.entities, null, JSON_INDENT)],
    ['tests', JSON.stringify(tests, null, JSON_INDENT)],
  ])
}

interface Change {
  readonly file: string
  readonly lines: readonly {
    readonly sign: '+' | '-'
    readonly line: number
    readonly text: string
  }[]
}

function print({ print: out, style }: Context, { file, lines }: Change): void {
  out(`~ ${stripControls(file)}`)
  for (const { sign, line, text } of lines) {
    const paint = sign === '+' ? style.good : style.bad
    out(paint(`${String(line).padStart(5)} ${sign} ${stripControls(text)}`))
  }
}
