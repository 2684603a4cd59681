/**
 * A million links that who holds one makes below it and takes back (FAULTS 129),
 * each signed and each looked at, by the set of a node without a network: a
 * daemon that is asked so often takes hours, and no other answer is given.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { cidOf } from '../../src/core/id.ts'
import { ISSUER_REVOCATIONS_MAX } from '../../src/core/limits.ts'
import { type Made, people, rolesOf, rootOf, World } from '../unit/statements.ts'
import { Street } from '../unit/street.ts'
import { row } from './row.ts'
import { LONG } from './shim.ts'

const MANY = LONG ? 1_000_000 : 8_000
/** From here on what is held has its size: the first thousand and many more have come. */
const SETTLED = MANY / 2
/** Beyond what is held at that moment, while as many come again. */
const HEAP_MIB_MAX = 32
const MIB = 2 ** 20

const issuer = { keys: [person(0).did], threshold: 1 }
const world = new World(rootOf({ roles: { ...rolesOf(people), issuer } }))
const above = link(0)

function revoked(i: number): Made {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setUint32(0, i)
  const last = link(1, { nonce })
  const target = { kind: 'link', cid: cidOf(last) } as const
  return world.revocation({ target, chain: [above, last] }, [person(1)])
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

function heapMib(): number {
  collect()
  return process.memoryUsage().heapUsed / MIB
}

test('of the links that who holds one takes back below it a thousand are kept, of however many', async (t) => {
  const { statements, memory } = await new Street().open('a', world)
  let [accepted, most, lookedMs, settledMib] = [0, 0, 0, 0]
  for (let i = 0; i < MANY; i += 1) {
    if (i === SETTLED) settledMib = heapMib()
    const { bytes } = revoked(i)
    const beganMs = performance.now()
    const { verdict, done } = statements.offer(bytes, person(1).did, 'push')
    await done
    lookedMs += performance.now() - beganMs
    if (verdict.verdict === 'accept') accepted += 1
    most = Math.max(most, statements.governance.size)
  }
  const grownMib = heapMib() - settledMib
  assert.equal(accepted, ISSUER_REVOCATIONS_MAX + 1)
  assert.equal(most, ISSUER_REVOCATIONS_MAX + 1)
  assert.equal(statements.governance.size, 2)
  assert.equal(memory.space('statement').size, ISSUER_REVOCATIONS_MAX + 2)
  assert.notEqual(statements.governance.revocations.link(cidOf(above)), null)
  assert.ok(grownMib < HEAP_MIB_MAX, `the heap grew by ${grownMib} MiB`)
  row(
    t,
    129,
    `${MANY} links taken back below one: ${accepted} kept, and never another; ${(lookedMs / MANY).toFixed(2)} ms each; the heap grew by ${grownMib.toFixed(1)} MiB over the second half`,
  )
})
