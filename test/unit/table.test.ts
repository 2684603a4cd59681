import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Column, renderTable } from '../../src/cli/table.ts'
import { styleOf } from '../../src/cli/text.ts'
import { stripControls } from '../../src/core/text.ts'

const style = styleOf({ LANG: 'C.UTF-8' }, {}, 'never')
const base = { header: true, wide: false, columns: null, style }

interface Row {
  readonly name: string
  readonly size: number
}
const rows: readonly Row[] = [
  { name: 'atlas', size: 7 },
  { name: 'borealis', size: 12_077 },
]
const columns: readonly Column<Row>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'SIZE', right: true, drop: 1, cell: ({ size }) => String(size) },
  { head: 'TWICE', drop: 2, cell: ({ size }) => String(size * 2) },
  { head: 'ALL', wide: true, cell: ({ name, size }) => `${name}/${size}` },
]

test('columns align, numbers to the right, and nothing trails', () => {
  assert.deepEqual(renderTable(rows, columns, base), [
    'NAME       SIZE  TWICE',
    'atlas         7  14',
    'borealis  12077  24154',
  ])
})

test('a narrow terminal loses columns by their priority, never one that may not be dropped', () => {
  const heads = (width: number) => renderTable(rows, columns, { ...base, columns: width })[0]
  assert.equal(heads(22), 'NAME       SIZE  TWICE')
  assert.equal(heads(21), 'NAME       SIZE')
  assert.equal(heads(14), 'NAME')
  assert.equal(heads(1), 'NAME')
})

test('wide shows every column whatever the width', () => {
  const [head] = renderTable(rows, columns, { ...base, wide: true, columns: 5 })
  assert.match(head ?? '', /NAME +SIZE +TWICE +ALL/)
})

test('without a header there are only rows', () => {
  assert.equal(renderTable(rows, columns, { ...base, header: false }).length, rows.length)
})

test('a table has one line for each row, whatever its cells say', () => {
  const cell = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 5 }), (cells) => {
      const lines = renderTable(cells, [{ head: 'X', cell: (each) => each }], base)
      assert.equal(lines.length, cells.length + 1)
      for (const line of lines) assert.equal(line, stripControls(line))
    }),
  )
})

test('what may be cut is cut to what is left of a terminal, and nothing else is', () => {
  const long: readonly Column<Row>[] = [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'WHAT', cut: true, cell: ({ name }) => `${name} `.repeat(20) },
    { head: 'SIZE', cell: ({ size }) => String(size) },
  ]
  fc.assert(
    fc.property(fc.integer({ min: 30, max: 200 }), (width) => {
      const lines = renderTable(rows, long, { ...base, columns: width })
      for (const line of lines) assert.ok(line.length <= width, `${width}: ${line}`)
      assert.match(lines[2] ?? '', /^borealis .* 12077$/)
      if (width < 120) assert.match(lines[2] ?? '', /…/)
    }),
  )
  assert.doesNotMatch(renderTable(rows, long, base).join(''), /…/)
  assert.doesNotMatch(renderTable(rows, long, { ...base, wide: true, columns: 40 }).join(''), /…/)
})
