/** What the set says when a statement is good, and there is no room for it here. Elsewhere there may be. */
import { STATEMENTS_MAX } from '../core/limits.ts'
import type { Verdict } from '../core/verdict.ts'
import { refuse } from './admission.ts'

const FULL: Verdict = { verdict: 'ignore', why: 'stale' }
/** All that it says is in force already. */
const SEEN: Verdict = { verdict: 'ignore', why: 'seen' }

export const TOO_LONG = refuse(
  FULL,
  'TOO_LARGE',
  'the statement with all its signatures is larger than a statement may be',
)

export const TOO_MANY = refuse(
  FULL,
  'TOO_MANY',
  `this mesh has ${STATEMENTS_MAX} statements, as many as there may be`,
)

export const COVERED = refuse(
  SEEN,
  'TOO_MANY',
  'more links were taken back below this one than there may be: it counts as revoked as a whole',
)

export const GAVE_WAY = refuse(
  FULL,
  'TOO_MANY',
  'its signers have as many statements waiting for signatures as there may be',
)
