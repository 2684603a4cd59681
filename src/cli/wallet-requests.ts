/** `meshd artifact request|requests|grant|decline`: callers of one host ask each other for a delegation. */
import type { ListView } from '../client/types.ts'
import type { DelegationRequestView } from '../client/wallet-types.ts'
import { shortId } from '../core/id.ts'
import { WALLET_REQUEST_LOOK_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { TTL_DEFAULT } from './grant-options.ts'
import { printItem, printList } from './output.ts'
import { durationOf } from './parse.ts'
import { resolveId } from './short-ids.ts'
import { type Command, flagOption, listOption, textOption } from './spec.ts'
import { clockTime, exactly } from './text.ts'

type RequestList = ListView<'DelegationRequestList', DelegationRequestView>

const PATH = '/v1/wallet/requests'
const DENIED_EXIT = 2

export const artifactRequest: Command = {
  name: 'artifact request',
  group: 'GOVERN',
  says: 'ask another caller of this host for a delegation of what it holds',
  examples: [
    'meshd artifact request --from planner --action tool:read --resource repo:acme/docs --ttl 10m --wait',
  ],
  options: [
    { flags: '--from <caller>', says: 'whom: the name of a key that is kept here', required: true },
    { flags: '--action <action...>', says: 'tool:read; several with commas' },
    { flags: '--resource <resource>', says: 'repo:acme/*' },
    { flags: '--ttl <duration>', says: `how long, default ${TTL_DEFAULT}` },
    { flags: '--wait', says: 'until it is answered; exit 2 when it is declined or forgotten' },
  ],
  run: async (context, _args, options) => {
    const request = await context.client('decide').post<DelegationRequestView>(PATH, {
      to: textOption(options, 'from'),
      actions: listOption(options, 'action'),
      resource: textOption(options, 'resource'),
      ttlMs: durationOf(textOption(options, 'ttl') ?? TTL_DEFAULT, '--ttl'),
      message: context.globals.message,
    })
    if (!flagOption(options, 'wait')) {
      print(context, request)
      return 0
    }
    context.say(lineOf(request))
    const answered = await answer(context, request)
    print(context, answered)
    return answered.state === 'granted' ? 0 : DENIED_EXIT
  },
}

/** Until it waits no longer; one that is gone was forgotten, and granted nothing. */
async function answer(
  context: Context,
  request: DelegationRequestView,
): Promise<DelegationRequestView> {
  while (!context.signal.aborted) {
    const found = (await requests(context)).items.find(({ id }) => id === request.id)
    if (found === undefined) return { ...request, state: 'declined' }
    if (found.state !== 'waiting') return found
    await new Promise((done) => setTimeout(done, WALLET_REQUEST_LOOK_MS))
  }
  return request
}

function requests(context: Context): Promise<RequestList> {
  return context.client('decide').get<RequestList>(PATH)
}

export const artifactRequests: Command = {
  name: 'artifact requests',
  watch: true,
  group: 'GOVERN',
  says: 'delegations that this caller asked for, and is asked for',
  examples: ['meshd artifact requests'],
  run: async (context) => {
    const { seenFrom, items } = await requests(context)
    printList<DelegationRequestView>(context, {
      kind: 'DelegationRequestList',
      ...{ seenFrom, items, id: ({ id }) => id, empty: 'nobody asks for anything' },
      columns: [
        { head: 'REQUEST', cell: ({ id }) => shortId('req', id) },
        { head: 'FROM', cell: ({ from }) => safe(from) },
        { head: 'TO', cell: ({ to }) => safe(to) },
        { head: 'MAY', cell: mayOf },
        { head: 'FOR', cell: ({ ttlMs }) => exactly(ttlMs) },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'UNTIL', cell: ({ until }) => clockTime(until, context.now()), drop: 1 },
        { head: 'REASON', cut: true, drop: 2, cell: ({ message }) => safe(message ?? '-') },
        { head: 'ID', wide: true, cell: ({ id }) => id },
      ],
    })
    return 0
  },
}

export const artifactGrant: Command = {
  name: 'artifact grant',
  group: 'GOVERN',
  args: ['<request>'],
  says: 'delegate what a caller of this host asked for; it is held for it at once',
  examples: ['meshd artifact grant req_5be2270f --ttl 5m'],
  options: [
    { flags: '--artifact <cid>', says: 'of which; else the first that covers it' },
    { flags: '--ttl <duration>', says: 'shorter than was asked for' },
  ],
  run: async (context, [text = ''], options) => {
    const ttl = textOption(options, 'ttl')
    const request = await chosen(context, text)
    const body = {
      artifact: textOption(options, 'artifact'),
      ttlMs: ttl === null ? null : durationOf(ttl, '--ttl'),
    }
    const path = `${PATH}/${encodeURIComponent(request.id)}/grant`
    print(context, await context.client('decide').post<DelegationRequestView>(path, body))
    return 0
  },
}

export const artifactDecline: Command = {
  name: 'artifact decline',
  group: 'GOVERN',
  args: ['<request>'],
  says: 'say no to a request; or take back one’s own',
  examples: ['meshd artifact decline req_5be2270f'],
  run: async (context, [text = '']) => {
    const { id, from } = await chosen(context, text)
    const client = context.client('decide')
    const path = `${PATH}/${encodeURIComponent(id)}`
    try {
      print(context, await client.post<DelegationRequestView>(`${path}/decline`, {}))
    } catch (error) {
      // Not asked of this caller, which sees it all the same: its own.
      if (!(error instanceof MeshError) || error.code !== 'NOT_FOUND') throw error
      await client.delete(path)
      context.print(`${shortId('req', id)}  taken back by ${safe(from)}`)
    }
    return 0
  },
}

/** By a full id, or a short form at a terminal. */
async function chosen(context: Context, text: string): Promise<DelegationRequestView> {
  const { items } = await requests(context)
  const ids = items.map(({ id }) => id)
  const id = resolveId(context, text, ids, true)
  const found = items.find((each) => each.id === id)
  if (found === undefined)
    throw new MeshError('NOT_FOUND', `no request \`${id}\``, { hint: 'meshd artifact requests' })
  context.say(lineOf(found))
  return found
}

function print(context: Context, request: DelegationRequestView): void {
  printItem(context, {
    ...{ kind: 'DelegationRequest', seenFrom: '', item: request, id: request.id },
    lines: () => [lineOf(request)],
  })
}

function lineOf(request: DelegationRequestView): string {
  const { id, from, to, state, artifact, ttlMs, message } = request
  const given = artifact === null ? '' : `  ${shortId('art', artifact)} is held for ${from}`
  const reason = message === null ? '' : `  "${message}"`
  return safe(
    `${shortId('req', id)}  ${state}  ${from} asks ${to} for ${mayOf(request)}, for ${exactly(ttlMs)}${reason}${given}`,
  )
}

function mayOf({ actions, resource }: DelegationRequestView): string {
  const what = actions.length === 0 ? 'all that is held' : actions.join(', ')
  return safe(resource === null ? what : `${what} on ${resource}`)
}
