/** The options of a script. What a script says of itself at its head is also its help: it stands once. */
import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** As parseArgs; `--help` prints the head of the file and ends with 0, what is not understood ends with 2. @param file the script */
export function optionsOf<const C extends ParseArgsConfig>(
  file: string,
  config: C,
): ReturnType<typeof parseArgs<C>> {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(headOf(file))
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    // Whoever mistypes an option is told so, and no stack.
    process.stderr.write(`${(error as Error).message}\n\n${headOf(file)}`)
    process.exit(2)
  }
}

/** @param name of the option @returns a whole number, 0 or more */
export function numberOf(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  process.stderr.write(`--${name} is a whole number\n`)
  process.exit(2)
}

/** The first comment of a file, without its stars. */
function headOf(file: string): string {
  const [, head = ''] = /^\/\*\*\n([\s\S]*?)\n \*\/\n/.exec(readFileSync(file, 'utf8')) ?? []
  return `${head.replaceAll(/^ \* ?/gm, '')}\n`
}
