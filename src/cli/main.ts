/** The entry of the command line: every command, and the one that is told with all the others. */
import { CommandTable, FAMILIES } from './commands.ts'
import type { Io } from './context.ts'
import { run } from './run.ts'

const DEMO = { words: ['demo'], load: async () => [(await import('./demo.ts')).demo] }
export const TABLE = new CommandTable([DEMO, ...FAMILIES])

export function main(args: readonly string[], io: Io = process): Promise<number> {
  return run(args, io, TABLE)
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
