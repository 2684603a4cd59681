/**
 * No regular expression of the sources takes long, whatever it is shown (row
 * 100). Time is counted against an expression that looks at each character
 * once, in the same run: what goes back and forth takes a thousand times more.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { row } from '../lab/row.ts'

const SOURCES = resolve(import.meta.dirname, '../../src')
const LENGTH = 100_000
/** Of the time that one look at each character takes. */
const TIMES_MAX = 200

/** After what no value ends with: there it is no division. */
const LITERAL =
  /(?<=[=(,:!&|?[{;>]\s*|return\s|^\s*)\/(?![*/])((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)/gm

interface Found {
  readonly file: string
  readonly expression: RegExp
}

function literals(): readonly Found[] {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(SOURCES, file), 'utf8').replaceAll(
        /^\s*(\/\/|\*|\/\*).*$/gm,
        '',
      )
      return [...text.matchAll(LITERAL)].map(([, source = '', flags = '']) => ({
        file,
        expression: new RegExp(source, flags),
      }))
    })
}

/** Runs of what an expression may be made of, and an end that lets it fail as late as it can. */
const UNITS = [
  'a',
  '0',
  'A',
  ' ',
  '\t',
  '/',
  '-',
  ':',
  '.',
  '_',
  '*',
  '\\',
  '"',
  '+',
  '=',
  'a:',
  'a/',
  'a.',
  '0.',
  'z6Mk',
  '\n',
  'é',
  '—',
  '[',
  '{',
  'a ',
  ' a',
  '1d',
]
const STRINGS = UNITS.flatMap((unit) => {
  const run = unit.repeat(LENGTH / unit.length)
  return [run, `${run}\u0000`, `sha256:${run}!`]
})

function cpuMs(run: () => void): number {
  const start = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

const look = (expression: RegExp, text: string) => {
  expression.lastIndex = 0
  expression.test(text)
}

/** What one expression may take for one string. Ten looks count: one alone measures what else the process does. */
function budgetMs(): number {
  const tenMs = cpuMs(() => {
    for (let i = 0; i < 10; i += 1) look(/^[^b]*b/, 'a'.repeat(LENGTH))
  })
  return TIMES_MAX * Math.max(tenMs / 10, 0.1)
}

test('every regular expression reads 100 KB of anything in time', (t) => {
  const found = literals()
  assert.ok(found.length > 80, `${found.length} were found`)
  const mostMs = budgetMs()
  for (const { file, expression } of found)
    for (const text of STRINGS) {
      const ms = cpuMs(() => look(expression, text))
      assert.ok(
        ms < mostMs,
        `${file}: ${expression} took ${ms} ms on ${JSON.stringify(text.slice(0, 8))}…`,
      )
    }
  row(t, 100, `${found.length} expressions, ${STRINGS.length} strings each, none over the budget`)
})

test('one that goes back and forth is found', () => {
  const mostMs = budgetMs()
  const ms = cpuMs(() => look(/^(?:a+)+$/, `${'a'.repeat(24)}!`))
  assert.ok(ms > mostMs, `${ms} ms of ${mostMs}`)
})
