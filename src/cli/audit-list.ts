/** `meshd audit list|tail|stats`: records of this node's own log, with filters. */
import type {
  MeshRecordListView,
  MeshRecordView,
  RecordListView,
  RecordStatsView,
} from '../client/search-types.ts'
import type { RecordView, View } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import { DIFFERS } from '../core/terms.ts'
import { jsonText } from '../core/text.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { forPeople, printItem, printList, tableStyle } from './output.ts'
import { timeOf } from './parse.ts'
import { type Named, nameIn, namesToShow, resolvePrincipal } from './principals.ts'
import { markOf, whatOf, whoOf, whyOf } from './record-text.ts'
import { resolveId } from './short-ids.ts'
import {
  type Command,
  flagOption,
  listOption,
  type OptionSpec,
  type Options,
  textOption,
} from './spec.ts'
import { type Column, renderTable } from './table.ts'
import { clockTime, count, plural, shortDid, timeOfDay } from './text.ts'

/** As they go to the daemon, which says what each may be. */
const PLAIN = ['type', 'action', 'resource', 'code', 'outcome', 'trace', 'before', 'limit'] as const

const FILTERS: readonly OptionSpec[] = [
  { flags: '--type <type>', says: 'decision, outcome, statement, artifact, system or epoch' },
  { flags: '--principal <principal>', says: 'who acted, or issued what was acted by' },
  { flags: '--action <action>', says: 'what was asked' },
  { flags: '--resource <resource>', says: 'of what: repo:acme/docs' },
  { flags: '--code <code>', says: 'a reason code, or ALLOW' },
  { flags: '--outcome <outcome>', says: 'allow, deny; ok, failed, stopped, unknown' },
  { flags: '--observed-differs', says: 'what bundles that are observed would decide otherwise' },
  { flags: '--artifact <cid>', says: 'decided by it, or by what was delegated from it' },
  { flags: '--execution <id>', says: 'it, its end, and what named it as its cause' },
  { flags: '--trace <id>', says: 'a W3C trace id, or a traceparent' },
  { flags: '--since <time>', says: 'RFC 3339, or 2h' },
  { flags: '--until <time>', says: 'RFC 3339, or 2h' },
]
const LIMIT_DEFAULT = '50'
const TAIL_MS = 20_000

async function query(context: Context, options: Options): Promise<URLSearchParams> {
  const search = new URLSearchParams()
  for (const name of PLAIN) {
    const value = textOption(options, name)
    if (value !== null) search.set(name, value)
  }
  if (flagOption(options, 'observedDiffers')) search.set('observed', DIFFERS)
  const principal = textOption(options, 'principal')
  if (principal !== null) search.set('principal', (await resolvePrincipal(context, principal)).did)
  for (const name of ['artifact', 'execution'] as const) {
    const value = textOption(options, name)
    if (value !== null) search.set(name, await fullId(context, value))
  }
  for (const name of ['since', 'until'] as const) {
    const value = textOption(options, name)
    if (value !== null)
      search.set(name, new Date(timeOf(value, `--${name}`, context.now().getTime())).toISOString())
  }
  return search
}

/** A short id is looked for among the newest records; a full one needs no look. */
async function fullId(context: Context, text: string): Promise<string> {
  if (!text.includes('_')) return text
  const { items } = await recent(context)
  const ids = items.flatMap(({ id, leaf }) => [id, leaf['artifact'], leaf['execution']])
  const known = ids.filter((id) => typeof id === 'string')
  return resolveId(context, text, known, false)
}

function recent(context: Context): Promise<RecordListView> {
  return context.client('read').get<RecordListView>('/v1/records?limit=1000')
}

export const auditList: Command = {
  name: 'audit list',
  watch: true,
  group: 'PROVE',
  aliases: ['ls'],
  says: 'records of this node, newest first',
  examples: [
    'meshd audit list',
    'meshd audit list --code REVOKED --since 2h',
    'meshd audit list --principal planner --outcome deny',
    'meshd audit list --observed-differs --since 24h',
  ],
  options: [
    ...FILTERS,
    { flags: '--limit <n>', says: `how many, default ${LIMIT_DEFAULT}` },
    { flags: '--before <index>', says: 'only records below it: the next page' },
    { flags: '--mesh', says: 'of every node that lets us look, each record proven' },
  ],
  run: async (context, _args, options) => {
    const search = await query(context, { limit: LIMIT_DEFAULT, ...options })
    if (flagOption(options, 'mesh')) return listMesh(context, search)
    const view = await context.client('read').get<RecordListView>(`/v1/records?${search}`)
    const { items, seenFrom, next, stopped, pruned } = view
    const known = forPeople(context) ? await namesToShow(context) : []
    printList(context, {
      kind: 'RecordList',
      ...{ seenFrom, items },
      id: ({ id }) => id,
      empty: 'no records',
      columns: COLUMNS(context.now(), known),
      more: { next, stopped, pruned },
    })
    if (forPeople(context) && stopped)
      context.say(`! the search ended at its bound: older records may match (--before ${next})`)
    else if (forPeople(context) && next !== null) context.say(`older ones: --before ${next}`)
    else if (forPeople(context) && pruned > 0)
      context.say(`records below ${count(pruned)} were pruned`)
    return 0
  },
}

/** Who showed nothing is named: their records are missing, not absent. */
async function listMesh(context: Context, search: URLSearchParams): Promise<number> {
  if (search.has('before'))
    throw new MeshError('USAGE', '`--before` is an index of one log, and `--mesh` asks many')
  const view = await context.client('read').get<MeshRecordListView>(`/v1/mesh/records?${search}`)
  const { items, nodes, seenFrom } = view
  const known = forPeople(context) ? await namesToShow(context) : []
  printList<MeshRecordView>(context, {
    kind: 'MeshRecordList',
    ...{ seenFrom, items },
    id: ({ id }) => id,
    empty: 'no records',
    columns: [
      {
        head: 'NODE',
        cell: ({ node: { did, name } }) => (name === null ? shortDid(did) : safe(name)),
      },
      ...COLUMNS(context.now(), known),
    ],
    more: { nodes },
  })
  if (!forPeople(context)) return 0
  const silent = nodes.filter(({ why }) => why !== null)
  context.say(`${nodes.length - silent.length} of ${plural(nodes.length, 'node')} answered`)
  for (const { did, name, why } of silent)
    context.say(`! ${name === null ? shortDid(did) : safe(name)}: ${safe(why ?? '')}`)
  return 0
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
  examples: ['meshd audit tail', 'meshd audit tail --outcome deny -o jsonl'],
  options: [
    { flags: '-n, --lines <n>', says: 'how many of the newest first, default 10' },
    ...FILTERS,
  ],
  run: async (context, _args, options) => {
    const client = context.client('read')
    const search = await query(context, options)
    const [end] = (await client.get<RecordListView>('/v1/records?limit=1')).items
    /** Index of the first record that was not looked at: what comes from here on is not passed over. */
    let after = end === undefined ? 0 : end.index + 1
    const lines = textOption(options, 'lines') ?? '10'
    const newest = new URLSearchParams([...search, ['limit', lines], ['before', `${after}`]])
    const first = await client.get<RecordListView>(`/v1/records?${newest}`)
    const known = forPeople(context) ? await namesToShow(context) : []
    for (const record of first.items.toReversed()) show(context, record, known)
    while (!context.signal.aborted) {
      const view: RecordListView = await client.get(
        `/v1/records/tail?${search}&after=${after}&ms=${TAIL_MS}`,
        { timeoutMs: 0, signal: context.signal },
      )
      for (const record of view.items) show(context, record, known)
      after = view.next ?? after
    }
    return 0
  },
}

function show(context: Context, record: RecordView, known: readonly Named[]): void {
  if (forPeople(context)) context.print(tailLine(context, record, known))
  else context.data(jsonText(record))
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

export const auditStats: Command = {
  name: 'audit stats',
  group: 'PROVE',
  says: 'how many records of this node share a code, a principal, an action',
  examples: ['meshd audit stats --since 90d --by code,principal', 'meshd audit stats --by action'],
  options: [
    {
      flags: '--by <list>',
      says: 'code, principal, action, resource, type, outcome; default code',
    },
    ...FILTERS,
  ],
  run: async (context, _args, options) => {
    const search = await query(context, options)
    search.set('by', listOption(options, 'by').join(',') || 'code')
    const { item, seenFrom } = await context
      .client('read')
      .get<View<'RecordStats', RecordStatsView>>(`/v1/records/stats?${search}`)
    const known = forPeople(context) ? await namesToShow(context) : []
    printItem(context, {
      kind: 'RecordStats',
      ...{ seenFrom, item },
      id: String(item.counted),
      lines: () => statsLines(context, item, known),
    })
    return 0
  },
}

function statsLines(
  context: Context,
  stats: RecordStatsView,
  known: readonly Named[],
): readonly string[] {
  const columns: Column<RecordStatsView['groups'][number]>[] = [
    { head: 'COUNT', right: true, cell: (group) => count(group.count) },
    ...stats.by.map((name, i) => ({
      head: name.toUpperCase(),
      cell: ({ values }: RecordStatsView['groups'][number]) => {
        const value = values[i] ?? null
        if (value === null) return '-'
        return safe(name === 'principal' ? nameIn(known, value) : value)
      },
    })),
  ]
  const table =
    stats.groups.length === 0 ? [] : renderTable(stats.groups, columns, tableStyle(context))
  const times =
    stats.from === null || stats.to === null
      ? ''
      : `   ${clockTime(stats.from, context.now())} to ${clockTime(stats.to, context.now())}`
  const lines = [...table, `${count(stats.counted)} records${times}`]
  if (stats.unlisted > 0) lines.push(`${count(stats.unlisted)} of them in groups not listed`)
  if (stats.stoppedAt !== null)
    lines.push(`! the count ended at its bound: records below ${count(stats.stoppedAt)} are not in`)
  return lines
}
