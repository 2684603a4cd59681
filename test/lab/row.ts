/** What a test says of the fault matrix (FAULTS.md section 4): which row it ran, and what it measured. */
import type { TestContext } from 'node:test'

/** @param metric what was counted or measured, as the row asks for it: `0 lost of 12,410 acknowledged` */
export function row(t: TestContext, id: number, metric: string): void {
  t.diagnostic(`row ${id}: ${metric}`)
}
