/**
 * Plain UCAN 1.0, composed of the product's own pieces, to run the official
 * fixtures, which the strict profile refuses. Error names are the fixtures'.
 */
import { covers } from '../../src/core/command.ts'
import { holds } from '../../src/core/holds.ts'
import type { Cid } from '../../src/core/id.ts'
import { cidOfLink, jsonOf } from '../../src/core/ipld.ts'
import type { Json } from '../../src/core/json.ts'
import { type Did, parseDid } from '../../src/core/keys.ts'
import { type Predicate, parsePolicy } from '../../src/core/predicate.ts'
import {
  checkFields,
  parseToken,
  type Token,
  type TokenKind,
  verifyToken,
} from '../../src/core/ucan.ts'

const FIELDS = {
  dlg: [
    ['iss', 'aud', 'sub', 'cmd', 'pol', 'nonce', 'exp'],
    ['nbf', 'meta'],
  ],
  inv: [
    ['iss', 'sub', 'cmd', 'args', 'prf', 'nonce', 'exp'],
    ['aud', 'iat', 'cause', 'meta'],
  ],
} as const satisfies Record<TokenKind, readonly [readonly string[], readonly string[]]>

interface PlainToken extends Token {
  readonly iss: Did
  readonly aud: string
  readonly sub: string | null
  readonly cmd: string
  readonly pol: readonly Predicate[]
}

/** The name of the first error, or ok. */
export function verifyPlainly(
  invocation: Uint8Array,
  proofs: readonly Uint8Array[],
  nowS: number,
): string {
  const closing = read(invocation, 'inv')
  const byCid = new Map(proofs.map((bytes) => read(bytes, 'dlg')).map((link) => [link.cid, link]))
  const ended = timeError(closing, nowS) ?? signatureError(closing)
  if (ended !== null) return ended
  const names = closing.payload.get('prf') as readonly unknown[]
  if (names.length === 0) return closing.iss === closing.sub ? 'ok' : 'InvalidClaim'
  const links = names.map((name) => byCid.get(cidOfLink(name) as Cid))
  if (links.includes(undefined)) return 'UnavailableProof'
  return chainError(links as PlainToken[], closing, nowS) ?? 'ok'
}

function chainError(
  links: readonly PlainToken[],
  closing: PlainToken,
  nowS: number,
): string | null {
  const first = links[0] as PlainToken
  if (first.sub === null) return 'InvalidClaim'
  for (const link of links) {
    const error = timeError(link, nowS) ?? signatureError(link)
    if (error !== null) return error
  }
  if (first.iss !== first.sub) return 'InvalidClaim'
  const args = jsonOf(closing.payload.get('args'), 'args')
  for (const [i, link] of links.entries()) {
    const error = linkError(link, links[i + 1] ?? closing, closing, args)
    if (error !== null) return error
  }
  return null
}

function linkError(
  link: PlainToken,
  next: PlainToken,
  closing: PlainToken,
  args: Json,
): string | null {
  if (link.aud !== next.iss) return 'InvalidAudience'
  if (link.sub !== null && link.sub !== closing.sub) return 'InvalidSubject'
  if (!covers(link.cmd, next.cmd)) return 'CommandMismatch'
  return link.pol.every((p) => holds(p, args, 'plain')) ? null : 'MatchError'
}

function timeError({ payload }: PlainToken, nowS: number): string | null {
  const [exp, nbf] = [payload.get('exp'), payload.get('nbf')]
  if (exp !== null && nowS >= Number(exp)) return 'Expired'
  return nbf !== undefined && nowS < Number(nbf) ? 'TooEarly' : null
}

function signatureError(token: PlainToken): string | null {
  return verifyToken(token, token.iss) ? null : 'InvalidSignature'
}

function read(bytes: Uint8Array, kind: TokenKind): PlainToken {
  const token = parseToken(bytes, kind)
  const [required, optional] = FIELDS[kind]
  checkFields(token.payload, required, optional)
  const sub = token.payload.get('sub')
  return {
    ...token,
    iss: parseDid(String(token.payload.get('iss'))),
    aud: String(token.payload.get('aud')),
    sub: sub === null ? null : String(sub),
    cmd: String(token.payload.get('cmd')),
    pol: kind === 'dlg' ? parsePolicy(jsonOf(token.payload.get('pol'), 'pol'), 'plain') : [],
  }
}
