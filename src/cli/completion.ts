/**
 * `meshd completion <shell>`: a script that asks `meshd completion query` with
 * the line so far and takes one word a line back. Names that come from the
 * daemon are offered within 150 ms or not at all, and only if no shell could
 * take a part of them for more than a letter.
 */
import { MeshError, PROBLEMS } from '../core/problems.ts'
import { REASONS } from '../core/reasons.ts'
import { candidates, type Wanted } from './candidates.ts'
import type { Context } from './context.ts'
import type { Command } from './spec.ts'

const DYNAMIC_MS_MAX = 150
/** What may be offered: no blank, quote, dollar, backtick, bracket, star or backslash. */
const PLAIN = /^[A-Za-z0-9@%+=:,./_-]{1,256}$/

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_meshd() {
  mapfile -t COMPREPLY < <(command meshd completion query bash "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -o default -F _meshd meshd`,
  zsh: `#compdef meshd
_meshd() {
  local -a found
  found=("\${(@f)$(command meshd completion query zsh "\${words[1,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _meshd meshd`,
  fish: `complete -c meshd -f -a '(command meshd completion query fish (commandline -cp) 2>/dev/null)'`,
}

export const completion: Command = {
  name: 'completion',
  group: 'OPERATE',
  args: ['<shell>', '[line...]'],
  says: 'print a completion script: bash, zsh or fish',
  examples: [
    'source <(meshd completion bash)',
    'meshd completion zsh > ~/.zfunc/_meshd',
    'meshd completion fish > ~/.config/fish/completions/meshd.fish',
  ],
  run: async (context, [shell = '', target = '', line = '']) => {
    if (shell === 'query') {
      const found = await complete(context, line)
      for (const word of found) context.print(target === 'bash' ? afterBreak(line, word) : word)
      return 0
    }
    const script = SCRIPTS[shell]
    if (script === undefined)
      throw new MeshError('USAGE', `\`${shell}\` is none of ${Object.keys(SCRIPTS).join(', ')}`)
    context.data(script)
    return 0
  },
}

/** bash takes `:` and `=` for the end of a word, and wants what follows alone. */
function afterBreak(line: string, word: string): string {
  const current = line.split(/\s+/).at(-1) ?? ''
  const at = Math.max(current.lastIndexOf(':'), current.lastIndexOf('='))
  return word.slice(at + 1)
}

async function complete(context: Context, line: string): Promise<readonly string[]> {
  const words = line.trimStart().split(/\s+/).slice(1)
  const current = words.at(-1) ?? ''
  const { fixed, wanted } = candidates(await context.commands(), words, [
    ...Object.keys(REASONS),
    ...Object.keys(PROBLEMS),
  ])
  const named = wanted === null ? [] : await dynamic(context, wanted)
  return [...new Set([...fixed, ...named])].filter(
    (word) => word.startsWith(current) && PLAIN.test(word),
  )
}

/** Silently none: whoever presses a key wants no error. */
async function dynamic(context: Context, wanted: Wanted): Promise<readonly string[]> {
  try {
    const names = await wanted.ask(<T>(path: string) =>
      context.client('read').get<T>(path, { timeoutMs: DYNAMIC_MS_MAX }),
    )
    return names.map((name) => `${wanted.prefix}${name}`)
  } catch (error) {
    // No daemon, no permission, too slow: there is nothing to offer.
    if (error instanceof MeshError) return []
    throw error
  }
}
