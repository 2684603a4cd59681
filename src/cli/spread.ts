/** Who applied a statement, when it was committed, and the bound for the rest. Before the commit no bound is printed. */
import type { SpreadView } from '../client/types.ts'
import { SPREAD_WAIT_MS_MAX } from '../core/limits.ts'
import { PROBLEMS } from '../core/problems.ts'
import type { Context } from './context.ts'
import { forPeople, printItem, tableStyle } from './output.ts'
import { renderTable } from './table.ts'
import { clockTime, duration, exactly, plural, shortDid } from './text.ts'

export type WaitFor = 'none' | 'committed' | 'all'

/** Asks until it is committed (or on all), or the time allowed is over; the last view says how far it came. */
export async function waitSpread(context: Context, id: string, wait: WaitFor): Promise<SpreadView> {
  const { timeoutMs } = context.globals
  const ms = timeoutMs === 0 ? SPREAD_WAIT_MS_MAX : Math.min(timeoutMs, SPREAD_WAIT_MS_MAX)
  return context
    .client('read')
    .get<SpreadView>(`/v1/spread?id=${encodeURIComponent(id)}&wait=${wait}&ms=${ms}`, {
      timeoutMs: ms + 5000,
    })
}

/**
 * Exit 124 when it is not committed: then nothing bounds the rest yet.
 * @param stops whether it takes something away: a revocation, a freeze
 */
export function printSpread(context: Context, view: SpreadView, stops: boolean): number {
  printItem(context, {
    kind: 'Spread',
    seenFrom: '',
    item: view,
    id: view.id,
    lines: () => (forPeople(context) ? lines(context, view, stops) : []),
  })
  return spreadExit(view)
}

export function spreadExit({ committedAt }: SpreadView): number {
  return committedAt === null ? PROBLEMS.TIMEOUT.exit : 0
}

function lines(context: Context, view: SpreadView, stops: boolean): string[] {
  const table = renderTable(
    view.nodes,
    [
      { head: 'NODE', cell: ({ name, did }) => name ?? shortDid(did) },
      { head: 'ROLE', cell: ({ role }) => role },
      {
        head: 'APPLIED',
        right: true,
        cell: (node) =>
          node.applied ? duration(node.appliedMs ?? 0) : (node.unreachable ?? 'not yet'),
      },
      { head: 'STOPPED', cell: () => '-', drop: 1 },
    ],
    tableStyle(context),
  )
  return ['', ...table, '', ...summary(view, stops, context.now()).map(context.style.symbols)]
}

function summary(view: SpreadView, stops: boolean, now: Date): string[] {
  const witnesses = view.nodes.filter(({ role }) => role === 'witness').length
  const bound = stops
    ? 'no node anywhere allows it after'
    : 'no node anywhere decides without it after'
  const applied = view.nodes.filter(({ applied: done }) => done)
  const slowest = Math.max(0, ...applied.map(({ appliedMs }) => appliedMs ?? 0))
  const on = `applied on ${applied.length} of ${view.nodes.length} nodes${applied.length === 0 ? '' : ` in ${duration(slowest)}`}`
  if (view.committedAt === null || view.boundAt === null)
    return [
      on,
      `no bound yet: ${view.witnessesHolding} of ${plural(view.write, 'witness', 'witnesses')}`,
    ]
  return [
    `${on}; committed in ${duration(view.committedMs ?? 0)} (${view.witnessesHolding} of ${plural(witnesses, 'witness', 'witnesses')}, ${clockTime(view.committedAt, now)})`,
    `${bound} ${clockTime(view.boundAt, now)}   (commit + staleness ${exactly(view.stalenessMs)} + 2 × skew ${exactly(view.skewMs)}); a node cut off denies by itself before then`,
  ]
}
