/** `meshd ps`: executions that run now, here or in the whole mesh. */
import type {
  ExecutionListView,
  MeshExecutionListView,
  MeshRunningView,
  RunningView,
} from '../client/execution-types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { forPeople, printList } from './output.ts'
import { resolvePrincipal } from './principals.ts'
import { type Command, flagOption, textOption } from './spec.ts'
import type { Column } from './table.ts'
import { duration, plural, shortDid } from './text.ts'

export const ps: Command = {
  name: 'ps',
  watch: true,
  group: 'DECIDE',
  says: 'executions that run now: on this node the caller’s own, or all for whoever may read',
  examples: ['meshd ps', 'meshd ps --mesh --principal planner'],
  options: [
    { flags: '--principal <principal>', says: 'only its own' },
    { flags: '--mesh', says: 'of every node that lets us look, each allow proven' },
  ],
  run: async (context, _args, options) => {
    const name = textOption(options, 'principal')
    const did = name === null ? null : (await resolvePrincipal(context, name)).did
    const wanted = ({ principal }: RunningView) => did === null || principal === did
    return flagOption(options, 'mesh') ? psMesh(context, wanted) : psHere(context, wanted)
  },
}

type Wanted = (item: RunningView) => boolean

async function psHere(context: Context, wanted: Wanted): Promise<number> {
  const { seenFrom, items } = await runningHere(context)
  printList<RunningView>(context, {
    kind: 'ExecutionList',
    ...{ seenFrom, items: items.filter(wanted), id: ({ id }) => id },
    ...{ empty: 'nothing runs here', columns: COLUMNS },
  })
  return 0
}

/** All of them where this user may read, else its own. */
async function runningHere(context: Context): Promise<ExecutionListView> {
  try {
    return await context.client('read').get<ExecutionListView>('/v1/executions')
  } catch (error) {
    if (!(error instanceof MeshError) || error.code !== 'SOCKET_FORBIDDEN') throw error
    const own = await context.client('decide').get<ExecutionListView>('/v1/executions')
    context.say('! only your own: read.sock, which shows all, is not for this user')
    return own
  }
}

async function psMesh(context: Context, wanted: Wanted): Promise<number> {
  const view = await runningInMesh(context)
  const { seenFrom, nodes } = view
  const items = view.items.filter(wanted)
  printList<MeshRunningView>(context, {
    kind: 'MeshExecutionList',
    ...{ seenFrom, items, id: ({ id }) => id, more: { nodes } },
    ...{ empty: 'nothing runs that is shown', columns: [COLUMN_OF_ID, COLUMN_OF_NODE, ...REST] },
  })
  if (!forPeople(context)) return 0
  const silent = nodes.filter(({ why }) => why !== null)
  const answered = `${nodes.length - silent.length} of ${plural(nodes.length, 'node')}`
  const missing = silent.map((node) => nodeName(node)).join(', ')
  context.say(
    `${items.length} running on ${answered}${silent.length === 0 ? '' : `; no answer: ${missing}`}`,
  )
  for (const node of silent) context.say(`! ${nodeName(node)}: ${safe(node.why ?? '')}`)
  for (const node of nodes.filter(({ why, more }) => why === null && more))
    context.say(`! ${nodeName(node)} runs more than it can prove yet`)
  return 0
}

/** What each node shows, and who shows nothing. */
export function runningInMesh(context: Context): Promise<MeshExecutionListView> {
  return context.client('read').get<MeshExecutionListView>('/v1/mesh/executions')
}

export function nodeName({ did, name }: MeshRunningView['node']): string {
  return name === null ? shortDid(did) : safe(name)
}

const COLUMN_OF_ID: Column<RunningView> = {
  head: 'EXECUTION',
  cell: ({ id }) => shortId('dec', id),
}
const COLUMN_OF_NODE: Column<MeshRunningView> = {
  head: 'NODE',
  cell: ({ node }) => nodeName(node),
}
const REST: readonly Column<RunningView>[] = [
  {
    head: 'PRINCIPAL',
    cell: ({ principal, principalName }) =>
      safe(principalName ?? (principal === null ? '-' : shortDid(principal))),
  },
  { head: 'ACTION', cell: ({ action }) => safe(action) },
  { head: 'RESOURCE', cut: true, cell: ({ resource }) => safe(resource) },
  { head: 'AGE', cell: ({ ageMs }) => duration(ageMs) },
  {
    head: 'LEASE',
    cell: ({ state, leaseRemainingMs }) =>
      state === 'stopped' ? 'stopping' : duration(leaseRemainingMs ?? 0),
  },
  {
    head: 'PROCESS',
    drop: 1,
    cell: ({ process }) => (process === null ? '-' : `pid ${process.pid} ${safe(process.command)}`),
  },
  { head: 'ID', wide: true, cell: ({ id }) => id },
]
const COLUMNS = [COLUMN_OF_ID, ...REST]
