/** What a test says of the fault matrix: which row it ran, and what it measured. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { MATRIX } from './matrix.ts'

/**
 * @param id written as a number: the runner reads from the source which file runs which rows
 * @param metric what was counted or measured, as the row asks for it: `0 lost of 12,410 acknowledged`
 */
export function row(t: TestContext, id: number, metric: string): void {
  assert.ok(MATRIX[id - 1] !== undefined, `the matrix has no row ${id}`)
  t.diagnostic(`row ${id}: ${metric}`)
}
