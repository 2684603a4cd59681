/** From the envelopes on disk to what is held: all of it is verified and folded anew. */
import { equalBytes } from '../core/bytes.ts'
import { formatEnvelope, parseEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { MeshError } from '../core/problems.ts'
import { parseStatement } from '../core/statement/statement.ts'
import { type Admission, type Admitted, admit } from './admission.ts'
import { damaged } from './damaged.ts'
import type { Held } from './held.ts'
import { ownersOf, waitingFor } from './owners.ts'
import type { Pending } from './pending.ts'

type Entry = readonly [StatementId, Uint8Array]

/**
 * Fills what is held, and the quotas of what waits. Gives what cannot be judged now, or is
 * worth nothing now: its root is disputed, or an operator chose another one.
 * @param chosen whether an operator ever chose between roots
 * @throws MeshError LOG_DAMAGED for what would not be accepted again as it is
 */
export function restore(
  envelopes: ReadonlyMap<StatementId, Uint8Array>,
  held: Held,
  quotas: Pending,
  chosen: boolean,
): ReadonlyMap<StatementId, Uint8Array> {
  let rest = rootsFirst(envelopes)
  let refused = new Set<StatementId>()
  // What needs another one comes after it: again as long as that brings something.
  for (let before = rest.length + 1; rest.length < before; ) {
    before = rest.length
    refused = new Set()
    rest = rest.filter((entry) => {
      const looked = look(entry, held)
      if (looked.is === 'refused') refused.add(entry[0])
      if (looked.is !== 'admitted') return true
      hold(entry, looked, held, quotas, chosen)
      return false
    })
  }
  const [first] = refused
  const undecided = chosen || held.governance.disputed.length > 0
  if (first !== undefined && !undecided) throw unsound(first)
  return new Map(rest)
}

function look([id, bytes]: Entry, { trust }: Held): Admission {
  const looked = admit(bytes, {
    ...{ trust, known: () => null, problemsOf: () => [] },
    // It was in force here once; what it is worth now, the fold knows.
    caseOf: () => 'open' as const,
  })
  if ('id' in looked && looked.id !== id) throw unsound(id)
  return looked
}

function hold(
  [id, bytes]: Entry,
  { statement, envelope, state }: Admitted,
  held: Held,
  quotas: Pending,
  chosen: boolean,
): void {
  // Of several signers some may be in no role of the root that was chosen.
  if (!chosen && !equalBytes(formatEnvelope(envelope), bytes))
    throw damaged(`the stored statement \`${id}\` has signatures that do not hold`)
  // What a root disarmed was in force here, or kept its place beside it: it stays.
  if (state !== 'pending') held.fold({ statement, envelope })
  else if (statement.type !== 'evidence') {
    quotas.put(waitingFor(envelope, id, ownersOf(statement, envelope, held.trust)))
    held.wait({ id, statement, envelope, state })
  }
}

function unsound(id: StatementId): MeshError {
  return damaged(`the stored statement \`${id}\` does not hold`)
}

/** Roots by their version, then everything else. */
function rootsFirst(envelopes: ReadonlyMap<StatementId, Uint8Array>): readonly Entry[] {
  const roots: { readonly version: number; readonly entry: Entry }[] = []
  const others: Entry[] = []
  for (const entry of envelopes) {
    const { type, payload } = parseEnvelope(entry[1])
    const statement = type === 'root' ? parseStatement(type, payload) : null
    if (statement?.type === 'root') roots.push({ version: statement.version, entry })
    else others.push(entry)
  }
  roots.sort((a, b) => a.version - b.version)
  return [...roots.map(({ entry }) => entry), ...others]
}
