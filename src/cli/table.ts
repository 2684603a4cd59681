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
  /** What is left of the width, when dropping others is not enough: its end is not what matters. */
  readonly cut?: boolean
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
  cut(shown, cells, widths, kept, table)
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

const CUT_WIDTH_MIN = 12

/** Shortens the cells of columns that may be cut, the last first, until the line fits. */
function cut<Item>(
  columns: readonly Column<Item>[],
  cells: string[][],
  widths: number[],
  kept: readonly number[],
  { wide, columns: room, style }: TableStyle,
): void {
  if (wide || room === null) return
  const end = style.symbols('…')
  for (const i of kept.filter((each) => columns[each]?.cut === true).toReversed()) {
    const line = kept.reduce((sum, each) => sum + (widths[each] ?? 0) + GAP.length, -GAP.length)
    const width = widths[i] ?? 0
    if (line <= room || width <= CUT_WIDTH_MIN) continue
    const left = Math.max(CUT_WIDTH_MIN, width - (line - room))
    widths[i] = left
    cells[i] = (cells[i] ?? []).map((cell) =>
      cell.length <= left ? cell : `${cell.slice(0, left - end.length).toWellFormed()}${end}`,
    )
  }
}

function pad(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width)
}
