/** `meshd help [<command>|<CODE>]`: both closed lists of codes explain themselves here. */
import { isProblemCode, MeshError, PROBLEMS } from '../core/problems.ts'
import { isReasonCode, REASONS } from '../core/reasons.ts'
import type { Context } from './context.ts'
import { helpText } from './help-text.ts'
import { buildProgram } from './program.ts'
import type { Command } from './spec.ts'

export function helpCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'help',
    group: 'OPERATE',
    args: ['[topic...]'],
    says: 'explain a command, a reason code or a problem code',
    examples: ['meshd help revoke', 'meshd help REVOKED'],
    run: async (context, words) => {
      context.print(explain(words.join(' '), commands(), context).trimEnd())
      return 0
    },
  }
}

function explain(topic: string, commands: readonly Command[], context: Context): string {
  return topic === ''
    ? helpText(commands)
    : (codeText(topic) ?? commandText(topic, commands, context))
}

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
  const found = commands.filter(({ name }) => name === topic || name.startsWith(`${topic} `))
  if (found.length === 0)
    throw new MeshError('NOT_FOUND', `no command and no code \`${topic}\``, { hint: 'meshd help' })
  const [only] = found
  if (found.length > 1 || only === undefined) return helpText(found)
  const program = buildProgram([only], context.io, context.signal, { status: 0 })
  const words = only.name.split(' ')
  const parent = words.length === 1 ? program : program.commands[0]
  return helpText([only], parent?.commands[0])
}
