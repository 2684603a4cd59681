/** All checkers of one run, and the book that they share. */

import type { Event } from '../history.ts'
import { L7, S10 } from './answers.ts'
import { Book } from './book.ts'
import { S14 } from './callers.ts'
import { Checker, type Invariant } from './checker.ts'
import { S6 } from './damage.ts'
import { S1, S2, S13 } from './decisions.ts'
import { L5, S4 } from './evidence.ts'
import { Q9 } from './fresh.ts'
import { L6 } from './hostile.ts'
import { S24 } from './joins.ts'
import { Q1, Q2, S3 } from './lease.ts'
import { S22 } from './lineage.ts'
import { L1, L2, L4, NO_PROBLEM } from './liveness.ts'
import { S5, S7, S9 } from './logs.ts'
import { S12 } from './narrowing.ts'
import { S15 } from './outsiders.ts'
import { Q6 } from './quorums.ts'
import { S11 } from './replays.ts'
import { L3 } from './returns.ts'
import { S23 } from './running.ts'
import { Q7 } from './spread.ts'
import { S8, S21 } from './thresholds.ts'
import { S20 } from './traces.ts'
import { S25, S26 } from './witnesses.ts'

export type { Finding } from './checker.ts'

export const INVARIANTS: readonly Invariant[] = [
  ...[S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S20, S21, S22, S25, S26],
  ...[S23, S24],
  ...[Q1, Q2, Q6, Q7, Q9],
  ...[L1, L2, L3, L4, L5, L6, L7, NO_PROBLEM],
]

export interface Watching {
  readonly checkers: readonly Checker[]
  see(event: Event): void
}

export function checkersOf(): readonly Checker[] {
  const book = new Book()
  const [first, ...rest] = INVARIANTS.map((each) => new Checker(each, book))
  if (first === undefined) return []
  // The book reads before the first of them does.
  const see = first.see.bind(first)
  first.see = (event) => {
    book.see(event)
    see(event)
  }
  return [first, ...rest]
}
