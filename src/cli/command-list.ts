/** `meshd commands`: the tree as data, which docs/cli.md and completion are printed from too. */
import { usage } from './help-text.ts'
import { forPeople } from './output.ts'
import { GLOBAL_OPTIONS } from './program.ts'
import type { Command, OptionSpec } from './spec.ts'

/** One command as `meshd commands --json` shows it. */
export interface CommandEntry {
  readonly name: string
  readonly group: string
  readonly aliases: readonly string[]
  readonly usage: string
  readonly says: string
  readonly examples: readonly string[]
  readonly options: readonly OptionSpec[]
}

export function entryOf(command: Command): CommandEntry {
  const { name, group, aliases = [], says, examples, options = [] } = command
  return { name, group, aliases, usage: usage(command), says, examples, options }
}

export const commandList: Command = {
  name: 'commands',
  group: 'OPERATE',
  says: 'the command tree; --json is what other programs read',
  examples: ['meshd commands --json'],
  run: async (context) => {
    const commands = await context.commands()
    if (forPeople(context)) for (const command of commands) context.print(usage(command))
    else if (context.globals.output === 'id') for (const { name } of commands) context.print(name)
    else
      context.data(
        JSON.stringify(
          {
            apiVersion: 'meshd/v1',
            kind: 'CommandList',
            globalOptions: GLOBAL_OPTIONS.map(([flags, says]) => ({ flags, says })),
            items: commands.map(entryOf),
          },
          null,
          context.globals.output === 'json' ? 2 : 0,
        ),
      )
    return 0
  },
}
