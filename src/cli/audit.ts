/** `meshd audit show|verify`: one record of this node's own log, and all of it. */
import type { ListView, RecordView, View } from '../client/types.ts'
import type { LogVerifyView } from '../client/verify-types.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { continued, linesOfOthers } from './log-peers.ts'
import { printItem } from './output.ts'
import { shownLeaf, stateOf } from './record-text.ts'
import { resolveId } from './short-ids.ts'
import { type Command, flagOption } from './spec.ts'
import { count } from './text.ts'

export const auditShow: Command = {
  name: 'audit show',
  group: 'PROVE',
  args: ['<record>'],
  says: 'one record, as it stands in the log',
  examples: ['meshd audit show rec_71d0a2b9'],
  run: async (context, [text = '']) => {
    const client = context.client('read')
    const id = await recordNamed(context, text)
    const view = await client.get<View<'Record', RecordView>>(
      `/v1/records/${encodeURIComponent(id)}`,
    )
    printItem(context, {
      kind: 'Record',
      seenFrom: view.seenFrom,
      item: view.item,
      id: view.item.id,
      lines: () => [
        `${view.item.id}   record ${view.item.index} of epoch ${view.item.epoch}   ${context.style.symbols(stateOf(view.item))}`,
        ...JSON.stringify(shownLeaf(view.item), null, 2).split('\n').map(safe),
        ...redactedLines(view.item),
      ],
    })
    return 0
  },
}

/** What is shown above as its commitment alone. */
function redactedLines({ committed }: RecordView): readonly string[] {
  const redacted = committed?.redacted ?? []
  return redacted.length === 0 ? [] : [`redacted: ${redacted.join(', ')}`]
}

/** A full id, a short form among the newest records, or `last`: this caller's latest decision. */
export async function recordNamed(context: Context, text: string): Promise<string> {
  if (text === 'last') {
    const last = await context
      .client('decide')
      .get<View<'Record', RecordView>>('/v1/decisions/last')
    return last.item.id
  }
  const { items } = text.startsWith('sha256:')
    ? { items: [] }
    : await context.client('read').get<ListView<'RecordList', RecordView>>('/v1/records?limit=1000')
  return resolveId(
    context,
    text,
    items.map((item) => item.id),
    false,
  )
}

export const auditVerify: Command = {
  name: 'audit verify',
  group: 'PROVE',
  says: "this node's own log, whole: every record re-hashed up to its checkpoint",
  examples: ['meshd audit verify', 'meshd audit verify --peers'],
  options: [
    { flags: '--peers', says: 'also against the newest checkpoint that each other member holds' },
  ],
  run: async (context, _args, options) => {
    const path = `/v1/log/verify${flagOption(options, 'peers') ? '?peers=true' : ''}`
    const { item, seenFrom } = await context
      .client('read')
      .get<View<'LogVerify', LogVerifyView>>(path, { timeoutMs: 0 })
    const { others } = item
    printItem(context, {
      kind: 'LogVerify',
      seenFrom,
      item,
      id: item.rootHash,
      lines: () =>
        [
          ...(item.problems.length === 0
            ? soundLines(item)
            : problemsOf(item).map((problem) => `✗ ${safe(problem)}`)),
          ...linesOfOthers(item, context.now()),
        ].map((line) => context.style.symbols(line)),
    })
    if (item.problems.length > 0) throw new MeshError('LOG_DAMAGED', item.problems[0] ?? '')
    if (others !== undefined && !continued(others))
      throw new MeshError('LOG_DAMAGED', 'others hold a checkpoint that this log does not continue')
    if (others !== undefined && others.answered < others.need)
      throw new MeshError('NOT_READY', 'too few answered to know what others hold of this log', {
        hint: 'meshd peer list',
      })
    return 0
  },
}

/** What peers show now says more of a rollback than what was remembered of it. */
function problemsOf({ problems, others }: LogVerifyView): readonly string[] {
  const shown = others !== undefined && !continued(others)
  return shown ? problems.filter((problem) => !problem.startsWith('rollback: ')) : problems
}

function soundLines(item: LogVerifyView): readonly string[] {
  const pruned = `  the first ${count(item.pruned)} by their tiles: they were pruned`
  return [
    `✓ ${count(item.verified)} records of epoch ${item.epoch} hash to ${item.rootHash}`,
    ...(item.pruned === 0 ? [] : [pruned]),
    `✓ checkpoint over ${count(item.published)} records, signed by this node's log key`,
  ]
}
