/** What may follow the words typed so far, from the one table of commands. */
import type { PeerView } from '../client/peer-types.ts'
import type { CallerView, ListView, StatementView } from '../client/types.ts'
import { OUTPUTS } from './output.ts'
import { GLOBAL_OPTIONS } from './program.ts'
import type { Command } from './spec.ts'

type Get = <T>(path: string) => Promise<T>

/** Names that only the daemon knows, with what stands before them in the word. */
export interface Wanted {
  readonly prefix: string
  ask(get: Get): Promise<readonly string[]>
}

export interface Candidates {
  readonly fixed: readonly string[]
  readonly wanted: Wanted | null
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--output': OUTPUTS,
  '-o': OUTPUTS,
  '--color': ['auto', 'always', 'never'],
  '--mode': ['enforce', 'observe'],
  '--type': ['decision', 'outcome', 'statement', 'artifact', 'system', 'epoch'],
  '--outcome': ['allow', 'deny', 'ok', 'failed', 'stopped', 'unknown'],
  '--by': ['code', 'principal', 'action', 'resource', 'type', 'outcome'],
  '--for': ['ready', 'peers=', 'policy=', 'statement='],
  '--on': ['here', 'quorum', 'all'],
}
const NAMED: Readonly<Record<string, Wanted['ask']>> = {
  '--to': principals,
  '--principal': principals,
  '--node': nodes,
  '--with': nodes,
  '--witnesses': nodes,
  '<node>': nodes,
  '<version>': versions,
  '<old>': versions,
}
const KINDS: Readonly<Record<string, readonly string[]>> = {
  '<target>': ['principal:', 'node:', 'issuer:'],
  '<scope>': ['mesh', 'principal:', 'node:', 'action:', 'resource:'],
  '<shell>': ['bash', 'zsh', 'fish'],
}
const NONE: Candidates = { fixed: [], wanted: null }

/** @param words after `meshd`, the last one unfinished */
export function candidates(
  commands: readonly Command[],
  words: readonly string[],
  codes: readonly string[],
): Candidates {
  const [first = '', second = ''] = words
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))]
  if (words.length <= 1) return { fixed: firsts, wanted: null }
  if (first === 'help') return { fixed: [...firsts, ...codes], wanted: null }
  const family = commands.filter(({ name }) => name === first || name.startsWith(`${first} `))
  const verbs = family.flatMap(({ name, aliases = [] }) => [
    ...name.split(' ').slice(1),
    ...(name.includes(' ') ? aliases : []),
  ])
  if (verbs.length > 0 && words.length === 2) return { fixed: verbs, wanted: null }
  const command = family.find(({ name, aliases = [] }) => {
    const verb = name.split(' ')[1]
    return verb === undefined || verb === second || aliases.includes(second)
  })
  return command === undefined ? NONE : within(command, words)
}

function within(command: Command, words: readonly string[]): Candidates {
  const typed = words.slice(command.name.split(' ').length)
  const [current = '', before = ''] = [typed.at(-1), typed.at(-2)]
  if (typed.slice(0, -1).includes('--')) return NONE
  if (current.startsWith('-')) return { fixed: flagsOf(command), wanted: null }
  const values = VALUES[before]
  if (values !== undefined) return { fixed: values, wanted: null }
  const named = NAMED[before]
  if (named !== undefined) return { fixed: [], wanted: { prefix: '', ask: named } }
  const [argument = ''] = command.args ?? []
  return argumentCandidates(argument, current)
}

function argumentCandidates(argument: string, current: string): Candidates {
  const kinds = KINDS[argument] ?? []
  const kind = /^(?:principal|issuer|node):/.exec(current)?.[0]
  if (kinds.length > 0 && kind !== undefined)
    return { fixed: [], wanted: { prefix: kind, ask: kind === 'node:' ? nodes : principals } }
  const ask = NAMED[argument]
  return { fixed: kinds, wanted: ask === undefined ? null : { prefix: '', ask } }
}

function flagsOf({ options = [] }: Command): string[] {
  const all = [...options.map(({ flags }) => flags), ...GLOBAL_OPTIONS.map(([flags]) => flags)]
  return all.flatMap((flags) => /--[a-z-]+/.exec(flags)?.[0] ?? [])
}

async function nodes(get: Get): Promise<readonly string[]> {
  const { items } = await get<ListView<'PeerList', PeerView>>('/v1/peers')
  return items.flatMap(({ name }) => name ?? [])
}

async function principals(get: Get): Promise<readonly string[]> {
  const { items } = await get<ListView<'CallerList', CallerView>>('/v1/callers')
  return items.flatMap(({ name }) => name ?? [])
}

async function versions(get: Get): Promise<readonly string[]> {
  const { items } = await get<ListView<'StatementList', StatementView>>(
    '/v1/statements?type=policy',
  )
  return items.map(({ payload }) => `${payload['bundle']}@${payload['version']}`)
}
