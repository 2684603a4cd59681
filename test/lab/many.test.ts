/** Very many revocations on one node: what they take of the heap, of a start, and of a look at one of them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { row } from './row.ts'
import { LONG } from './shim.ts'

const MANY = LONG ? 40_000 : 2_000
const HEAP_MIB = 64

interface Taken {
  readonly size: number
  readonly bootS: number
  readonly lookP99Us: number
  readonly heapMiB: number
}

const take = (many: number): Taken =>
  JSON.parse(
    execFileSync(
      process.execPath,
      ['--expose-gc', join(import.meta.dirname, 'many-child.ts'), String(many)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    ),
  ) as Taken

test('very many revocations are held, opened again and looked up', (t) => {
  const [few, many] = [take(200), take(MANY)]
  assert.equal(many.size, MANY + 1)
  const each = ((many.heapMiB - few.heapMiB) * 1024 * 1024) / (MANY - 200)
  const fit = Math.floor(((HEAP_MIB - few.heapMiB) * 1024 * 1024) / each)
  assert.ok(each < 16_384, `${each} bytes each`)
  row(t, 34, `${each.toFixed(0)} bytes of heap for each revocation: ${HEAP_MIB} MiB hold ${fit}`)
  row(
    t,
    36,
    `${MANY} revocations: opened in ${many.bootS.toFixed(1)} s, looked up in ${many.lookP99Us.toFixed(1)} µs (p99)`,
  )
})
