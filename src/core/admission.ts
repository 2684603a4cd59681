/**
 * Which signatures of an envelope count, and whether they are good.
 *
 * Only keys in the role are verified, so a stranger's signatures cost nothing;
 * a role has at most SIGNATURES_MAX keys. What is kept and passed on is the
 * envelope with the good ones alone: garbage on a real statement neither
 * spreads nor harms it (row 127).
 */

import { toBase64 } from './bytes.ts'
import { parseDelegation } from './delegation.ts'
import { type Envelope, type Signature, signedBytes } from './dsse.ts'
import type { Governance } from './governance.ts'
import { idOf } from './id.ts'
import { type Did, verifySignature } from './keys.ts'
import { SIGNATURES_REMEMBERED_MAX } from './limits.ts'
import { Memo } from './memo.ts'
import { roleOf } from './roles.ts'
import { rolesThatSign } from './root-chain.ts'
import type { Revocation } from './statement/revocation.ts'
import type { Root } from './statement/root.ts'
import type { Signed } from './statement/statement.ts'
import { verifyToken } from './ucan.ts'
import type { Verdict } from './verdict.ts'

/** As much of governance as signatures are looked at against. */
export type Trust = Pick<Governance, 'mesh' | 'roots'>

type Refusal = Exclude<Verdict, { readonly verdict: 'accept' }>

const UNKNOWN: Refusal = { verdict: 'ignore', why: 'unknown' }
const OTHER_MESH: Refusal = { verdict: 'reject', why: 'malformed' }
const BAD: Refusal = { verdict: 'reject', why: 'signature' }
const UNPROVEN: Refusal = { verdict: 'reject', why: 'proof' }

/**
 * The envelope with the good signatures of keys that may sign the statement;
 * or what it earns instead: of another mesh, under a root that is not known
 * here, signed by nobody in role, without proof of its link.
 */
export function checkSignatures(
  envelope: Envelope,
  statement: Signed,
  trust: Trust,
): Envelope | Refusal {
  const keys = keysFor(statement, trust)
  if ('verdict' in keys) return keys
  const named = envelope.signatures.filter(({ key }) => keys.includes(key))
  const message = signedBytes(envelope.type, envelope.payload)
  const hash = idOf(message)
  const signatures = named.filter((each) => isGood(each, message, hash))
  return signatures.length === 0 ? BAD : { ...envelope, signatures }
}

/** The keys whose signatures count; verdicts for what nobody here can judge. */
function keysFor(statement: Signed, trust: Trust): readonly Did[] | Refusal {
  const { mesh, roots } = trust
  if (mesh === null) return UNKNOWN
  if (statement.type === 'root') return keysForRoot(statement, trust)
  if (statement.mesh !== mesh) return OTHER_MESH
  const root = roots[statement.root - 1]
  if (root === undefined) return UNKNOWN
  if (roleOf(statement) === 'issuer' && statement.type === 'revocation') {
    return keysForLink(statement, root)
  }
  return root.roles[roleOf(statement)].keys
}

function keysForRoot(root: Root, { mesh, roots }: Trust): readonly Did[] | Refusal {
  if (root.version === 1 && root.id !== mesh) return OTHER_MESH
  const last = roots[root.version - 2] ?? null
  if (root.version > 1 && last?.id !== root.previous) return UNKNOWN
  return rolesThatSign(root, last).flatMap(({ keys }) => keys)
}

/** The issuer of the link alone, once its chain from an issuer in role is proven. */
function keysForLink({ chain }: Revocation, root: Root): readonly Did[] | Refusal {
  const links = chain.map(parseDelegation)
  const [first, last] = [links[0], links.at(-1)]
  if (first === undefined || last === undefined) return UNPROVEN
  if (!root.roles.issuer.keys.includes(first.iss)) return UNPROVEN
  return links.every((link) => verifyToken(link, link.iss)) ? [last.iss] : UNPROVEN
}

/** Good ones: hash of what is signed, key and signature. */
const good = new Memo<string, true>(SIGNATURES_REMEMBERED_MAX)

function isGood({ key, bytes }: Signature, message: Uint8Array, hash: string): boolean {
  const name = `${hash} ${key} ${toBase64(bytes)}`
  if (good.get(name) === true) return true
  if (!verifySignature(key, message, bytes)) return false
  good.set(name, true)
  return true
}
