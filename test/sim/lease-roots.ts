/** Who is in a world for the lease, and the bare parts of its roots that a lease looks at. */
import { utf8 } from '../../src/core/bytes.ts'
import type { Governance } from '../../src/core/governance.ts'
import { idOf } from '../../src/core/id.ts'
import { type Did, type Signer, signerOf } from '../../src/core/keys.ts'
import type { Member } from '../../src/core/statement/member.ts'
import type { LeaseTerms, Root } from '../../src/core/statement/root.ts'
import { BEGINNING_MS } from './clock.ts'

export const MESH = idOf(utf8('mesh'))
const NODES_MAX = 8
const FAR_MS = BEGINNING_MS + 1e12
/** One key for all that a node signs. */
export const SIGNERS: readonly Signer[] = Array.from({ length: NODES_MAX }, (_, at) =>
  signerOf(new Uint8Array(32).fill(at + 1)),
)
export const DIDS: readonly Did[] = SIGNERS.map(({ did }) => did)

/** The bare parts of a root that a lease looks at. */
export function rootOf(version: number, witnesses: readonly Did[], lease: LeaseTerms): Root {
  return {
    type: 'root',
    id: version === 1 ? MESH : idOf(utf8(`root ${version}`)),
    mesh: 'test',
    version,
    previous: null,
    issuedMs: BEGINNING_MS,
    expiresMs: FAR_MS,
    roles: {} as Root['roles'],
    witnesses,
    lease,
    limits: { artifactTtlMs: 1 },
    ...{ keeps: [], lifts: [], floors: new Map(), message: null },
  }
}

/** Each with one key for all that it signs. */
export function membersOf(nodes: number): Governance['members'] {
  const member = (did: Did) => ({ principal: did, witness: did, log: did, expiresMs: FAR_MS })
  return new Map(DIDS.slice(0, nodes).map((did) => [did, member(did) as Member]))
}
