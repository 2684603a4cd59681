/** Which role a statement still waits for, and how many of its keys: what `meshd sign` lists. */

import type { Trust } from './admission.ts'
import type { Envelope } from './dsse.ts'
import { neededRole, speakersOf } from './force.ts'
import { inRole, roleOf } from './roles.ts'
import { rolesThatSign } from './root-chain.ts'
import type { Role, RoleName } from './statement/root.ts'
import type { Statement } from './statement/statement.ts'

export interface Needs {
  readonly role: RoleName
  readonly threshold: number
  readonly missing: number
}

/** Of the roles it needs the one that misses most. With nothing missing it may still wait for a root, or a version before it. */
export function needsOf(statement: Statement, envelope: Envelope, { roots }: Trust): Needs {
  const role = roleOf(statement)
  const signers =
    statement.type === 'root'
      ? envelope.signatures.map(({ key }) => key)
      : speakersOf(statement, envelope)
  const needs = rolesNeeded(statement, roots).map((each) => ({
    role,
    threshold: each.threshold,
    missing: Math.max(0, each.threshold - inRole(each, signers).length),
  }))
  const [first, ...others] = needs
  // Under a root that is not known nobody can say how many: one at least.
  if (first === undefined) return { role, threshold: 1, missing: 1 }
  return others.reduce((most, each) => (each.missing > most.missing ? each : most), first)
}

function rolesNeeded(statement: Statement, roots: Trust['roots']): readonly Role[] {
  if (statement.type === 'root')
    return rolesThatSign(statement, roots[statement.version - 2] ?? null)
  const root = roots[statement.root - 1]
  return root === undefined ? [] : [neededRole(statement, root)]
}
