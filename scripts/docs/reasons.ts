/** docs/reasons.md: the two closed lists, and the exit statuses. */
import { CHECK_NAMES } from '../../src/core/checks/check.ts'
import { PROBLEMS } from '../../src/core/problems.ts'
import { REASONS } from '../../src/core/reasons.ts'

/** Exit statuses that no problem code has: `exec`'s own, and what is no failure. */
const OTHER_EXITS: readonly (readonly [status: string, says: string])[] = [
  ['0', 'success; **ALLOW**'],
  [
    '2',
    '**DENY**: `authorize`, a hypothetical `explain`, `artifact verify` of an expired or revoked one',
  ],
  ['7', 'differences exist (`policy diff --exit-code` alone)'],
  ['125', '`exec`: meshd failed, nothing ran'],
  ['126', '`exec`: **denied**, or not executable'],
  ['127', '`exec`: not found'],
  ['130', 'Ctrl-C'],
]

export function reasonsPage(): string {
  return [
    '# Codes and exit statuses',
    '',
    'Generated from `src/core/reasons.ts` and `src/core/problems.ts` by `npm run docs`. Both lists are closed;',
    '`meshd help <CODE>` explains each one.',
    '',
    '## Why an execution is denied',
    '',
    'Checks run in this order, and the first that fails names the denial. *Passes* means that the same request may',
    'succeed later without anybody signing or changing anything.',
    '',
    '| check | code | what it says | passes | what to do |',
    '|---|---|---|---|---|',
    ...Object.entries(REASONS).map(([code, { check, says, passes, mend }]) =>
      row(checkText(check), `\`${code}\``, says, passes ? 'yes' : '', mend),
    ),
    '',
    '## Why a command or a call fails',
    '',
    'No record ever gives one of these as its reason.',
    '',
    '| exit | code | what it says | what to do |',
    '|---|---|---|---|',
    ...Object.entries(PROBLEMS).map(([code, { exit, says, hint }]) =>
      row(String(exit), `\`${code}\``, says, hint),
    ),
    '',
    '## Exit statuses',
    '',
    'Anything but 0 means: do not run.',
    '',
    '| exit | meaning |',
    '|---|---|',
    ...exits().map(([status, says]) => row(status, says)),
    '',
  ].join('\n')
}

function checkText(check: number): string {
  return check === 0 ? '' : `${check} ${CHECK_NAMES[check - 1]}`
}

function exits(): readonly (readonly [string, string])[] {
  const byExit = Map.groupBy(Object.entries(PROBLEMS), ([, { exit }]) => exit)
  const problems = [...byExit].map(
    ([exit, rows]) => [String(exit), rows.map(([code]) => `\`${code}\``).join(', ')] as const,
  )
  return [...problems, ...OTHER_EXITS].sort(([a], [b]) => Number(a) - Number(b))
}

export function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => plainText(cell.replaceAll('|', '\\|'))).join(' | ')} |`
}

/** A test by its name. */
export function linked(file: string): string {
  return `[${file.replace(/^test\//, '').replace(/\.test\.ts$/, '')}](../${file})`
}

/** Markdown takes a bare `<` for HTML, which it drops. */
export function plainText(text: string): string {
  return text.startsWith('`') ? text : text.replaceAll('<', '\\<')
}
