/**
 * Tokens of the frozen vectors, right and wrong ones, from fixed keys and times:
 *
 *     alice (issuer) → bob → carol → dave → …, who asks atlas for tool:read on repo:acme/docs
 */
import { toBase64Url, utf8 } from '../../src/core/bytes.ts'
import { encodeCbor } from '../../src/core/cbor.ts'
import { cidOf, sha256 } from '../../src/core/id.ts'
import { cidLink } from '../../src/core/ipld.ts'
import { type Signer, signerOf } from '../../src/core/keys.ts'
import { signToken } from '../../src/core/ucan.ts'

/** 2026-01-01T00:00:00Z */
export const NOW_S = 1_767_225_600
export const TTL_MS = 30 * 86_400_000
export const SKEW_MS = 2_000

const NAMES = 'alice bob carol dave erin frank grace heidi ivan judy'.split(' ')

export const atlas = keyOf('atlas')
export const borealis = keyOf('borealis')
const people: readonly Signer[] = NAMES.map(keyOf)

/** Their private keys are the hashes of these texts: they belong to everybody. */
function keyOf(name: string): Signer {
  return signerOf(sha256(utf8(`meshd vector key ${name}`)))
}

export function person(index: number): Signer {
  const signer = people[index]
  if (signer === undefined) throw new Error(`there is no person ${index}`)
  return signer
}

/** Fields to replace; undefined leaves one out. */
export type Fields = Readonly<Record<string, unknown>>

function merged(fields: Fields, more: Fields): Record<string, unknown> {
  const entries = Object.entries({ ...fields, ...more })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** The nonce is the hash of all else, so that every vector stands for itself. */
function withNonce(payload: Record<string, unknown>): Record<string, unknown> {
  return 'nonce' in payload
    ? payload
    : { ...payload, nonce: sha256(encodeCbor(payload)).subarray(0, 12) }
}

/** The link from person i to the next. */
export function link(i: number, more: Fields = {}, signer = person(i)): Uint8Array {
  const payload = merged(
    {
      iss: person(i).did,
      aud: person(i + 1).did,
      sub: person(0).did,
      cmd: '/tool',
      pol: [],
      nbf: NOW_S - 60,
      exp: NOW_S + 3600,
    },
    more,
  )
  return signToken('dlg', withNonce(payload), signer)
}

export const ARGS = {
  action: 'tool:read',
  resource: { type: 'repo', id: 'acme/docs' },
  args: { path: '/srv/a', tags: ['x', 'y'], size: 7 },
}

/** The invocation by the audience of the last link. */
export function close(
  links: readonly Uint8Array[],
  more: Fields = {},
  signer = person(links.length),
): Uint8Array {
  const payload = merged(
    {
      iss: signer.did,
      aud: atlas.did,
      sub: person(0).did,
      cmd: '/tool/read',
      args: ARGS,
      prf: links.map((each) => cidLink(cidOf(each))),
      iat: NOW_S - 1,
      exp: NOW_S + 60,
    },
    more,
  )
  return signToken('inv', withNonce(payload), signer)
}

export function line(tokens: readonly unknown[]): string {
  return `C${toBase64Url(encodeCbor({ 'ctn-v1': tokens }))}`
}

/** The line of links and their invocation. */
export function closed(links: readonly Uint8Array[], more: Fields = {}): string {
  return line([...links, close(links, more)])
}

/** One link with this policy, closed. */
export function under(pol: unknown, more: Fields = {}): string {
  return closed([link(0, { pol })], more)
}

/** The same bytes with one replaced, or taken out, or put in. */
export function edit(bytes: Uint8Array, at: number, remove: number, put: readonly number[]) {
  return Uint8Array.from([...bytes.subarray(0, at), ...put, ...bytes.subarray(at + remove)])
}
