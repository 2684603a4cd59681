/** Help: examples first, commands by group, one line each. */
import type { Command as Program } from 'commander'
import { type Command, GROUPS } from './spec.ts'

export function helpText(commands: readonly Command[], program?: Program): string {
  const [only] = commands
  return commands.length === 1 && only !== undefined && program !== undefined
    ? oneCommand(only, program)
    : overview(commands)
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => usage(command).length))
  const lines: string[] = []
  for (const group of GROUPS) {
    const own = commands.filter((command) => command.group === group)
    if (own.length === 0) continue
    lines.push(
      '',
      group,
      ...own.map((command) => `  ${usage(command).padEnd(width)}  ${command.says}`),
    )
  }
  return `${lines.slice(1).join('\n')}\n\nmeshd help <command>, meshd help <CODE>\n`
}

function oneCommand(command: Command, program: Program): string {
  const shown = program.options.filter(({ hidden }) => !hidden)
  const options = shown.map(({ flags, description }) => ({ flags, description }))
  const width = Math.max(...options.map(({ flags }) => flags.length))
  return [
    ...command.examples.map((example) => `  ${example}`),
    '',
    `${usage(command)}`,
    `  ${command.says}`,
    '',
    ...options.map(({ flags, description }) => `  ${flags.padEnd(width)}  ${description}`),
    '',
  ].join('\n')
}

export function usage(command: Command): string {
  return ['meshd', command.name, ...(command.args ?? [])].join(' ')
}
