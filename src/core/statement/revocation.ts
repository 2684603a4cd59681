/**
 * For ever: what it names is void until `until`, after which it would be void anyway (design 2).
 *
 *   {"chain":[],"issued":"…","mesh":"sha256:…","root":3,
 *    "target":{"cid":"bafyrei…","kind":"link"},"until":"…"}
 *
 * A target is `{"cid":…,"kind":"link"}`, `{"did":…,"kind":"principal"}` (or
 * `node`, `issuer`), `{"bundle":"agents","kind":"policy","version":7}`,
 * `{"kind":"execution","record":"sha256:…"}`. With a chain, of delegations in
 * base64, it is by the issuer of the link that it revokes, the chain's last.
 */
import { toBase64 } from '../bytes.ts'
import { checkContinuity } from '../chain.ts'
import { type Delegation, parseDelegation } from '../delegation.ts'
import type { Cid, RecordId, StatementId } from '../id.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Did } from '../keys.ts'
import { ARTIFACT_BYTES_MAX, LINKS_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import type { Reader } from '../shape.ts'
import { base64, cid, did, formatTime, id, list, literal, name, object, time } from '../shape.ts'
import { type Common, common, commonJson, commonOf, version } from './common.ts'
import { kindAt } from './freeze.ts'

export type Target =
  /** With all that was delegated from it. */
  | { readonly kind: 'link'; readonly cid: Cid }
  | { readonly kind: 'principal' | 'node' | 'issuer'; readonly did: Did }
  | { readonly kind: 'policy'; readonly bundle: string; readonly version: number }
  /** With all that descends from it. */
  | { readonly kind: 'execution'; readonly record: RecordId }

export interface Revocation extends Common {
  readonly type: 'revocation'
  readonly target: Target
  readonly untilMs: number
  /** Of a revocation by the link's own issuer: the link and what is above it up to an issuer in role, root first; else empty. */
  readonly chain: readonly Uint8Array[]
}

const TARGETS: Readonly<Record<Target['kind'], Reader<Target>>> = {
  link: object({ kind: literal('link'), cid }),
  principal: object({ kind: literal('principal'), did }),
  node: object({ kind: literal('node'), did }),
  issuer: object({ kind: literal('issuer'), did }),
  policy: object({ kind: literal('policy'), bundle: name, version }),
  execution: object({ kind: literal('execution'), record: id }),
}

const target: Reader<Target> = (value, at) => {
  for (const [kind, reader] of Object.entries(TARGETS)) {
    if (kindAt(value) === kind) return reader(value, at)
  }
  throw new Malformed(`${at}: is nothing that can be revoked`)
}

const fields = object({ ...common, target, until: time, chain: list(base64, LINKS_MAX) })

/** @throws Malformed */
export function readRevocation(of: StatementId, json: Json): Revocation {
  const read = fields(json, 'revocation')
  const { target, until, chain } = read
  if (until <= read.issued) throw new Malformed('a revocation ends after it was issued')
  if (chain.length > 0) checkChain(target, chain.map(parseDelegation))
  return { type: 'revocation', ...commonOf(of, read), target, untilMs: until, chain }
}

/** Its form alone; who signed what is for admission.ts. */
function checkChain(target: Target, links: readonly Delegation[]): void {
  if (target.kind !== 'link' || links.at(-1)?.cid !== target.cid) {
    throw new Malformed('a chain ends with the link that is revoked')
  }
  // No artifact can hold more, and whoever holds a link can make as many of these as he likes.
  if (links.reduce((sum, { bytes }) => sum + bytes.length, 0) > ARTIFACT_BYTES_MAX)
    throw new Malformed(`a chain has at most ${ARTIFACT_BYTES_MAX} bytes`)
  const broken = checkContinuity(links, null)
  if (broken !== null) throw new Malformed(`of the chain, ${broken.detail}`)
}

export function revocationJson(draft: Omit<Revocation, 'id'>): JsonObject {
  const { target, untilMs, chain } = draft
  return {
    ...commonJson(draft),
    target,
    until: formatTime(untilMs),
    chain: chain.map(toBase64),
  }
}
