/** `meshd wait --for <condition>`: until it holds, or the time allowed is over (exit 124). */
import type { RecordView, SpreadView, StatementView, StatusView, View } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { forPeople } from './output.ts'
import { within } from './patience.ts'
import { type Command, type Options, textOption } from './spec.ts'
import { duration } from './text.ts'

export const wait: Command = {
  name: 'wait',
  group: 'OPERATE',
  says: 'wait until a condition holds: ready, peers=3, policy=agents@8, witnessed=last, mirrored=last',
  examples: [
    'meshd wait --for ready',
    'meshd wait --for policy=ci@5 --on all --timeout 30s',
    'meshd wait --for witnessed=last',
  ],
  options: [
    {
      flags: '--for <condition>',
      says: 'ready | peers=<n> | policy=<bundle>@<version> | statement=<id> | witnessed=<record|last> | mirrored=<record|last>',
      required: true,
    },
    { flags: '--on <where>', says: 'here, quorum, all, or a node (policy and statement)' },
  ],
  run: async (context, _args, options) => {
    const condition = textOption(options, 'for') ?? ''
    if (condition === 'ready') return waitReady(context)
    const [kind = '', value = ''] = condition.split('=')
    const holds = await conditionOf(context, kind, value, options)
    const on = textOption(options, 'on')
    await until(context, holds, on === null ? condition : `${condition} on ${on}`)
    return 0
  },
}

type Holds = () => Promise<boolean>

async function conditionOf(
  context: Context,
  kind: string,
  value: string,
  options: Options,
): Promise<Holds> {
  const on = textOption(options, 'on') ?? 'here'
  switch (kind) {
    case 'peers':
      if (!/^\d{1,6}$/.test(value)) throw new MeshError('USAGE', `peers=\`${value}\` is no number`)
      return async () =>
        (await status(context)).peers.filter(({ link }) => link !== null).length >= Number(value)
    case 'policy':
      return async () => {
        const id = await policyId(context, value)
        return id !== null && (on === 'here' || spreadHolds(await spread(context, id), on))
      }
    case 'statement':
      if (!(await import('../core/id.ts')).isSha256Id(value))
        throw new MeshError('USAGE', `\`${value}\` is no full id of a statement`, {
          hint: 'meshd … -o id prints full ids',
        })
      return async () => spreadHolds(await spread(context, value), on)
    case 'witnessed':
    case 'mirrored': {
      // Once: `last` is not another record a moment later.
      let id: string | null = null
      return async () => {
        id ??= await (await import('./audit.ts')).recordNamed(context, value)
        const path = `/v1/records/${encodeURIComponent(id)}`
        const { item } = await context.client('read').get<View<'Record', RecordView>>(path)
        // What is mirrored is witnessed, too.
        return item.state === kind || item.state === 'mirrored'
      }
    }
    default:
      throw new MeshError('USAGE', `\`${kind}\` cannot be waited for`, {
        hint: 'ready, peers=<n>, policy=<bundle>@<version>, statement=<id>, witnessed=<record|last>, mirrored=<record|last>',
      })
  }
}

/** Waits for the daemon too: it may be starting. Prints READY, or says why not when the time is over. */
export async function waitReady(context: Context): Promise<number> {
  let last = 'the daemon does not answer yet'
  await until(
    context,
    async () => {
      const item = await status(context)
      last = item.notReady.join('; ')
      if (item.ready === true && forPeople(context)) context.print('READY')
      return item.ready === true
    },
    () => `ready: ${last}`,
  )
  return 0
}

/** What is not there yet may come: the daemon, while it starts, and a statement, while it spreads. */
async function yet(holds: Holds): Promise<boolean> {
  try {
    return await holds()
  } catch (error) {
    if (error instanceof MeshError && (error.code === 'UNREACHABLE' || error.code === 'NOT_FOUND'))
      return false
    throw error
  }
}

async function until(context: Context, holds: Holds, what: string | (() => string)): Promise<void> {
  if ((await within(context, async () => (await yet(holds)) || null)) !== null) return
  if (context.signal.aborted) throw new MeshError('TIMEOUT', 'interrupted')
  throw new MeshError(
    'TIMEOUT',
    `not ${typeof what === 'string' ? what : what()} within ${duration(context.globals.timeoutMs)}`,
  )
}

async function status(context: Context): Promise<StatusView> {
  return (await context.client('read').get<View<'Status', StatusView>>('/v1/status')).item
}

async function policyId(context: Context, text: string): Promise<string | null> {
  const { items } = await context
    .client('read')
    .get<{ items: StatementView[] }>('/v1/statements?type=policy')
  const found = items.find(
    ({ payload, state }) =>
      state === 'effective' && `${payload['bundle']}@${payload['version']}` === text,
  )
  return found?.id ?? null
}

function spread(context: Context, id: string): Promise<SpreadView> {
  return context.client('read').get<SpreadView>(`/v1/spread?id=${encodeURIComponent(id)}`)
}

function spreadHolds(view: SpreadView, on: string): boolean {
  if (view.state !== 'effective') return false
  if (on === 'here') return true
  if (on === 'quorum') return view.committedAt !== null
  if (on === 'all') return view.nodes.every(({ applied }) => applied)
  return view.nodes.some(({ name, did, applied }) => (name === on || did === on) && applied)
}
