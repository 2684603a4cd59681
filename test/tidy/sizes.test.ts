/** Files of one noun: 400 lines at most (functions are held to 60 by the linter). */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const FILE_LINES_MAX = 400
/** Tables, one row after the other and no logic: long, and that is fine. */
const TABLES = ['src/core/limits.ts']
const files = [...globSync('{src,test,scripts}/**/*.ts'), ...globSync('bin/*.js')].sort()

test('files are short', () => {
  assert.ok(files.length >= 100, `${files.length} files`)
  for (const file of files.filter((each) => !TABLES.includes(each))) {
    const lines = readFileSync(file, 'utf8').split('\n').length - 1
    assert.ok(lines <= FILE_LINES_MAX, `${file} has ${lines} lines`)
  }
})

test('the linter holds functions to 60 lines', () => {
  const settings = readFileSync('.biome.json', 'utf8')
  assert.match(
    settings,
    /"noExcessiveLinesPerFunction": \{ "level": "error", "options": \{ "maxLines": 60 \} \}/,
  )
})

test('nothing names a machine path or a package registry', () => {
  const host = new RegExp(['registry', '\\.npmjs', '|/', 'work/', '|/', 'farm/'].join(''))
  const tracked = [...files, ...globSync('*.{json,md}'), ...globSync('{docs,config}/**/*.*')]
  for (const file of tracked) assert.doesNotMatch(readFileSync(file, 'utf8'), host, file)
})
