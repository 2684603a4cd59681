/**
 * Tables for people. Narrow terminals drop columns from the right by priority;
 * `-o wide` never drops. Every cell is stripped of control characters: names
 * and reasons come from elsewhere.
 */
import { stripControls } from '../core/text.ts'
import type { Style } from './text.ts'

export interface Column<Item> {
  readonly head: string
  readonly cell: (item: Item) => string
  /** Dropped first is the highest; 0 is never dropped. */
  readonly drop?: number
  readonly right?: boolean
  /** Only with -o wide. */
  readonly wide?: boolean
}

export interface TableStyle {
  readonly header: boolean
  readonly wide: boolean
  /** Width of the terminal; null when it is none. */
  readonly columns: number | null
  readonly style: Style
}

const GAP = '  '

export function renderTable<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  table: TableStyle,
): string[] {
  const shown = columns.filter((column) => table.wide || column.wide !== true)
  const cells = shown.map((column) =>
    items.map((item) => table.style.symbols(stripControls(column.cell(item)))),
  )
  const widths = shown.map((column, i) =>
    Math.max(column.head.length, ...(cells[i] ?? []).map((c) => c.length)),
  )
  const kept = fitting(shown, widths, table)
  const line = (texts: (i: number) => string) =>
    kept
      .map((i) => pad(texts(i), widths[i] ?? 0, shown[i]?.right === true))
      .join(GAP)
      .trimEnd()
  const rows = items.map((_, row) => line((i) => cells[i]?.[row] ?? ''))
  return table.header ? [table.style.dim(line((i) => shown[i]?.head ?? '')), ...rows] : rows
}

function fitting<Item>(
  columns: readonly Column<Item>[],
  widths: readonly number[],
  { wide, columns: room }: TableStyle,
): number[] {
  const kept = columns.map((_, i) => i)
  if (wide || room === null) return kept
  const width = () => kept.reduce((sum, i) => sum + (widths[i] ?? 0) + GAP.length, -GAP.length)
  while (width() > room) {
    const droppable = kept.filter((i) => (columns[i]?.drop ?? 0) > 0)
    const worst = droppable.toSorted(
      (a, b) => (columns[b]?.drop ?? 0) - (columns[a]?.drop ?? 0) || b - a,
    )[0]
    if (worst === undefined) break
    kept.splice(kept.indexOf(worst), 1)
  }
  return kept
}

function pad(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width)
}
