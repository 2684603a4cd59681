/** `meshd audit list|tail|show|verify`: this node's own log. */
import type { ListView, LogVerifyView, RecordView, View } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { forPeople, jsonText, printItem, printList } from './output.ts'
import { timeOf } from './parse.ts'
import { type Named, namesToShow, resolvePrincipal } from './principals.ts'
import { markOf, whatOf, whoOf, whyOf } from './record-text.ts'
import { resolveId } from './short-ids.ts'
import { type Command, type OptionSpec, type Options, textOption } from './spec.ts'
import type { Column } from './table.ts'
import { clockTime, count, timeOfDay } from './text.ts'

const FILTERS: readonly OptionSpec[] = [
  { flags: '--type <type>', says: 'decision, outcome, statement, artifact, system or epoch' },
  { flags: '--principal <principal>', says: 'who acted' },
  { flags: '--action <action>', says: 'what was asked' },
  { flags: '--code <code>', says: 'a reason code, or ALLOW' },
  { flags: '--since <time>', says: 'RFC 3339, or 2h' },
  { flags: '--until <time>', says: 'RFC 3339, or 2h' },
]
const LIMIT_DEFAULT = '50'
const TAIL_MS = 20_000

async function query(context: Context, options: Options): Promise<URLSearchParams> {
  const search = new URLSearchParams()
  for (const name of ['type', 'action', 'code', 'limit'] as const) {
    const value = textOption(options, name)
    if (value !== null) search.set(name, value)
  }
  const principal = textOption(options, 'principal')
  if (principal !== null) search.set('principal', (await resolvePrincipal(context, principal)).did)
  for (const name of ['since', 'until'] as const) {
    const value = textOption(options, name)
    if (value !== null)
      search.set(name, new Date(timeOf(value, `--${name}`, context.now().getTime())).toISOString())
  }
  return search
}

export const auditList: Command = {
  name: 'audit list',
  watch: true,
  group: 'PROVE',
  aliases: ['ls'],
  says: 'records of this node, newest first',
  examples: ['meshd audit list', 'meshd audit list --code REVOKED --since 2h'],
  options: [...FILTERS, { flags: '--limit <n>', says: `how many, default ${LIMIT_DEFAULT}` }],
  run: async (context, _args, options) => {
    const search = await query(context, { limit: LIMIT_DEFAULT, ...options })
    const view = await context
      .client('read')
      .get<ListView<'RecordList', RecordView>>(`/v1/records?${search}`)
    const known = forPeople(context) ? await namesToShow(context) : []
    printList(context, {
      kind: 'RecordList',
      seenFrom: view.seenFrom,
      items: view.items,
      id: ({ id }) => id,
      empty: 'no records',
      columns: COLUMNS(context.now(), known),
    })
    return 0
  },
}

type Columns = readonly Column<RecordView>[]

const COLUMNS = (now: Date, known: readonly Named[]): Columns => [
  { head: 'TIME', cell: ({ time }) => clockTime(time, now) },
  { head: '', cell: markOf },
  { head: 'WHO', cut: true, cell: (record) => whoOf(record, known) },
  { head: 'WHAT', cut: true, cell: whatOf },
  { head: 'WHY', cell: whyOf },
  {
    head: 'RECORD',
    cell: (record) => shortId(record.type === 'decision' ? 'dec' : 'rec', record.id),
  },
  { head: 'INDEX', right: true, drop: 1, cell: ({ index }) => count(index) },
  { head: 'STATE', drop: 2, cell: ({ state }) => state },
  { head: 'ID', wide: true, cell: ({ id }) => id },
]

export const auditTail: Command = {
  name: 'audit tail',
  group: 'PROVE',
  says: 'records as they become durable, until Ctrl-C',
  examples: ['meshd audit tail', 'meshd audit tail -o jsonl'],
  options: [{ flags: '-n, --lines <n>', says: 'how many of the newest first, default 10' }],
  run: async (context, _args, options) => {
    const client = context.client('read')
    const limit = textOption(options, 'lines') ?? '10'
    const first = await client.get<ListView<'RecordList', RecordView>>(
      `/v1/records?limit=${encodeURIComponent(limit)}`,
    )
    const known = forPeople(context) ? await namesToShow(context) : []
    /** Index of the first record that was not shown. */
    let after = 0
    const show = (records: readonly RecordView[]) => {
      for (const record of records) {
        after = record.index + 1
        if (forPeople(context)) context.print(tailLine(context, record, known))
        else context.data(jsonText(record))
      }
    }
    show(first.items.toReversed())
    while (!context.signal.aborted) {
      const { items } = await client.get<ListView<'RecordList', RecordView>>(
        `/v1/records/tail?after=${after}&ms=${TAIL_MS}`,
        { timeoutMs: 0, signal: context.signal },
      )
      show(items)
    }
    return 0
  },
}

/** Widths are guessed: nobody knows what is still to come. */
function tailLine({ style }: Context, record: RecordView, known: readonly Named[]): string {
  const id = shortId(record.type === 'decision' ? 'dec' : 'rec', record.id)
  const cells = [
    timeOfDay(record.time),
    markOf(record),
    whoOf(record, known).padEnd(9),
    whatOf(record).padEnd(28),
    whyOf(record).padEnd(19),
    id,
    count(record.index).padStart(8),
    record.state,
  ]
  return style.symbols(cells.join('  '))
}

export const auditShow: Command = {
  name: 'audit show',
  group: 'PROVE',
  args: ['<record>'],
  says: 'one record, as it stands in the log',
  examples: ['meshd audit show rec_71d0a2b9'],
  run: async (context, [text = '']) => {
    const client = context.client('read')
    const { items } = text.startsWith('sha256:')
      ? { items: [] }
      : await client.get<ListView<'RecordList', RecordView>>('/v1/records?limit=1000')
    const id = resolveId(
      context,
      text,
      items.map((item) => item.id),
      false,
    )
    const view = await client.get<View<'Record', RecordView>>(
      `/v1/records/${encodeURIComponent(id)}`,
    )
    printItem(context, {
      kind: 'Record',
      seenFrom: view.seenFrom,
      item: view.item,
      id: view.item.id,
      lines: () => [
        `${view.item.id}   record ${view.item.index} of epoch ${view.item.epoch}   ${view.item.state}`,
        ...JSON.stringify(view.item.leaf, null, 2).split('\n').map(safe),
      ],
    })
    return 0
  },
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
