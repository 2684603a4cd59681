/** `meshd kill <dec>`: revokes an execution that runs, and waits for its end. */
import type {
  ExecutionListView,
  MeshExecutionListView,
  MeshRunningView,
} from '../client/execution-types.ts'
import type { ExecutionView } from '../client/types.ts'
import { idMatches, parseShortId, shortId } from '../core/id.ts'
import { KILL_LOOK_HERE_MS, KILL_LOOK_MESH_MS, KILL_LOOKS_MAX } from '../core/limits.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import type { Context } from './context.ts'
import { KEY_OPTIONS, printSubmitted } from './govern.ts'
import { printItem } from './output.ts'
import { within } from './patience.ts'
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
  const others = mesh ? await seenElsewhere(context, text) : null
  const elsewhere = others?.items.filter(({ id }) => !items.some((own) => own.id === id)) ?? []
  const ids = [...items, ...elsewhere].map(({ id }) => id)
  const id = resolveId(context, text, ids, true)
  if (!ids.includes(id)) throw notRunning(id, others)
  const there = elsewhere.find((each) => each.id === id)
  return { id, node: there?.node ?? null }
}

/** Who was asked a moment ago by somebody else answers later: what is not seen is looked for again while a node is silent. */
async function seenElsewhere(context: Context, text: string): Promise<MeshExecutionListView> {
  const short = parseShortId(text)
  const meant = (id: string) => id === text || (short !== null && idMatches(short, id))
  for (let looks = 1; ; looks += 1) {
    const view = await runningInMesh(context)
    const whole = view.nodes.every(({ why, more }) => why === null && !more)
    if (whole || looks >= KILL_LOOKS_MAX || view.items.some(({ id }) => meant(id))) return view
    await new Promise((done) => setTimeout(done, KILL_LOOK_MESH_MS))
  }
}

function notRunning(id: string, others: MeshExecutionListView | null): MeshError {
  if (others === null)
    return new MeshError('NOT_FOUND', `${id} does not run here`, {
      hint: 'meshd kill --mesh, or meshd ps',
    })
  const silent = others.nodes.filter(({ why }) => why !== null).map(nodeName)
  const missing = silent.length === 0 ? '' : `; no answer: ${silent.join(', ')}`
  return new MeshError('NOT_FOUND', `${id} does not run where we may look${missing}`, {
    hint: `meshd revoke ${id}, for it and what descends from it`,
  })
}

/** null when it has not by the end of --timeout. */
function ended(context: Context, id: string, node: Node | null): Promise<Ended | null> {
  return node === null
    ? within(context, () => lookHere(context, id), KILL_LOOK_HERE_MS)
    : within(context, () => lookThere(context, id, node), KILL_LOOK_MESH_MS)
}

async function lookHere(context: Context, id: string): Promise<Ended | null> {
  const { state, outcome } = await context
    .client('admin')
    .get<ExecutionView>(`/v1/executions/${encodeURIComponent(id)}`)
  return state === 'ended' ? { outcome, node: null } : null
}

/** Silence of its node is no end, nor is a list that leaves some out. */
async function lookThere(context: Context, id: string, node: Node): Promise<Ended | null> {
  const { items, nodes } = await runningInMesh(context)
  const whole = nodes.some(({ did, why, more }) => did === node.did && why === null && !more)
  if (!whole || items.some((each) => each.id === id)) return null
  return { outcome: null, node }
}
