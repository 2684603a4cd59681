/** What a peer shows while the boot check still waits for another one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { row } from '../lab/row.ts'
import { meshOfThree } from './three.ts'

const draft = { type: 'system', event: 'test', detail: '' }

test('a witness whose disk was slow tells of the newer log after it was asked: the boot check heeds it', async (t) => {
  const { mesh, clock, a, b, c } = await meshOfThree()
  await clock.until(a.node.log.append(draft))
  await clock.advance(4_000)
  const image = a.disk.state
  const { size } = a.node.log.tree
  const shown = () => a.node.boot.rollback?.size ?? null
  // Nobody else hears of what comes now, and this one does not have it on its disk for a while.
  c.network.isolate(true)
  b.disk.delayMs = 6_000
  await clock.until(a.node.log.append(draft))
  await clock.advance(1_500)
  await mesh.setBack(a, image)
  await clock.advance(1_000)
  assert.equal(shown(), null, 'what the witness holds for sure is older')
  b.disk.delayMs = 0
  await clock.advance(12_000)
  assert.equal(a.node.boot.done, false)
  c.network.isolate(false)
  await clock.advance(10_000)
  assert.equal(a.node.boot.done, false, 'two witnesses answered, and one of them showed more')
  assert.ok((shown() ?? 0) > size)
  const contradictions = b.node.statements.governance.evidence.size
  assert.equal(contradictions, 0)
  row(t, 122, `0 framed: at size ${size} it signs nothing beside what a peer heard`)
  row(t, 110, `0 late allows: silent until it was checked against ${shown()}`)
})
