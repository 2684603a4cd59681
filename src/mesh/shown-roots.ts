/**
 * The chain of trust roots that a stranger shows, held against the pin: each
 * version signed by the threshold of the one before it and of its own (TUF 5.3).
 *
 * Whether an added witness is a member is not looked at here: who is not
 * admitted is shown roots alone. The fold holds that, once the members are here too.
 */
import { checkSignatures } from '../core/admission.ts'
import { parseEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import { Malformed } from '../core/malformed.ts'
import { reaches } from '../core/roles.ts'
import { rolesThatSign } from '../core/root-chain.ts'
import type { Root } from '../core/statement/root.ts'
import { parseStatement } from '../core/statement/statement.ts'

/**
 * The chain, known ones first. The id of version 1 must be the mesh's.
 * @throws Malformed for one that does not follow from the last
 */
export function verifyRoots(
  mesh: StatementId,
  known: readonly Root[],
  envelopes: readonly Uint8Array[],
): readonly Root[] {
  const chain = [...known]
  for (const bytes of envelopes) {
    const root = verifyRoot(mesh, chain, bytes)
    // Both sides may have moved on meanwhile: what is known already is not news.
    if (chain[root.version - 1]?.id !== root.id) chain.push(root)
  }
  return chain
}

function verifyRoot(mesh: StatementId, chain: readonly Root[], bytes: Uint8Array): Root {
  const envelope = parseEnvelope(bytes)
  if (envelope.type !== 'root') throw new Malformed('what is shown as a trust root is none')
  const root = parseStatement('root', envelope.payload) as Root
  if (root.version > chain.length + 1) throw new Malformed(`root v${root.version} is out of order`)
  const good = checkSignatures(envelope, root, { mesh, roots: chain })
  if ('verdict' in good) throw new Malformed(`root v${root.version} does not follow the pinned one`)
  const signers = good.signatures.map(({ key }) => key)
  const roles = rolesThatSign(root, chain[root.version - 2] ?? null)
  if (!roles.every((role) => reaches(role, signers)))
    throw new Malformed(`root v${root.version} is signed by too few`)
  const same = chain[root.version - 1]
  if (same !== undefined && same.id !== root.id)
    throw new Malformed(`root v${root.version} contradicts the one that is known here`)
  return root
}
