/** Lines of the log: whatever a peer calls itself, one event is one line, and no terminal obeys it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stripControls } from '../../src/core/text.ts'
import { createLogger, type LoggerOptions } from '../../src/daemon/logger.ts'
import { row } from '../lab/row.ts'

const EVIL = ['\n', '\r\n', '\u001b[2J', '\u009b1m', '\u202e', '\u2028', '\u0007', '\u007f', '<3>']
const texts = fc.array(fc.oneof(fc.constantFrom(...EVIL), fc.string({ unit: 'binary' })))

function lineOf(format: ReturnType<LoggerOptions['format']>, event: string, name: string): string {
  let written = ''
  const write = (line: string) => {
    written += line
  }
  const options = { level: () => 'info' as const, format: () => format, write, now: () => 0 }
  createLogger(options).info(event, { name })
  return written
}

test('one event is one line without a control of anybody else, and JSON says what was said', (t) => {
  let lines = 0
  fc.assert(
    fc.property(texts, (parts) => {
      const name = parts.join('')
      for (const format of ['json', 'journal', 'pretty'] as const) {
        const line = lineOf(format, 'peer greeted', name)
        assert.equal(line.indexOf('\n'), line.length - 1)
        assert.equal(line.slice(0, -1), stripControls(line.slice(0, -1)))
        lines += 1
      }
      assert.equal(JSON.parse(lineOf('json', 'peer greeted', name)).name, name)
      assert.match(lineOf('journal', 'peer greeted', name), /^<6>\{"time":/)
    }),
    { numRuns: 200 },
  )
  row(t, 101, `0 raw control bytes in ${lines} lines of the log`)
})
