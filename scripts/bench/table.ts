/** What one run measured, and how it is shown: always beside the floor of the same run. */

export interface Row {
  readonly what: string
  readonly ours: string
  readonly floor: string
  /** ours against the floor; null where there is nothing to compare with. */
  readonly ratio: number | null
  /** What is promised of the ratio, and whether it holds; null for what is only told. */
  readonly goal: { readonly says: string; readonly met: boolean } | null
}

export interface Section {
  readonly title: string
  /** How it was measured, in a sentence or two. */
  readonly how: string
  readonly rows: readonly Row[]
}

const HEAD = ['what', 'meshd', 'floor', 'ratio', 'goal'] as const

function cells({ what, ours, floor, ratio, goal }: Row): readonly string[] {
  const said = goal === null ? '' : `${goal.says} ${goal.met ? '✓' : '✗ missed'}`
  return [what, ours, floor, ratio === null ? '' : ratio.toFixed(2), said]
}

export function forTerminal({ title, how, rows }: Section): string {
  const lines = [HEAD, ...rows.map(cells)]
  const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)))
  const printed = lines.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [`\n${title}`, how, '', ...printed].join('\n')
}

export function forMarkdown({ title, how, rows }: Section): string {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  const table = [line(HEAD), line(HEAD.map(() => '---')), ...rows.map((row) => line(cells(row)))]
  return [`## ${title}`, '', how, '', ...table, ''].join('\n')
}

export function atLeast(goal: number, ratio: number): Row['goal'] {
  return { says: `≥ ${goal}`, met: ratio >= goal }
}

export function atMost(goal: number, ratio: number): Row['goal'] {
  return { says: `≤ ${goal}`, met: ratio <= goal }
}

export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en').replaceAll(',', ' ')}/s`
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Of several runs of the same thing the one in the middle. */
export function middle<T>(runs: readonly T[], rate: (run: T) => number): T {
  const sorted = runs.toSorted((a, b) => rate(a) - rate(b))
  const chosen = sorted[Math.floor(sorted.length / 2)]
  if (chosen === undefined) throw new Error('nothing was run')
  return chosen
}
