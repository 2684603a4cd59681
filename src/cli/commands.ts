/** Every command of this version, in the order in which help shows them. */
import { helpCommand } from './help.ts'
import type { Command } from './spec.ts'
import { version } from './version.ts'

export const COMMANDS: readonly Command[] = [helpCommand(() => COMMANDS), version]
