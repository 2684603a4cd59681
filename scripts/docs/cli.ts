/** docs/cli.md: the command tree, from the one table that help and completion are printed from too. */
import { usage } from '../../src/cli/help-text.ts'
import { TABLE } from '../../src/cli/main.ts'
import { GLOBAL_OPTIONS } from '../../src/cli/program.ts'
import { type Command, GROUPS } from '../../src/cli/spec.ts'
import { plainText, row } from './reasons.ts'

export async function cliPage(): Promise<string> {
  const commands = await TABLE.all()
  return [
    '# Commands',
    '',
    'Generated from the command table by `npm run docs`; `meshd commands --json` prints the same as data.',
    '',
    ...GROUPS.flatMap((group) => [
      `## ${group}`,
      '',
      ...commands.filter((command) => command.group === group).flatMap(section),
    ]),
    '## Flags of every command',
    '',
    ...optionTable(GLOBAL_OPTIONS),
    '',
  ].join('\n')
}

function section(command: Command): readonly string[] {
  const { name, says, aliases = [], examples, options = [] } = command
  return [
    `### ${plainText(usage(command))}`,
    '',
    `${plainText(says.charAt(0).toUpperCase() + says.slice(1))}.${aliasText(name, aliases)}`,
    '',
    '```sh',
    ...examples,
    '```',
    '',
    ...(options.length === 0
      ? []
      : [...optionTable(options.map(({ flags, says: text }) => [flags, text] as const)), '']),
  ]
}

function aliasText(name: string, aliases: readonly string[]): string {
  if (aliases.length === 0) return ''
  const noun = name.split(' ').slice(0, -1)
  return ` Also \`${aliases.map((alias) => [...noun, alias].join(' ')).join('`, `')}\`.`
}

function optionTable(options: readonly (readonly [string, string])[]): readonly string[] {
  return [
    '| flag | meaning |',
    '|---|---|',
    ...options.map(([flags, says]) => row(`\`${flags}\``, says)),
  ]
}
