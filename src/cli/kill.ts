/** `meshd kill <dec>`: revokes an execution that runs, and waits for its end. */
import type { ExecutionListView, MeshRunningView } from '../client/execution-types.ts'
import type { ExecutionView } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { KILL_LOOK_HERE_MS, KILL_LOOK_MESH_MS } from '../core/limits.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import type { Context } from './context.ts'
import { KEY_OPTIONS, printSubmitted } from './govern.ts'
import { printItem } from './output.ts'
import { nodeName, runningInMesh } from './ps.ts'
import { revokeNow } from './revoke.ts'
import { resolveId } from './short-ids.ts'
import { type Command, flagOption } from './spec.ts'

export const kill: Command = {
  name: 'kill',
  dryRun: true,
  group: 'DECIDE',
  args: ['<decision>'],
  says: 'revoke an execution that runs, for ever, and wait for its end',
  examples: ['meshd kill dec_9b31c07d -m "INC-9"', 'meshd kill dec_9b31c07d --mesh'],
  options: [
    { flags: '--mesh', says: 'it may run on another node that lets us look' },
    ...KEY_OPTIONS,
  ],
  run: async (context, [text = ''], options) => {
    const { id, node } = await found(context, text, flagOption(options, 'mesh'))
    const says = [`execution ${id}${node === null ? '' : ` on ${nodeName(node)}`}`]
    const target = { kind: 'execution', record: id as `sha256:${string}` } as const
    const beganMs = performance.now()
    const view = await revokeNow(context, { target, says }, options)
    if (view === null) return 0
    if (view.state !== 'effective') {
      printSubmitted(context, view, 'revoked')
      return PROBLEMS.NOT_READY.exit
    }
    const end = await ended(context, id, node)
    const tookS = ((performance.now() - beganMs) / 1000).toFixed(1)
    printItem(context, {
      ...{ kind: 'Killed', seenFrom: '', id: view.id },
      item: {
        execution: id,
        revocation: view.id,
        ended: end !== null,
        outcome: end?.outcome ?? null,
      },
      lines: () => [
        `${shortId('rev', view.id)}  ${shortId('dec', id)}  ${end === null ? 'STILL RUNS: its node has not said that it ended' : endText(end)}, ${tookS} s after the revocation`,
      ],
    })
    return end === null ? PROBLEMS.TIMEOUT.exit : 0
  },
}

interface Ended {
  readonly outcome: ExecutionView['outcome']
  /** Where it ran, if not here. */
  readonly node: Node | null
}

type Node = MeshRunningView['node']

function endText({ outcome, node }: Ended): string {
  if (node !== null) return `runs no longer on ${nodeName(node)}`
  if (outcome === null) return 'ended'
  const { kind, status } = outcome
  return `ended: ${kind}${status === null ? '' : `, exit status ${status}`}`
}

/** What runs, by a full or a short id. @throws MeshError NOT_FOUND for what does not run */
async function found(
  context: Context,
  text: string,
  mesh: boolean,
): Promise<{ readonly id: string; readonly node: Node | null }> {
  const { items } = await context.client('admin').get<ExecutionListView>('/v1/executions')
  const others = mesh ? await runningInMesh(context) : null
  const elsewhere = others?.items.filter(({ id }) => !items.some((own) => own.id === id)) ?? []
  const ids = [...items, ...elsewhere].map(({ id }) => id)
  const id = resolveId(context, text, ids, true)
  if (!ids.includes(id))
    throw new MeshError('NOT_FOUND', `${id} does not run ${mesh ? 'where we may look' : 'here'}`, {
      hint: mesh
        ? `meshd revoke ${id}, for what descends from it`
        : 'meshd kill --mesh, or meshd ps',
    })
  const there = elsewhere.find((each) => each.id === id)
  return { id, node: there?.node ?? null }
}

/** null when it has not by the end of --timeout. */
async function ended(context: Context, id: string, node: Node | null): Promise<Ended | null> {
  const { timeoutMs } = context.globals
  const untilMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs
  const look = node === null ? () => lookHere(context, id) : () => lookThere(context, id, node)
  while (!context.signal.aborted) {
    const end = await look()
    if (end !== null) return end
    if (performance.now() >= untilMs) return null
    const ms = node === null ? KILL_LOOK_HERE_MS : KILL_LOOK_MESH_MS
    await new Promise((done) => setTimeout(done, ms))
  }
  return null
}

async function lookHere(context: Context, id: string): Promise<Ended | null> {
  const { state, outcome } = await context
    .client('admin')
    .get<ExecutionView>(`/v1/executions/${encodeURIComponent(id)}`)
  return state === 'ended' ? { outcome, node: null } : null
}

/** Silence of its node is no end. */
async function lookThere(context: Context, id: string, node: Node): Promise<Ended | null> {
  const { items, nodes } = await runningInMesh(context)
  const answered = nodes.some(({ did, why }) => did === node.did && why === null)
  if (!answered || items.some((each) => each.id === id)) return null
  return { outcome: null, node }
}
