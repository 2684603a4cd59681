import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExhibit } from '../../src/core/exhibit.ts'
import { judge } from '../../src/core/judge.ts'
import { EXHIBITS_SHARING_MAX, INDEX_RECORDS } from '../../src/core/limits.ts'
import { Exhibits } from '../../src/mesh/exhibits.ts'
import { input } from './judgements.ts'

const asked = input()
const judgement = judge(asked)
const names = (exhibit: Uint8Array | null) => [...readExhibit(exhibit ?? new Uint8Array()).keys()]
const at = (epoch: number, index = 0) => ({ epoch, index })
const invocation = judgement.invocation ?? ''
const link = judgement.coverage.links[0] ?? ''

test('an exhibit holds the invocation and the links, by what names them', () => {
  assert.deepEqual(names(new Exhibits().make(asked, judgement, at(1))), [invocation, link])
})

test('a link is kept again after so many others, and when one may be lost', () => {
  const exhibits = new Exhibits()
  const made = Array.from({ length: EXHIBITS_SHARING_MAX + 1 }, () =>
    names(exhibits.make(asked, judgement, at(1))),
  )
  assert.deepEqual(
    made.flatMap((each, at) => (each.includes(link) ? [at] : [])),
    [0, EXHIBITS_SHARING_MAX],
  )
  exhibits.lost()
  assert.deepEqual(names(exhibits.make(asked, judgement, at(1))), [invocation, link])
})

test('of a link that stands beside another log nothing is left out', () => {
  const exhibits = new Exhibits()
  const made = [1, 1, 2, 2, 1].map((epoch) => names(exhibits.make(asked, judgement, at(epoch))))
  assert.deepEqual(
    made.map((each) => each.includes(link)),
    [true, false, true, false, true],
  )
})

test('of a link that stands in a part of the log that may be pruned alone nothing is left out behind it', () => {
  const exhibits = new Exhibits()
  const indexes = [0, 1, INDEX_RECORDS - 1, INDEX_RECORDS, INDEX_RECORDS + 1, 2 * INDEX_RECORDS]
  const made = indexes.map((index) => names(exhibits.make(asked, judgement, at(1, index))))
  assert.deepEqual(
    made.map((each) => each.includes(link)),
    [true, false, false, true, false, true],
  )
})

test('a receipt that proved a cause is kept with it', () => {
  const receipt = Buffer.from('c2sp.org/tlog-proof@v1\n…')
  const made = new Exhibits().make(
    { ...asked, parent: { kind: 'receipt', receipt } },
    judgement,
    at(1),
  )
  assert.deepEqual(names(made), [invocation, link, 'receipt'])
})

test('nothing is kept of what was not presented, or did not verify', () => {
  const missing = input({ presented: { kind: 'missing', detail: 'none' } })
  assert.equal(new Exhibits().make(missing, judge(missing), at(1)), null)
  const unverified = { ...judgement, coverage: { ...judgement.coverage, links: [] } }
  assert.equal(new Exhibits().make(asked, unverified, at(1)), null)
})
