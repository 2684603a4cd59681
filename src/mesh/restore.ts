/** From the envelopes on disk to what is held: all of it is verified and folded anew. */
import { equalBytes } from '../core/bytes.ts'
import { formatEnvelope, parseEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import { parseStatement } from '../core/statement/statement.ts'
import { type Admission, admit } from './admission.ts'
import { damaged } from './damaged.ts'
import type { Held } from './held.ts'
import { ownersOf, waitingFor } from './owners.ts'
import type { Pending } from './pending.ts'

/**
 * Fills what is held, and the quotas of what waits. Gives what cannot be judged now: its root is disputed.
 * @throws MeshError LOG_DAMAGED for what would not be accepted again as it is
 */
export function restore(
  envelopes: ReadonlyMap<StatementId, Uint8Array>,
  held: Held,
  quotas: Pending,
): ReadonlyMap<StatementId, Uint8Array> {
  let rest = rootsFirst(envelopes)
  // What needs another one comes after it: again as long as that brings something.
  for (let before = rest.length + 1; rest.length < before; ) {
    before = rest.length
    rest = rest.filter(([id, bytes]) => {
      const { trust } = held
      const looked = admit(bytes, { trust, known: () => null, problemsOf: () => [] })
      if (looked.is !== 'unjudged') hold(id, bytes, looked, held, quotas)
      return looked.is === 'unjudged'
    })
  }
  return new Map(rest)
}

function hold(
  id: StatementId,
  bytes: Uint8Array,
  looked: Admission,
  held: Held,
  quotas: Pending,
): void {
  if (looked.is !== 'admitted' || looked.id !== id)
    throw damaged(`the stored statement \`${id}\` does not hold`)
  const { statement, envelope, state } = looked
  if (!equalBytes(formatEnvelope(envelope), bytes))
    throw damaged(`the stored statement \`${id}\` has signatures that do not hold`)
  // What a root disarmed was in force here, or kept its place beside it: it stays.
  if (state !== 'pending') held.fold({ statement, envelope })
  else {
    quotas.put(waitingFor(envelope, id, ownersOf(statement, envelope, held.trust)))
    held.wait({ id, statement, envelope, state })
  }
}

/** Roots by their version, then everything else. */
function rootsFirst(
  envelopes: ReadonlyMap<StatementId, Uint8Array>,
): readonly (readonly [StatementId, Uint8Array])[] {
  const roots: { readonly version: number; readonly entry: readonly [StatementId, Uint8Array] }[] =
    []
  const others: (readonly [StatementId, Uint8Array])[] = []
  for (const entry of envelopes) {
    const { type, payload } = parseEnvelope(entry[1])
    const statement = type === 'root' ? parseStatement(type, payload) : null
    if (statement?.type === 'root') roots.push({ version: statement.version, entry })
    else others.push(entry)
  }
  roots.sort((a, b) => a.version - b.version)
  return [...roots.map(({ entry }) => entry), ...others]
}
