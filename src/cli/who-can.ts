/**
 * `meshd who-can` and `meshd what-can`: AuthZEN search from the terminal. Each
 * candidate is judged as if this caller asked for it now; an answer is not an
 * authorization, and says so.
 */
import type { CandidatesView, CandidateView } from '../client/search-types.ts'
import { MeshError } from '../core/problems.ts'
import { ASK_OPTIONS, argsOf, entity } from './authorize.ts'
import type { Context } from './context.ts'
import { printList } from './output.ts'
import { type Command, listOption, type OptionSpec, type Options, textOption } from './spec.ts'
import { count } from './text.ts'

const TYPE: OptionSpec = { flags: '--type <type...>', says: 'what is searched for: user, repo' }
const COMMON = ASK_OPTIONS.filter(({ flags }) => /^--(arg|artifact) /.test(flags))
/** Whom a bundle names in most of them. */
const SUBJECT_TYPES = ['principal', 'user']

export const whoCan: Command = {
  name: 'who-can',
  group: 'DECIDE',
  args: ['<action>', '<resource>'],
  says: 'subjects that would be allowed, of those that bundles name; not an authorization',
  examples: [
    'meshd who-can tool:read repo:acme/docs',
    'meshd who-can tool:read repo:acme/docs --type agent,user',
  ],
  options: [TYPE, ...COMMON],
  run: async (context, [action = '', resource = ''], options) => {
    const types = listOption(options, 'type')
    const questions = (types.length === 0 ? SUBJECT_TYPES : types).map((type) => ({
      subject: { type },
      ...{ action: { name: action, properties: argsOf(options) } },
      resource: entity(resource, '<resource>'),
    }))
    const found = await search(context, 'subject', questions, options)
    return printFound(context, found, 'SUBJECT', { action, resource })
  },
}

export const whatCan: Command = {
  name: 'what-can',
  group: 'DECIDE',
  args: ['<subject>'],
  says: 'what a subject would be allowed: actions on a resource, or resources of an action; not an authorization',
  examples: [
    'meshd what-can user:alice --resource repo:acme/docs',
    'meshd what-can principal:me --action tool:read --type repo',
  ],
  options: [
    ...ASK_OPTIONS.filter(({ flags }) => /^--(action|resource) /.test(flags)),
    TYPE,
    ...COMMON,
  ],
  run: async (context, [text = ''], options) => {
    const subject = entity(text, '<subject>')
    const [action, resource] = [textOption(options, 'action'), textOption(options, 'resource')]
    const types = listOption(options, 'type')
    const asked = { subject: text, action, resource }
    if (action === null && resource !== null) {
      const question = { subject, resource: entity(resource, '--resource') }
      const found = await search(context, 'action', [question], options)
      return printFound(context, found, 'ACTION', asked)
    }
    if (action === null || resource !== null || types.length === 0)
      throw new MeshError('USAGE', 'it is asked on what, or what for', {
        hint: '--resource <resource>, or --action <action> and --type <type>',
      })
    const questions = types.map((type) => ({
      subject,
      ...{ action: { name: action, properties: argsOf(options) }, resource: { type } },
    }))
    const found = await search(context, 'resource', questions, options)
    return printFound(context, found, 'RESOURCE', asked)
  },
}

interface Found {
  readonly items: readonly CandidateView[]
  readonly judged: number
  readonly denied: ReadonlyMap<string, number>
}

/** All pages of all of them. */
async function search(
  context: Context,
  kind: 'subject' | 'resource' | 'action',
  questions: readonly object[],
  options: Options,
): Promise<Found> {
  const artifact = textOption(options, 'artifact')
  const headers =
    artifact === null ? {} : (await import('./brought.ts')).artifactOf(context, artifact)
  const items: CandidateView[] = []
  const denied = new Map<string, number>()
  let judged = 0
  for (const question of questions) {
    let token = ''
    do {
      const body = { ...question, page: { token } }
      const answer = await context
        .client('decide')
        .post<CandidatesView>(`/access/v1/search/${kind}`, body, { headers })
      const { results, page, context: said } = checked(answer)
      items.push(...results)
      judged += said.meshd.judged
      for (const [code, n] of Object.entries(said.meshd.denied))
        denied.set(code, (denied.get(code) ?? 0) + n)
      token = page.next_token
      if (token !== '' && said.meshd.judged === 0)
        throw new MeshError('INVALID_ANSWER', 'the search does not go on')
    } while (token !== '')
  }
  return { items, judged, denied }
}

/** What is read of it is there. @throws MeshError INVALID_ANSWER */
function checked(answer: Partial<CandidatesView>): CandidatesView {
  const { results, page, context } = answer
  const { judged, denied } = context?.meshd ?? {}
  const said = Number.isSafeInteger(judged) && typeof denied === 'object' && denied !== null
  if (Array.isArray(results) && typeof page?.next_token === 'string' && said)
    return answer as CandidatesView
  throw new MeshError('INVALID_ANSWER', 'the daemon answers no search')
}

function printFound(context: Context, found: Found, head: string, asked: object): number {
  const { items, judged, denied } = found
  const others = [...denied].map(([code, n]) => `${code} ${count(n)}`).join(', ')
  const of = `${count(judged)} judged${others === '' ? '' : `, of which denied: ${others}`}`
  printList(context, {
    ...{ kind: 'CandidateList', seenFrom: '', items, id: nameOf },
    columns: [{ head, cell: nameOf }],
    empty: `Nothing that a bundle names would be allowed. ${of}.`,
    more: { asked, judged, denied: Object.fromEntries(denied) },
  })
  if (items.length > 0) context.say(`${of}. Hypothetical, as this caller: not an authorization.`)
  return 0
}

function nameOf({ type, id, name }: CandidateView): string {
  return name ?? `${type}:${id}`
}
