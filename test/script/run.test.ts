/** One test per transcript in this folder, and one that there are any. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { play } from './play.ts'

const scripts = globSync('*.txt', { cwd: import.meta.dirname }).sort()

test('there are scripts', () => assert.ok(scripts.length > 0))
for (const script of scripts) {
  test(basename(script, '.txt'), () =>
    play(readFileSync(join(import.meta.dirname, script), 'utf8')),
  )
}
