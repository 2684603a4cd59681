/**
 * One link of an artifact: a UCAN 1.0 delegation under meshd's strict profile (FACTS 6).
 *
 *   {iss, aud, sub, cmd, pol, nonce, exp, nbf?, meta?}
 *
 * The profile only refuses: no end, no subject (powerline), a long life, an
 * unknown field. What needs the whole chain is in chain.ts.
 */
import type { Cid } from './id.ts'
import { jsonOf } from './ipld.ts'
import type { JsonObject } from './json.ts'
import type { Did, Signer } from './keys.ts'
import { ARTIFACT_TTL_MS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { TokenMemo } from './memo.ts'
import { commandAt, didAt, metaAt, nonceAt, timeAt } from './payload.ts'
import { encodePredicate, type Predicate, parsePolicy } from './predicate.ts'
import { checkFields, parseToken, signToken } from './ucan.ts'

export interface Delegation {
  readonly cid: Cid
  /** The whole token, canonical. */
  readonly bytes: Uint8Array
  readonly iss: Did
  readonly aud: Did
  /** The issuer that the chain begins with. */
  readonly sub: Did
  readonly cmd: string
  /** All of them must hold. */
  readonly pol: readonly Predicate[]
  readonly nonce: Uint8Array
  readonly expS: number
  readonly nbfS: number | null
  /** Good for one allow (meta.once). */
  readonly once: boolean
  /** How many further delegations may follow; null leaves it to the links above (meta.depth). */
  readonly depth: number | null
  /** As it was signed: once, depth, gov {mesh, root, ticket, purpose}, by {person, team}. */
  readonly meta: JsonObject
}

/** What the maker of a link decides; iss is the signer. */
export interface DelegationFields {
  readonly aud: Did
  readonly sub: Did
  readonly cmd: string
  readonly pol: readonly Predicate[]
  readonly nonce: Uint8Array
  readonly expS: number
  readonly nbfS: number | null
  readonly meta: JsonObject
}

const REQUIRED = ['iss', 'aud', 'sub', 'cmd', 'pol', 'nonce', 'exp']
const OPTIONAL = ['nbf', 'meta']

const remembered = new TokenMemo<Delegation>()

/** Reads one link; its signature is not looked at. Equal bytes may give the same object. @throws Malformed */
export function parseDelegation(bytes: Uint8Array): Delegation {
  return remembered.read(bytes, read)
}

function read(bytes: Uint8Array): Delegation {
  const token = parseToken(bytes, 'dlg')
  const { payload } = token
  checkFields(payload, REQUIRED, OPTIONAL)
  const [iss, aud, sub] = [didAt(payload, 'iss'), didAt(payload, 'aud'), didAt(payload, 'sub')]
  const meta = metaAt(payload, 'dlg')
  const delegation: Delegation = {
    cid: token.cid,
    bytes,
    iss,
    aud,
    sub,
    cmd: commandAt(payload),
    pol: parsePolicy(jsonOf(payload.get('pol'), 'pol'), 'strict'),
    nonce: nonceAt(payload),
    expS: timeAt(payload, 'exp'),
    nbfS: payload.has('nbf') ? timeAt(payload, 'nbf') : null,
    once: meta.once,
    depth: meta.depth,
    meta: meta.json,
  }
  checkWindow(delegation)
  return delegation
}

function checkWindow({ nbfS, expS }: Delegation): void {
  if (nbfS === null) return
  if (nbfS >= expS) throw new Malformed('`exp` is not after `nbf`')
  if ((expS - nbfS) * 1000 > ARTIFACT_TTL_MS_MAX) throw new Malformed('the link lives too long')
}

/** Signs a link and gives its bytes; what parseDelegation would refuse is refused here. @throws Malformed */
export function signDelegation(fields: DelegationFields, signer: Signer): Uint8Array {
  const { aud, sub, cmd, nonce, expS, nbfS, meta } = fields
  const bytes = signToken(
    'dlg',
    {
      iss: signer.did,
      aud,
      sub,
      cmd,
      pol: fields.pol.map(encodePredicate),
      nonce,
      exp: expS,
      ...(nbfS === null ? {} : { nbf: nbfS }),
      ...(Object.keys(meta).length === 0 ? {} : { meta }),
    },
    signer,
  )
  parseDelegation(bytes)
  return bytes
}
