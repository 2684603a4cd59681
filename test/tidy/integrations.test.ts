/** docs/integrations.md: everything that meshd drops into is there, with a test that it works and one for each way in which the daemon can be away. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SNIPPETS } from '../../src/cli/gateway.ts'

const PAGE = readFileSync('docs/integrations.md', 'utf8')
const PROOFS = ['works', 'absent', 'hangs', 'lies', 'killed']
const [, ...sections] = PAGE.split(/^### /m)

test('each integration has a test that it works, and one for a daemon that is absent, hangs, lies, is killed', () => {
  for (const section of sections) {
    const [heading = ''] = section.split('\n')
    const bullets = [...section.matchAll(/^- (\w+): (.*)$/gm)]
    assert.deepEqual(
      bullets.map(([, what]) => what),
      PROOFS,
      heading,
    )
    // That the tests are there, by name, is held by docs-tests.test.ts.
    for (const [line] of bullets)
      assert.match(line, /: \[[^\]]+\]\(\.\.\/test\/\S+\.test\.ts\)/, line)
  }
  assert.ok(sections.length >= 15, `${sections.length} integrations`)
})

test('whatever has a snippet is on the page', () => {
  const known = PAGE.toLowerCase().replaceAll(/[^a-z]+/g, '-')
  for (const { name } of SNIPPETS) assert.ok(known.includes(name), name)
})
