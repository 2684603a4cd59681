/** `meshd audit show|verify`: one record of this node's own log, and all of it. */
import type { ListView, LogVerifyView, RecordView, View } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { printItem } from './output.ts'
import { shownLeaf, stateOf } from './record-text.ts'
import { resolveId } from './short-ids.ts'
import type { Command } from './spec.ts'
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
  examples: ['meshd audit verify'],
  run: async (context) => {
    const { item, seenFrom } = await context
      .client('read')
      .get<View<'LogVerify', LogVerifyView>>('/v1/log/verify', { timeoutMs: 0 })
    printItem(context, {
      kind: 'LogVerify',
      seenFrom,
      item,
      id: item.rootHash,
      lines: () =>
        item.problems.length === 0
          ? [
              context.style.symbols(
                `✓ ${count(item.verified)} records of epoch ${item.epoch} hash to ${item.rootHash}`,
              ),
              ...(item.pruned === 0
                ? []
                : [`  the first ${count(item.pruned)} by their tiles: they were pruned`]),
              context.style.symbols(
                `✓ checkpoint over ${count(item.published)} records, signed by this node's log key`,
              ),
            ]
          : item.problems.map((problem) => context.style.symbols(`✗ ${safe(problem)}`)),
    })
    if (item.problems.length > 0) throw new MeshError('LOG_DAMAGED', item.problems[0] ?? '')
    return 0
  },
}
