/** Each part of the door throws, at once or later: no allow comes of it (S10). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthorizerPorts, Call } from '../../src/mesh/authorizer.ts'
import { row } from '../lab/row.ts'
import { door } from './doorway.ts'

const bug = () => {
  throw new Error('a bug')
}

const PORTS: readonly Partial<AuthorizerPorts>[] = [
  { judge: bug },
  { append: bug },
  { append: () => Promise.reject(new Error('a bug')) },
  { unwritable: bug },
  { opening: bug },
  { opened: bug },
  { executionsFull: bug },
  { answered: bug },
]
const CALLS: readonly Partial<Call>[] = [{ recheck: bug }, { leaseUntilMs: bug }, { draft: bug }]

/** An allow is the one effect that must not come out. */
async function allows(over: Partial<AuthorizerPorts>, call: Partial<Call>): Promise<boolean> {
  const at = await door(over)
  try {
    const made = { ...at.call(true), ...call }
    const { effect } = await at.authorizer.decide(made.receivedMs, () => made)
    return effect === 'allow'
  } catch (error) {
    // The edge answers what is thrown with INTERNAL, which is no allow.
    assert.match(String(error), /a bug/)
    return false
  }
}

test('S10: whatever throws, nothing is allowed', async (t) => {
  assert.equal(await allows({}, {}), true, 'without a bug it is')
  for (const [i, over] of PORTS.entries()) assert.equal(await allows(over, {}), false, `port ${i}`)
  for (const [i, call] of CALLS.entries()) assert.equal(await allows({}, call), false, `call ${i}`)
  const bugs = PORTS.length + CALLS.length
  row(t, 10, `0 allows of ${bugs} ways to throw or reject, 1 of 1 without`)
})
