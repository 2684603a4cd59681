import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf, type StatementId } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { HELD_IDS_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Answered, Challenges } from '../../src/mesh/challenge.ts'
import { Inquiries } from '../../src/mesh/inquiries.ts'

const [A, B] = ['did:key:a', 'did:key:b'] as unknown as [Did, Did]
const ids = (count: number) => Array.from({ length: count }, (_, at) => idOf(utf8(`${at}`)))
const [ONE, TWO] = ids(2) as unknown as [StatementId, StatementId]

interface Question {
  readonly peer: Did
  readonly ids: readonly StatementId[]
  answer(...held: StatementId[]): void
  fail(): void
}

/** Peers that answer when the test says so; `sentMs` counts the questions. */
function peers() {
  const questions: Question[] = []
  const ask: Challenges['ask'] = (peer, { ids: asked }) =>
    new Promise((resolve, reject) => {
      const sentMs = questions.length + 1
      questions.push({
        peer,
        ids: asked,
        answer: (...held) => {
          const answer = { held: asked.map((id) => held.includes(id)) }
          resolve({ answer, sentMs } as unknown as Answered)
        },
        fail: () => reject(new MeshError('UNREACHABLE', 'gone')),
      })
    })
  return { questions, inquiries: new Inquiries({ ask }) }
}

test('the first question leaves at once, and what is wanted meanwhile goes together in the next', async () => {
  const { questions, inquiries } = peers()
  const first = inquiries.ask(A, ONE)
  const later = [inquiries.ask(A, ONE), inquiries.ask(A, TWO), inquiries.ask(A, ONE)]
  assert.deepEqual(
    questions.map(({ ids: asked }) => asked),
    [[ONE]],
  )
  questions[0]?.answer()
  assert.deepEqual([(await first).held, (await first).sentMs], [false, 1])
  await turn()
  // What was asked for after the question left is never answered by it.
  assert.deepEqual(questions[1]?.ids, [ONE, TWO])
  questions[1]?.answer(ONE)
  const said = await Promise.all(later)
  assert.deepEqual(
    said.map(({ held, sentMs }) => [held, sentMs]),
    [
      [true, 2],
      [false, 2],
      [true, 2],
    ],
  )
  assert.equal(questions.length, 2)
})

test('a question carries as many as it may, and the rest the one after it', async () => {
  const { questions, inquiries } = peers()
  const all = ids(HELD_IDS_MAX + 2)
  for (const id of all) void inquiries.ask(A, id)
  questions[0]?.answer()
  await turn()
  assert.deepEqual(questions[1]?.ids, all.slice(1, HELD_IDS_MAX + 1))
  questions[1]?.answer()
  await turn()
  assert.deepEqual(questions[2]?.ids, all.slice(HELD_IDS_MAX + 1))
})

test('who wants the same of a peer that is being asked is one of those who wait, however many', async () => {
  const { questions, inquiries } = peers()
  const said = Array.from({ length: 1_000 }, () => inquiries.ask(A, ONE))
  questions[0]?.answer()
  await turn()
  questions[1]?.answer(ONE)
  assert.equal((await Promise.all(said)).filter(({ held }) => held).length, 999)
  assert.equal(questions.length, 2)
})

test('a peer that is slow holds up what is asked of it alone', async () => {
  const { questions, inquiries } = peers()
  void inquiries.ask(A, ONE)
  const other = inquiries.ask(B, ONE)
  questions[1]?.answer(ONE)
  assert.equal((await other).held, true)
})

test('who waited behind a question without an answer waits no more, and the peer is asked anew when it is wanted anew', async () => {
  const { questions, inquiries } = peers()
  const said = [inquiries.ask(A, ONE), inquiries.ask(A, TWO)]
  questions[0]?.fail()
  for (const each of await Promise.allSettled(said)) assert.equal(each.status, 'rejected')
  assert.equal(questions.length, 1)
  const again = inquiries.ask(A, TWO)
  questions[1]?.answer(TWO)
  assert.equal((await again).held, true)
})
