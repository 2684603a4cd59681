/**
 * Whose signatures of an envelope are good: by a reading of its own of DSSE and
 * did:key, so that what the program counts is held against somebody else's
 * count. Keys are told apart by their 32 bytes, whatever name they go by.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import type { RoleName, Root } from '../../src/core/statement/root.ts'
import type { Made } from '../unit/statements.ts'
import type { SigningRole } from './history.ts'

/** Of a SubjectPublicKeyInfo with Ed25519 (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
/** Of the multicodec before a key. */
const CODEC_BYTES = 2
/** Of a key in hex: enough to tell the few of one world apart. */
const SHORT = 12

const keys = new Map<string, { readonly name: string; readonly key: KeyObject }>()

function keyOf(did: string) {
  const known = keys.get(did)
  if (known !== undefined) return known
  const raw = base58btc.decode(did.slice('did:key:'.length)).subarray(CODEC_BYTES)
  const key = createPublicKey({
    ...{ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' },
  })
  const made = { name: Buffer.from(raw).toString('hex').slice(0, SHORT), key }
  keys.set(did, made)
  return made
}

/** How a key is called in roles. */
export function nameOf(did: string): string {
  return keyOf(did).name
}

/** As much of an envelope as is looked at. */
export interface Sealed {
  readonly type: string
  readonly payload: Uint8Array
  readonly signatures: readonly { readonly key: string; readonly bytes: Uint8Array }[]
}

/** The public keys that signed this very statement of this mesh, each once. @param mesh null where it is a root, which names none */
export function signersOf({ type, payload, signatures }: Sealed, mesh: string | null): string[] {
  const said = JSON.parse(Buffer.from(payload).toString())
  if (mesh !== null && said.mesh !== mesh) return []
  const name = `application/vnd.meshd.${type}.v1+json`
  const head = `DSSEv1 ${name.length} ${name} ${payload.length} `
  const message = Buffer.concat([Buffer.from(head), payload])
  const good = signatures.filter(({ key, bytes }) => verify(null, message, keyOf(key).key, bytes))
  return [...new Set(good.map(({ key }) => keyOf(key).name))]
}

/** An envelope as it is kept. */
export function sealedIn(bytes: Uint8Array): Sealed {
  const { payload, payloadType, signatures } = JSON.parse(Buffer.from(bytes).toString())
  return {
    type: payloadType.replace('application/vnd.meshd.', '').replace('.v1+json', ''),
    payload: Buffer.from(payload, 'base64'),
    signatures: signatures.map(({ keyid, sig }: { keyid: string; sig: string }) => ({
      key: keyid,
      bytes: Buffer.from(sig, 'base64'),
    })),
  }
}

/** By which role a type of statement counts. */
export const ROLE_OF: Readonly<Record<string, RoleName>> = {
  ...{ root: 'root', policy: 'policy', member: 'admitter', epoch: 'admitter' },
  ...{ freeze: 'revoker', revocation: 'revoker' },
}

/** What a root says about who signs, with the keys as they are named here. */
export function rolesIn({ roles }: Root): Readonly<Record<string, SigningRole>> {
  return Object.fromEntries(
    Object.entries(roles).map(([name, role]) => [
      name,
      { threshold: role.threshold, keys: role.keys.map((did) => keyOf(did).name) },
    ]),
  )
}

export function countIn({ keys: named }: SigningRole, by: readonly string[]): readonly string[] {
  return [...new Set(by)].filter((key) => named.includes(key))
}

/** Whether the bytes on a disk had their signatures, under the root that they name and the one before it. */
export function wholeOn(bytes: Uint8Array, roots: ReadonlyMap<number, Made<Root>>): boolean {
  const sealed = sealedIn(bytes)
  const said = JSON.parse(Buffer.from(sealed.payload).toString())
  const isRoot = sealed.type === 'root'
  const [first] = roots.values()
  const by = signersOf(sealed, isRoot ? null : (first?.id ?? ''))
  const name = ROLE_OF[sealed.type]
  // What proves itself needs nobody.
  if (name === undefined) return true
  const versions = isRoot ? [said.version - 1, said.version] : [said.root]
  return versions.every((version) => {
    const made = roots.get(version)
    if (made === undefined) return version === 0
    const role = rolesIn(made.statement)[name]
    return role !== undefined && countIn(role, by).length >= role.threshold
  })
}
