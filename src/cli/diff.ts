/** The lines by which two texts differ: their longest common subsequence, after what begins and ends alike is cut off. */

export interface LineChange {
  readonly sign: '+' | '-'
  /** In the text that has it, from 1. */
  readonly line: number
  readonly text: string
}

/** The table of the middle part has as many cells as both have lines, multiplied; a larger one is shown as all replaced. */
const CELLS_MAX = 4_000_000

export function diffLines(before: string, after: string): readonly LineChange[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  let head = 0
  while (head < Math.min(a.length, b.length) && a[head] === b[head]) head += 1
  let tail = 0
  while (
    tail < Math.min(a.length, b.length) - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail += 1
  const [x, y] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)]
  const common = x.length * y.length > CELLS_MAX ? [] : commonLines(x, y)
  return changes(x, y, common, head)
}

type Pair = readonly [i: number, j: number]

function changes(
  x: readonly string[],
  y: readonly string[],
  common: readonly Pair[],
  head: number,
): readonly LineChange[] {
  const found: LineChange[] = []
  let [i, j] = [0, 0]
  for (const [nextI, nextJ] of [...common, [x.length, y.length] as const]) {
    for (; i < nextI; i += 1) found.push({ sign: '-', line: head + i + 1, text: x[i] ?? '' })
    for (; j < nextJ; j += 1) found.push({ sign: '+', line: head + j + 1, text: y[j] ?? '' })
    i += 1
    j += 1
  }
  return found
}

function commonLines(x: readonly string[], y: readonly string[]): readonly Pair[] {
  const width = y.length + 1
  const length = new Uint32Array((x.length + 1) * width)
  const at = (i: number, j: number) => length[i * width + j] ?? 0
  for (let i = x.length - 1; i >= 0; i -= 1)
    for (let j = y.length - 1; j >= 0; j -= 1)
      length[i * width + j] =
        x[i] === y[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const pairs: Pair[] = []
  for (let i = 0, j = 0; i < x.length && j < y.length; )
    if (x[i] === y[j]) {
      pairs.push([i, j])
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1
    else j += 1
  return pairs
}
