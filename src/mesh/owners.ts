/** Whose quotas a statement takes while it waits (pending.ts). */
import { type Envelope, formatEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import type { Owner, Waiting } from './pending.ts'

/** Of one whose signatures are good and by keys in role. */
export function ownersOf({ signatures }: Envelope): readonly Owner[] {
  return signatures.map(({ key }): Owner => `key:${key}`)
}

/** Of one that nobody here can judge. @param from null for a local caller */
export function ownerOfSender(from: Did | null): Owner {
  return from === null ? 'here' : `peer:${from}`
}

/** Who sent one that nobody here could judge; null for a local caller. */
export function senderOf([owner]: readonly Owner[]): Did | null {
  return owner?.startsWith('peer:') === true ? (owner.slice('peer:'.length) as Did) : null
}

export function waitingFor(envelope: Envelope, id: StatementId, owners: readonly Owner[]): Waiting {
  return { id, envelope, sizeBytes: formatEnvelope(envelope).length, owners }
}
