/**
 * `npm run lab`: runs every test that says which rows of the fault matrix it runs, and prints the matrix.
 *
 *     node scripts/lab.ts                 all of it, with the long counts
 *     node scripts/lab.ts --rows 1-43,60  these rows
 *     node scripts/lab.ts --quick         without what takes minutes
 *
 * A row that has neither a test nor a reason is a failure, and so is one of which a test failed.
 */
import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { run } from 'node:test'
import { MATRIX, type Row } from '../test/lab/matrix.ts'
import { declared, type Finding, findings, parseRows } from './lab/rows.ts'
import { optionsOf } from './options.ts'

/** A file that does not end is a failure. */
const FILE_MS_MAX = 30 * 60_000
/** What starts processes and networks of its own runs alone. */
const ALONE = /^test\/(?:lab|e2e|ports|long)\//
/** What takes minutes. */
const LONG = /^test\/(?:lab|long)\//

const { values } = optionsOf(import.meta.filename, {
  options: {
    rows: { type: 'string', default: `1-${MATRIX.length}` },
    quick: { type: 'boolean', default: false },
  },
})

type Found = ReadonlyMap<string, Finding>

/** @param jobs files at once */
async function tested(files: readonly string[], jobs: number): Promise<Found> {
  if (files.length === 0) return new Map()
  const events = run({
    ...{ files, concurrency: jobs, timeout: FILE_MS_MAX },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, ...(values.quick ? {} : { MESHD_LAB: 'long' }) },
  })
  return findings(events, (line) => console.log(line))
}

/** The last column of a row: whether it ran, and what was measured. */
function mark(row: Row, files: readonly string[], found: Found): readonly [string, string] {
  const metrics: string[] = []
  let skipped: string | null = null
  for (const file of files) {
    const of = found.get(resolve(file))
    if (of === undefined) continue
    const measured = of.measured.get(row.id)
    // A test that failed before it could measure has failed its row too.
    if (of.failure !== null && (measured === undefined || of.broken.has(row.id)))
      return ['✗', `${file}: ${of.failure}`]
    if (measured !== undefined) metrics.push(...measured)
    skipped ??= of.skipped
  }
  if (metrics.length > 0) return ['✓', metrics.join('; ')]
  if (skipped !== null) return ['-', `not run: ${skipped}`]
  if (values.quick && files.length > 0) return ['-', 'not run: takes minutes']
  if (row.reason !== undefined) return ['-', `not run: ${row.reason}`]
  return ['✗', files.length === 0 ? 'no test' : 'its test measured nothing']
}

const wanted = parseRows(values.rows)
const rowsByFile = new Map(
  globSync('test/**/*.test.ts')
    .sort()
    .map((file) => [file, declared(readFileSync(file, 'utf8'))] as const),
)
const chosen = [...rowsByFile.entries()]
  .filter(([file, rows]) => rows.some((id) => wanted.has(id)) && !(values.quick && LONG.test(file)))
  .map(([file]) => file)

const together = await tested(
  chosen.filter((file) => !ALONE.test(file)),
  availableParallelism(),
)
const alone = await tested(
  chosen.filter((file) => ALONE.test(file)),
  1,
)
const found = new Map([...together, ...alone])
const signs: string[] = []
for (const row of MATRIX.filter(({ id }) => wanted.has(id))) {
  const files = [...rowsByFile].filter(([, rows]) => rows.includes(row.id)).map(([file]) => file)
  const [sign, says] = mark(row, files, found)
  signs.push(sign)
  console.log(`${sign} ${String(row.id).padStart(3)}  ${row.title} (${row.attacks})`)
  console.log(`       ${says}`)
}
const count = (sign: string) => signs.filter((each) => each === sign).length
console.log(
  `${count('✓')} of ${wanted.size} rows executed, ${count('✗')} failed, ${count('-')} not run`,
)
// A test that failed beside the rows is a failure as well.
const failures = [...found.values()].filter(({ failure }) => failure !== null)
if (count('✗') > 0 || failures.length > 0) process.exitCode = 1
