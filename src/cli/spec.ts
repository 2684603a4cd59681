/**
 * One command of the tree: what help, completion, docs/cli.md and
 * `meshd commands --json` are printed from, and the function that runs it.
 */
import type { Context } from './context.ts'

export const GROUPS = ['GET GOING', 'MESH', 'GOVERN', 'DECIDE', 'PROVE', 'OPERATE'] as const
type Group = (typeof GROUPS)[number]

export interface OptionSpec {
  /** As commander writes it: `--name <text>`, `-m, --message <text>`, `--once`, `--key <did...>`. */
  readonly flags: string
  readonly says: string
  readonly required?: boolean
}

/** Values of options by their camel-case names; a repeated option is an array. */
export type Options = Readonly<Record<string, unknown>>

export interface Command {
  /** Words as they are typed: `peer join`. */
  readonly name: string
  readonly group: Group
  /** Other names of the last word, such as `ls`. */
  readonly aliases?: readonly string[]
  /** `<target>`, `[file]`, `[command...]`; one entry an argument. */
  readonly args?: readonly string[]
  readonly says: string
  readonly examples: readonly string[]
  readonly options?: readonly OptionSpec[]
  /** Honours --watch: a view that may be drawn again. */
  readonly watch?: true
  /** Honours --dry-run: what it would hand over is printed. */
  readonly dryRun?: true
  /** Words after `--` belong to a child: unknown options are left alone. */
  readonly passesThrough?: boolean
  /** Gives the exit status; failures are thrown. */
  run(context: Context, args: readonly string[], options: Options): Promise<number>
}

/** The text of an option; null when it was not given. */
export function textOption(options: Options, name: string): string | null {
  const value = options[name]
  return typeof value === 'string' ? value : null
}

export function flagOption(options: Options, name: string): boolean {
  return options[name] === true
}

/** Every value of a repeatable option; commas separate too. */
export function listOption(options: Options, name: string): readonly string[] {
  const value = options[name]
  const values = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : []
  return values.flatMap((text) => text.split(',')).filter((text) => text !== '')
}
