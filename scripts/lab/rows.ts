/** Reads what tests say of the fault matrix: which rows a file has, and what its tests measured. */
import type { TestEvent } from 'node:test/reporters'
import { MATRIX } from '../../test/lab/matrix.ts'

/** What the tests of one file say. */
export interface Finding {
  /** The metrics of each row. */
  readonly measured: Map<number, string[]>
  /** Rows of which a test failed. */
  readonly broken: Set<number>
  /** The first test that failed, and how. */
  failure: string | null
  /** Why a test was skipped. */
  skipped: string | null
}

/** The rows that a test file says, read from its text: `row(t, 17, …)`. */
export function declared(source: string): number[] {
  const calls = [...source.matchAll(/\brow\(\s*\w+,\s*(\d+),/g)]
  return [...new Set(calls.map(([, id]) => Number(id)))]
}

/** @param text `1-43,60` @throws for a row that the matrix does not have */
export function parseRows(text: string): Set<number> {
  const ids = text.split(',').flatMap((part) => {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (range === null) throw new Error(`rows are like 1-43,60, not \`${text}\``)
    const from = Number(range[1])
    const to = Number(range[2] ?? from)
    if (from < 1 || to > MATRIX.length || to < from)
      throw new Error(`rows are 1 to ${MATRIX.length}, not \`${part}\``)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  return new Set(ids)
}

const sentence = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return String(cause instanceof Error ? cause.message : cause)
}

/** Folds the events of a run, by file. @param tell hears of each test that failed, at once */
export async function findings(
  events: AsyncIterable<TestEvent>,
  tell: (line: string) => void,
): Promise<Map<string, Finding>> {
  const byFile = new Map<string, Finding>()
  const of = (file: string): Finding => {
    const known = byFile.get(file)
    if (known !== undefined) return known
    const made = { measured: new Map(), broken: new Set<number>(), failure: null, skipped: null }
    byFile.set(file, made)
    return made
  }
  // A diagnostic comes right after the result of its test.
  const lastFailed = new Map<string, boolean>()
  for await (const event of events) {
    if (
      event.type !== 'test:fail' &&
      event.type !== 'test:pass' &&
      event.type !== 'test:diagnostic'
    )
      continue
    const file = event.data.entryFile ?? event.data.file
    if (file === undefined) continue
    const found = of(file)
    if (event.type !== 'test:diagnostic') lastFailed.set(file, event.type === 'test:fail')
    if (event.type === 'test:fail') {
      const says = `${event.data.name}: ${sentence(event.data.details.error)}`
      found.failure ??= says
      tell(`✗ ${file}: ${says}`)
    } else if (event.type === 'test:pass') {
      const { skip, name } = event.data
      if (skip !== undefined) found.skipped = skip === true ? name : String(skip)
    } else {
      const [, id, metric] = /^row (\d+): (.*)$/s.exec(event.data.message) ?? []
      if (id === undefined || metric === undefined) continue
      const metrics = found.measured.get(Number(id)) ?? []
      found.measured.set(Number(id), [...metrics, metric])
      if (lastFailed.get(file) === true) found.broken.add(Number(id))
    }
  }
  return byFile
}
