/** `meshd help [<command>|<CODE>]`: both closed lists of codes explain themselves here. */
import { isProblemCode, MeshError, PROBLEMS } from '../core/problems.ts'
import { isReasonCode, REASONS } from '../core/reasons.ts'
import type { Context } from './context.ts'
import { helpText } from './help-text.ts'
import { buildProgram } from './program.ts'
import type { Command } from './spec.ts'

export const help: Command = {
  name: 'help',
  group: 'OPERATE',
  args: ['[topic...]'],
  says: 'explain a command, a reason code or a problem code',
  examples: ['meshd help revoke', 'meshd help REVOKED'],
  run: async (context, words) => {
    const topic = words.join(' ')
    const text = codeText(topic) ?? commandText(topic, await context.commands(), context)
    context.data(text.trimEnd())
    return 0
  },
}

/** What one code means and what to do about it; null for what is no code. */
function codeText(topic: string): string | null {
  if (isReasonCode(topic)) {
    const { check, says, mend, passes } = REASONS[topic]
    const where = check === 0 ? 'outside the checks' : `check ${check}`
    const later = passes
      ? '  later  the same request may succeed without anybody signing anything'
      : null
    return [`${topic} (${where}): ${says}`, `  do     ${mend}`, later]
      .filter((l) => l !== null)
      .join('\n')
  }
  if (isProblemCode(topic)) {
    const { exit, says, hint } = PROBLEMS[topic]
    return `${topic} (exit ${exit}): ${says}\n  do     ${hint}`
  }
  return null
}

function commandText(topic: string, commands: readonly Command[], context: Context): string {
  if (topic === '') return helpText(commands)
  const found = commands.filter(({ name }) => name === topic || name.startsWith(`${topic} `))
  if (found.length === 0)
    throw new MeshError('NOT_FOUND', `no command and no code \`${topic}\``, { hint: 'meshd help' })
  const [only] = found
  if (found.length > 1 || only === undefined) return helpText(found)
  const program = buildProgram([only], {
    io: context.io,
    signal: context.signal,
    interrupt: () => {},
    outcome: { status: 0 },
    all: context.commands,
  })
  const words = only.name.split(' ')
  const parent = words.length === 1 ? program : program.commands[0]
  return helpText([only], parent?.commands[0])
}
