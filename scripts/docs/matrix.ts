/** The fault matrix in docs/reliability.md: which tests run each row, read from what they say of it. */
import { globSync, readFileSync } from 'node:fs'
import { MATRIX } from '../../test/lab/matrix.ts'
import { declared } from '../lab/rows.ts'
import { linked, row } from './reasons.ts'

/** Files by row. What tests the matrix itself runs none of it. */
function tests(): ReadonlyMap<number, readonly string[]> {
  const root = new URL('../../', import.meta.url)
  const files = globSync('test/**/*.test.ts', { cwd: root }).sort()
  const said = files
    .filter((file) => file !== 'test/tidy/matrix.test.ts')
    .flatMap((file) =>
      declared(readFileSync(new URL(file, root), 'utf8')).map((id) => ({ id, file })),
    )
  return new Map(
    [...Map.groupBy(said, ({ id }) => id)].map(([id, all]) => [id, all.map(({ file }) => file)]),
  )
}

export function matrix(): readonly string[] {
  const byRow = tests()
  const reasons = MATRIX.flatMap(({ id, reason }) =>
    reason !== undefined && !byRow.has(id) ? [id] : [],
  )
  const missing = MATRIX.filter(({ id }) => !byRow.has(id)).length - reasons.length
  return [
    '## The fault matrix',
    '',
    `Of ${MATRIX.length} faults and attacks ${byRow.size} have a test that runs them, ${reasons.length} have a reason why they cannot run on one`,
    `machine, and ${missing} have neither yet. \`npm run lab\` runs them and prints what each one measured.`,
    '',
    '| | what is injected | attacks | measured | run by |',
    '|---|---|---|---|---|',
    ...MATRIX.map(({ id, title, attacks, metric, reason }) => {
      const files = byRow.get(id)
      return row(
        String(id),
        title.replaceAll('__', '\\_\\_'),
        attacks,
        metric,
        files?.map(linked).join(', ') ?? reason ?? '—',
      )
    }),
    '',
  ]
}
