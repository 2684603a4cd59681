/** Generated pages equal their tables. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PAGES } from '../../scripts/docs.ts'

for (const [file, make] of PAGES)
  test(`${file} is what \`npm run docs\` makes`, async () => {
    assert.equal(readFileSync(file, 'utf8'), await make())
  })
