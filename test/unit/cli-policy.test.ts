/** The next version of a bundle, and what differs between two. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { diffLines } from '../../src/cli/diff.ts'
import { next } from '../../src/cli/policy-publish.ts'
import type { StatementState, StatementView } from '../../src/client/types.ts'
import { POLICIES } from '../golden/story-log.ts'

const [template] = POLICIES
const policy = (version: number, state: StatementState, id: string): StatementView => ({
  ...(template as StatementView),
  id: `sha256:${id}`,
  state,
  payload: { bundle: 'ci', version },
})

test('the first version has no predecessor, the next names the newest', () => {
  assert.deepEqual(next([]), { version: 1, previous: [], beside: [] })
  const known = [policy(1, 'effective', 'a'), policy(2, 'effective', 'b')]
  assert.deepEqual(next(known), { version: 3, previous: ['sha256:b'], beside: [] })
})

test('a conflict is resolved by naming both, and a disarmed version is not taken again', () => {
  const both = [policy(2, 'conflict', 'b'), policy(2, 'conflict', 'a')]
  assert.deepEqual(next(both).previous, ['sha256:a', 'sha256:b'])
  assert.equal(next([policy(1, 'effective', 'a'), policy(2, 'disarmed', 'b')]).version, 3)
})

test('a pending version moves nothing, and is told', () => {
  const pending = policy(2, 'pending', 'b')
  const { version, beside } = next([policy(1, 'effective', 'a'), pending])
  assert.deepEqual([version, beside], [2, [pending]])
})

const text = fc
  .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 })
  .map((lines) => lines.join('\n'))

test('what differs turns one text into the other, and equal texts differ in nothing', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const changes = diffLines(before, after)
      if (before === after) assert.deepEqual(changes, [])
      const [a, b] = [before.split('\n'), after.split('\n')]
      const at = (sign: string) =>
        new Map(changes.filter((c) => c.sign === sign).map((c) => [c.line, c.text]))
      const [gone, come] = [at('-'), at('+')]
      for (const [line, each] of gone) assert.equal(a[line - 1], each)
      for (const [line, each] of come) assert.equal(b[line - 1], each)
      const kept = (lines: readonly string[], marked: ReadonlyMap<number, string>) =>
        lines.filter((_, i) => !marked.has(i + 1))
      assert.deepEqual(kept(a, gone), kept(b, come))
    }),
  )
})

test('one changed line is one line out and one in', () => {
  assert.deepEqual(diffLines('a\nb\nc', 'a\nx\nc'), [
    { sign: '-', line: 2, text: 'b' },
    { sign: '+', line: 2, text: 'x' },
  ])
})
