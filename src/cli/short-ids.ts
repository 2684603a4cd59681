/**
 * Short forms of ids at the command line (INTERFACE 1.2). Reading accepts
 * them; a change accepts them only at a terminal, where the full id is shown
 * before the question: anyone can grind out a second id with eight digits.
 */
import { idMatches, isCid, isSha256Id, parseShortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import { type Context, terminal } from './context.ts'

/** @throws MeshError NOT_FOUND, AMBIGUOUS with the candidates, USAGE for a short form without a terminal. */
export function resolveId(
  context: Context,
  text: string,
  candidates: readonly string[],
  changes: boolean,
): string {
  if (isSha256Id(text) || isCid(text)) return text
  const short = parseShortId(text)
  if (short === null)
    throw new MeshError('NOT_FOUND', `\`${text}\` is no id`, {
      hint: 'sha256:… , bafyrei… or a short form such as rev_0a77e4c1',
    })
  if (changes && !terminal(context.io, context.globals))
    throw new MeshError('USAGE', `without a terminal a change takes a full id, not \`${text}\``, {
      hint: 'meshd … -o id prints full ids',
    })
  const found = [...new Set(candidates.filter((id) => idMatches(short, id)))]
  const [only] = found
  if (only === undefined)
    throw new MeshError('NOT_FOUND', `nothing here has the id \`${text}\``, {
      hint: 'meshd audit list, meshd sign or meshd artifact list -o id, for what there is',
    })
  if (found.length > 1) throw new MeshError('AMBIGUOUS', `\`${text}\` is ${found.join(' or ')}`)
  if (changes) context.say(only)
  return only
}
