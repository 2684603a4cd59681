/** `meshd explain`: the twelve checks of a past decision, or of a hypothetical one that is not recorded. */
import type { CheckView, DecisionView, ListView, RecordView, View } from '../client/types.ts'
import { isCommitment } from '../core/commitment.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import { isReasonCode, REASONS } from '../core/reasons.ts'
import { ASK_OPTIONS, askOf, DENIED_EXIT } from './authorize.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { forPeople, printItem } from './output.ts'
import { type Named, namesToShow } from './principals.ts'
import { askedOf, REDACTED, shownLeaf, stateOf, whoOf } from './record-text.ts'
import { resolveId } from './short-ids.ts'
import { type Command, textOption } from './spec.ts'
import { clockTime, count } from './text.ts'

const AUDIT_CHECK = 12

export const explain: Command = {
  name: 'explain',
  group: 'DECIDE',
  aliases: ['why'],
  args: ['[decision]'],
  says: 'the twelve checks of a past decision; with --action a hypothetical one, unrecorded',
  examples: [
    'meshd explain last',
    'meshd explain dec_5f0c1a7e',
    'meshd explain --action tool:read --resource repo:acme/docs',
  ],
  options: ASK_OPTIONS,
  run: async (context, [id], options) => {
    if (id === undefined && textOption(options, 'action') !== null) {
      const { body, headers } = await askOf(context, options)
      const view = await context
        .client('decide')
        .post<DecisionView>('/v1/explain', body, { headers })
      printItem(context, {
        kind: 'Explanation',
        seenFrom: '',
        item: view,
        id: '',
        lines: () => hypothetical(context, view),
      })
      return view.decision === true ? 0 : DENIED_EXIT
    }
    const view = await pastDecision(context, id ?? 'last')
    const known = forPeople(context) ? await namesToShow(context) : []
    printItem(context, {
      kind: 'Record',
      seenFrom: view.seenFrom,
      item: view.item,
      id: view.item.id,
      lines: () => past(context, view.item, view.seenFrom, known),
    })
    return 0
  },
}

/** `last`, a full id, or a short form among this node's newest decisions. */
export async function pastDecision(
  context: Context,
  text: string,
): Promise<View<'Record', RecordView>> {
  const client = context.client('decide')
  if (text === 'last' || text.startsWith('sha256:'))
    return client.get(`/v1/decisions/${encodeURIComponent(text)}`)
  const { items } = await context
    .client('read')
    .get<ListView<'RecordList', RecordView>>('/v1/records?type=decision&limit=1000')
  const id = resolveId(
    context,
    text,
    items.map((item) => item.id),
    false,
  )
  return context.client('read').get(`/v1/records/${encodeURIComponent(id)}`)
}

function hypothetical(context: Context, view: DecisionView): string[] {
  const head =
    view.decision === true
      ? context.style.good('WOULD ALLOW')
      : `${context.style.bad('WOULD DENY')}  ${view.code}`
  return [
    `${head}     hypothetical: not recorded, not usable`,
    '',
    ...checkLines(context, view.checks),
    ...mendLines(view.code, view.mend),
  ]
}

function past(
  context: Context,
  record: RecordView,
  seenFrom: string,
  known: readonly Named[],
): string[] {
  const leaf = shownLeaf(record)
  if (leaf['type'] !== 'decision')
    throw new MeshError(
      'NOT_FOUND',
      `${record.id} is no decision but a record of type ${safe(leaf['type'])}`,
    )
  const head =
    leaf['effect'] === 'allow'
      ? context.style.good('ALLOW')
      : `${context.style.bad('DENY')}  ${safe(leaf['code'])}`
  const what = `${whoOf(record, known)}  ${askedOf(record)}`
  const when = clockTime(record.time, context.now())
  return [
    `${head}     ${what}          ${shortId('dec', record.id)}  ${when}`,
    '',
    ...checkLines(context, [...checksOf(record), auditOf(record, seenFrom)]),
    ...mendLines(typeof leaf['code'] === 'string' ? leaf['code'] : null, []),
  ]
}

function checksOf(record: RecordView): readonly CheckView[] {
  return rowsOf(record).filter(({ n }) => n < AUDIT_CHECK)
}

/** Their words may have been given up; which check failed, and how, never. */
function rowsOf(record: RecordView): readonly CheckView[] {
  const leaf = shownLeaf(record)
  const rows = Array.isArray(leaf['checks']) ? (leaf['checks'] as readonly CheckView[]) : []
  return isCommitment(leaf['texts']) ? rows.map((row) => ({ ...row, detail: REDACTED })) : rows
}

/** What the record could not say of itself: where it stands. If it came too late, that remains the word. */
function auditOf(record: RecordView, seenFrom: string): CheckView {
  const own = rowsOf(record).find(({ n }) => n === AUDIT_CHECK)
  if (own?.ok === false) return own
  const detail = `record ${count(record.index)} of ${seenFrom} · ${stateOf(record)}`
  return { n: AUDIT_CHECK, name: 'audit', ok: true, code: null, detail }
}

function checkLines({ style }: Context, checks: readonly CheckView[]): string[] {
  return checks.map(({ n, name, ok, code, detail }) => {
    const mark = ok === null ? '-' : ok ? style.good('✓') : style.bad('✗')
    const words = `${code === null ? '' : `${code.padEnd(16)}   `}${safe(detail)}`
    return style.symbols(`${String(n).padStart(3)} ${name.padEnd(12)} ${mark}  ${words}`)
  })
}

function mendLines(code: string | null, mend: readonly string[]): string[] {
  const known = code !== null && isReasonCode(code) ? [REASONS[code].mend] : []
  const all = mend.length > 0 ? mend : known
  return all.length === 0
    ? []
    : ['', 'What would change it', ...all.map((line) => `  ${safe(line)}`)]
}
