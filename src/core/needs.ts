/** Which roles a statement still waits for, and how many of their keys: what `meshd sign` lists. */

import type { Trust } from './admission.ts'
import type { Envelope } from './dsse.ts'
import { neededRole, speakersOf } from './force.ts'
import { inRole, roleOf } from './roles.ts'
import { rolesThatSign } from './root-chain.ts'
import type { Role, RoleName } from './statement/root.ts'
import type { Signed, Statement } from './statement/statement.ts'

interface Need {
  readonly threshold: number
  readonly missing: number
}

export interface Needs extends Need {
  /** `none` for what proves itself. */
  readonly role: RoleName | 'none'
  /** Of each root version whose role has to sign: a root needs the one before it and itself. [] while that is not known. */
  readonly each: readonly (Need & { readonly root: number })[]
}

/** Of the roles it needs the one that misses most. With nothing missing it may still wait for a root, or a version before it. */
export function needsOf(statement: Statement, envelope: Envelope, { roots }: Trust): Needs {
  if (statement.type === 'evidence') return { role: 'none', threshold: 0, missing: 0, each: [] }
  const role = roleOf(statement)
  const signers =
    statement.type === 'root'
      ? envelope.signatures.map(({ key }) => key)
      : speakersOf(statement, envelope)
  const each = rolesNeeded(statement, roots).map(({ root, keys }) => ({
    root,
    threshold: keys.threshold,
    missing: Math.max(0, keys.threshold - inRole(keys, signers).length),
  }))
  const [first, ...others] = each
  // Under a root that is not known nobody can say how many: one at least.
  if (first === undefined) return { role, threshold: 1, missing: 1, each }
  const { threshold, missing } = others.reduce(
    (most, one) => (one.missing > most.missing ? one : most),
    first,
  )
  return { role, threshold, missing, each }
}

function rolesNeeded(
  statement: Signed,
  roots: Trust['roots'],
): readonly { readonly root: number; readonly keys: Role }[] {
  if (statement.type === 'root') {
    const sign = rolesThatSign(statement, roots[statement.version - 2] ?? null)
    return sign.map((keys, i) => ({ root: statement.version - (sign.length - 1 - i), keys }))
  }
  const root = roots[statement.root - 1]
  return root === undefined ? [] : [{ root: root.version, keys: neededRole(statement, root) }]
}
