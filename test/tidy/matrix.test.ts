/** The fault matrix and the tests that run it: numbers that exist, and a runner that reads them rightly. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { declared, findings, parseRows } from '../../scripts/lab/rows.ts'
import { MATRIX } from '../lab/matrix.ts'

test('the matrix has 144 rows, each with what it attacks and what is measured', () => {
  assert.equal(MATRIX.length, 144)
  for (const [index, { id, title, attacks, metric }] of MATRIX.entries()) {
    assert.equal(id, index + 1)
    assert.match(attacks, /^[SQL]\d+(?: [SQL]\d+)*$/, `row ${id}`)
    assert.ok(title.length > 0 && metric.length > 0, `row ${id}`)
  }
  assert.equal(new Set(MATRIX.map(({ title }) => title)).size, 144)
})

test('the tests say rows that the matrix has', () => {
  const files = globSync('test/**/*.test.ts').filter((file) => !file.startsWith('test/tidy/'))
  for (const file of files)
    for (const id of declared(readFileSync(file, 'utf8')))
      assert.ok(id >= 1 && id <= MATRIX.length, `${file} says row ${id}`)
})

test('rows are read from a source, also over two lines', () => {
  assert.deepEqual(declared("row(t, 17, 'a')\nrow(\n  t,\n  18,\n  `b`)\nrow(t, 17, x)"), [17, 18])
  assert.deepEqual([...parseRows('1-3,60')], [1, 2, 3, 60])
  for (const wrong of ['', '0', '145', '3-1', '1-', 'x']) assert.throws(() => parseRows(wrong))
})

test('a row is broken where its own test failed, and one that fails before it measures is known', async () => {
  const at = (line: number) => ({ file: '/a', line, column: 1, nesting: 0 })
  const details = { error: Object.assign(new Error('test failed'), { cause: new Error('boom') }) }
  const events = [
    { type: 'test:pass', data: { ...at(1), name: 'good' } },
    { type: 'test:diagnostic', data: { ...at(1), message: 'row 5: 0 of 9' } },
    { type: 'test:fail', data: { ...at(2), name: 'bad', details } },
    { type: 'test:diagnostic', data: { ...at(2), message: 'row 6: 1 of 9' } },
    { type: 'test:pass', data: { ...at(3), name: 'other', skip: 'no mount' } },
    { type: 'test:diagnostic', data: { nesting: 0, message: 'row 7: of no file' } },
  ] as TestEvent[]
  const said: string[] = []
  const found = (await findings(stream(events), (line) => said.push(line))).get('/a')
  assert.deepEqual(
    [...(found?.measured ?? [])],
    [
      [5, ['0 of 9']],
      [6, ['1 of 9']],
    ],
  )
  assert.deepEqual([...(found?.broken ?? [])], [6])
  assert.equal(found?.failure, 'bad: boom')
  assert.equal(found?.skipped, 'no mount')
  assert.deepEqual(said, ['✗ /a: bad: boom'])
})

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item
}
