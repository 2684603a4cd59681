/**
 * The artifact: links from an issuer to the holder, closed or not by an
 * invocation, in one line (UCAN Container v0.1.0, header `C`):
 *
 *   C<base64url, unpadded, of CBOR {"ctn-v1": [<link>, …, <invocation>]}>
 *
 * The order of the tokens means nothing to a reader; ours writes them root first.
 */
import { fromBase64Url, textOf, toBase64Url } from './bytes.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { type Delegation, parseDelegation } from './delegation.ts'
import type { Cid } from './id.ts'
import { type Invocation, parseInvocation } from './invocation.ts'
import { mapOf } from './ipld.ts'
import type { Did } from './keys.ts'
import { ARTIFACT_BYTES_MAX, LINKS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { kindOf } from './ucan.ts'

export interface Artifact {
  /** Root first, at least one. */
  readonly links: readonly Delegation[]
  readonly invocation: Invocation | null
  /** Of the last delegation: what the artifact is called. */
  readonly cid: Cid
}

/** Reads one line; signatures are not looked at. @throws Malformed, without a word of what the tokens say */
export function parseArtifact(from: string | Uint8Array): Artifact {
  if (from.length > ARTIFACT_BYTES_MAX) throw new Malformed('the artifact is too large')
  const line = (typeof from === 'string' ? from : textOf(from)).replace(/\r?\n$/, '')
  if (!line.startsWith('C')) {
    throw new Malformed('an artifact is one line that begins with `C`: base64url, not compressed')
  }
  const container = mapOf(
    decodeCbor(fromBase64Url(line.slice(1)), ARTIFACT_BYTES_MAX),
    'an artifact',
  )
  const tokens = container.get('ctn-v1')
  if (container.size !== 1 || !Array.isArray(tokens)) {
    throw new Malformed('an artifact is a map with a list named `ctn-v1`')
  }
  // Counted before any is read.
  if (tokens.length > LINKS_MAX + 1) throw new Malformed('there are too many links')
  return arrange(tokens)
}

function arrange(tokens: readonly unknown[]): Artifact {
  const links: Delegation[] = []
  const invocations: Invocation[] = []
  for (const token of tokens) {
    if (!(token instanceof Uint8Array)) throw new Malformed('a token is bytes')
    const kind = kindOf(token)
    if (kind === 'dlg') links.push(parseDelegation(token))
    else if (kind === 'inv') invocations.push(parseInvocation(token))
    else throw new Malformed('a token is neither a delegation nor an invocation of UCAN 1.0')
  }
  if (invocations.length > 1) throw new Malformed('there is more than one invocation')
  return artifactOf(orderLinks(links), invocations[0] ?? null)
}

/** The links from the root down; each must follow from exactly one other. */
function orderLinks(links: readonly Delegation[]): readonly Delegation[] {
  const byIssuer = new Map(links.map((link) => [link.iss, link]))
  if (byIssuer.size !== links.length) throw new Malformed('two links are signed by one key')
  const audiences = new Set(links.map(({ aud }) => aud))
  const first = links.find(({ iss }) => !audiences.has(iss))
  const ordered: Delegation[] = []
  for (let link = first; link !== undefined; link = next(link, byIssuer)) ordered.push(link)
  if (ordered.length !== links.length) throw new Malformed('the links are not one chain')
  return ordered
}

/** Taking each link out as it is reached makes a cycle end, too short. */
function next(link: Delegation, byIssuer: Map<Did, Delegation>): Delegation | undefined {
  byIssuer.delete(link.iss)
  return byIssuer.get(link.aud)
}

/** @throws Malformed if there is no link, or one too many */
export function artifactOf(links: readonly Delegation[], invocation: Invocation | null): Artifact {
  const last = links.at(-1)
  if (last === undefined) throw new Malformed('the artifact holds no delegation')
  if (links.length > LINKS_MAX) throw new Malformed('there are too many links')
  return { links, invocation, cid: last.cid }
}

/** One line, without its end. */
export function formatArtifact({
  links,
  invocation,
}: Pick<Artifact, 'links' | 'invocation'>): string {
  const tokens = [...links, ...(invocation === null ? [] : [invocation])].map(({ bytes }) => bytes)
  return `C${toBase64Url(encodeCbor({ 'ctn-v1': tokens }))}`
}
