/** Whose quotas a statement takes while it waits (pending.ts). */

import type { Trust } from '../core/admission.ts'
import { type Envelope, formatEnvelope } from '../core/dsse.ts'
import { speakersOf } from '../core/force.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { inRole } from '../core/roles.ts'
import type { Signed } from '../core/statement/statement.ts'
import type { Owner, Waiting } from './pending.ts'

/**
 * Of one whose signatures are good and by keys in role. Keys that the statement
 * itself brings own nothing: the new keys of a root, the issuers of links. There
 * is no end of them, and they would take the places of those that are known.
 */
export function ownersOf(
  statement: Signed,
  envelope: Envelope,
  { roots }: Trust,
): readonly Owner[] {
  if (statement.type !== 'root') return speakersOf(statement, envelope).map(owner)
  const signers = envelope.signatures.map(({ key }) => key)
  const last = roots[statement.version - 2] ?? statement
  return inRole(last.roles.root, signers).map(owner)
}

function owner(key: Did): Owner {
  return `key:${key}`
}

/** Of one that nobody here can judge. @param from null for a local caller */
export function ownerOfSender(from: Did | null): Owner {
  return from === null ? 'here' : `peer:${from}`
}

/** Who sent one that nobody here could judge; null for a local caller. */
export function senderOf([sender]: readonly Owner[]): Did | null {
  return sender?.startsWith('peer:') === true ? (sender.slice('peer:'.length) as Did) : null
}

export function waitingFor(envelope: Envelope, id: StatementId, owners: readonly Owner[]): Waiting {
  return { id, envelope, sizeBytes: formatEnvelope(envelope).length, owners }
}
