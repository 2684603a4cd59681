/**
 * Names for keys, as a person types them. A name is a label: it is accepted
 * where exactly one principal bears it, and the did:key is shown before a change.
 */
import type { PeerView } from '../client/peer-types.ts'
import type { CallerView, ListView } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'

export interface Named {
  readonly name: string
  readonly did: string
  readonly from: 'peer' | 'caller' | 'key store'
}

/** Everybody this machine has a name for: nodes, local callers, the key store. */
export async function knownPrincipals(context: Context): Promise<readonly Named[]> {
  const client = context.client('read')
  const [peers, callers, keys] = await Promise.all([
    client.get<ListView<'PeerList', PeerView>>('/v1/peers'),
    client.get<ListView<'CallerList', CallerView>>('/v1/callers'),
    storedKeys(context),
  ])
  return [
    ...peers.items.flatMap(({ name, did }) =>
      name === null ? [] : [{ name, did, from: 'peer' as const }],
    ),
    ...callers.items.flatMap(({ name, principal }) =>
      name === null ? [] : [{ name, did: principal, from: 'caller' as const }],
    ),
    ...keys,
  ]
}

async function storedKeys({ io }: Context): Promise<readonly Named[]> {
  const { KeyStore } = await import('../daemon/key-store.ts')
  return new KeyStore(io.env)
    .list()
    .map(({ name, did }) => ({ name, did, from: 'key store' as const }))
}

/** For reading aloud only: a caller that may not read the lists sees short keys instead of names. */
export async function namesToShow(context: Context): Promise<readonly Named[]> {
  try {
    return await knownPrincipals(context)
  } catch (error) {
    // A name is an ornament here; whatever else is wrong, the view itself has been shown to be readable.
    if (error instanceof MeshError) return []
    throw error
  }
}

/** `me` is the caller's own principal. @throws MeshError NOT_FOUND, AMBIGUOUS. */
export async function resolvePrincipal(context: Context, text: string): Promise<Named> {
  const known = await knownPrincipals(context)
  if (text.startsWith('did:key:'))
    return known.find(({ did }) => did === text) ?? { name: text, did: text, from: 'peer' }
  const found = known.filter(({ name }) => name === text)
  const dids = new Set(found.map(({ did }) => did))
  const [first] = found
  if (first === undefined)
    throw new MeshError('NOT_FOUND', `nobody here is named \`${text}\``, {
      hint: `meshd key add <did> --name ${text}, or meshd key create ${text} --for uid=<uid>`,
    })
  if (dids.size > 1)
    throw new MeshError(
      'AMBIGUOUS',
      `\`${text}\` names ${dids.size} principals: ${[...dids].join(', ')}`,
    )
  return first
}

/** The name of a principal for people, or its short did. */
export function nameIn(known: readonly Named[], did: string): string {
  return known.find((named) => named.did === did)?.name ?? `${did.slice(0, 14)}…${did.slice(-4)}`
}
