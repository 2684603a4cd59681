/** What runs the tests: every test file belongs to one part, and to one alone. */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import * as parts from '../../scripts/test/files.ts'
import { dealt } from '../../scripts/test/pool.ts'

test('npm test, npm run slow and npm run ci run every test file, each once', () => {
  const { covering, ...others } = parts
  assert.deepEqual(Object.values(others).flat().sort(), globSync('test/**/*.test.ts').sort())
  // What is run for its coverage once more is run by others before.
  for (const file of covering) assert.ok([...parts.shared, ...parts.later].includes(file), file)
})

test('no file is lost when they are dealt', () => {
  for (const files of [parts.shared, parts.shared.slice(0, 3), []])
    assert.deepEqual(dealt(files).flat().sort(), [...files])
})
