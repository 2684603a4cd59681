import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordId } from '../../src/core/id.ts'
import { Book } from './checkers/book.ts'
import { Checker } from './checkers/checker.ts'
import { S9 } from './checkers/logs.ts'
import type { Happening } from './history.ts'

const A = { epoch: 1, size: 1, root: 'aa' }
const B = { epoch: 1, size: 1, root: 'bb' }

const logOf = (id: string) => ({ epoch: 1, first: 0, ids: [id as RecordId], outcomes: [] })
const heard: Happening = {
  ...{
    ev: 'heard',
    from: 0,
    digest: '',
    root: 1,
    counts: true,
    asked: 0,
    own: false,
    speaks: null,
    dated: 0,
  },
  head: A,
}

/** Node 0 signs one head, and begins anew with another record and signs that. @param then what its peers do, in order */
function found(then: readonly (readonly [node: number, happening: Happening])[]): number {
  const book = new Book()
  const checker = new Checker(S9, book)
  const signed: [number, Happening][] = [
    [0, { ev: 'durable', log: logOf('one'), statements: [] }],
    [0, { ev: 'showed', head: A }],
    [0, { ev: 'boot', log: logOf('other'), held: [] }],
    [0, { ev: 'showed', head: B }],
  ]
  for (const [t, [node, happening]] of [...signed, ...then].entries()) {
    const event = { t, node, inc: 1, ...happening }
    book.see(event)
    checker.see(event)
  }
  return checker.findings.length
}

const holds = (node: number, head: typeof A) => [node, { ev: 'witness', of: 0, head }] as const

test('two heads of one log that contradict each other are found once peers have both, whichever was heard of before', () => {
  assert.equal(found([holds(1, A)]), 0)
  assert.equal(found([holds(1, A), holds(2, B)]), 1)
  assert.equal(found([[1, heard], holds(1, B), holds(2, A)]), 1)
  assert.equal(found([holds(1, B), [1, heard], [2, heard]]), 1)
})
