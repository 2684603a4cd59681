/**
 * Who may sign what: k of n by distinct public keys in the role (S8). A did has
 * one spelling, so distinct texts are distinct keys.
 */
import type { Did } from './keys.ts'
import type { Role, RoleName } from './statement/root.ts'
import type { Signed } from './statement/statement.ts'

/** By which role a statement counts. A revocation that carries a chain is by its link's issuer. */
export function roleOf(statement: Signed): RoleName {
  switch (statement.type) {
    case 'root':
      return 'root'
    case 'policy':
      return 'policy'
    case 'member':
    case 'epoch':
      return 'admitter'
    case 'freeze':
      return 'revoker'
    case 'revocation':
      return statement.chain.length > 0 ? 'issuer' : 'revoker'
  }
}

/** Of the keys those in the role, each once. */
export function inRole({ keys }: Role, signers: Iterable<Did>): readonly Did[] {
  return [...new Set(signers)].filter((key) => keys.includes(key))
}

/** Whether so many distinct ones of its keys are among these. */
export function reaches(role: Role, signers: Iterable<Did>): boolean {
  return inRole(role, signers).length >= role.threshold
}
