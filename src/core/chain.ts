/**
 * The checks of a chain: links from an issuer to the holder, root first, and
 * the invocation that closes it. Each gives null or the denial of its row of
 * the table (design 4). They are independent: a caller that stops at the first
 * denial and one that runs them all see the same first one.
 *
 * A child can only narrow: every predicate of every link must hold on one fact
 * object, and every time window must be open, so no subset is ever proved.
 */
import { covers } from './command.ts'
import type { Delegation } from './delegation.ts'
import type { Invocation } from './invocation.ts'
import type { Did } from './keys.ts'
import { ARTIFACT_TTL_MS_MAX, INVOCATION_TTL_MS_MAX, LINKS_MAX } from './limits.ts'
import type { Denial, ReasonCode } from './reasons.ts'
import { boundNode } from './scope.ts'
import { verifyToken } from './ucan.ts'

type Links = readonly Delegation[]

/** Check 1, what no single link can tell: how many there are, and that single use is bound to one node. */
export function checkForm(links: Links): Denial | null {
  const malformed = (detail: string) => deny('AUTHORIZATION_MALFORMED', detail)
  if (links.length === 0) return malformed('the artifact holds no delegation')
  if (links.length > LINKS_MAX) return malformed(`more than ${LINKS_MAX} links`)
  // Two nodes could each spend it once; a link below the single-use one could name each of them.
  const unbound = links.findIndex(
    ({ once }, i) => once && boundNode(links.slice(0, i + 1)) === null,
  )
  if (unbound < 0) return null
  return malformed(`${ordinal(unbound, links)} is for single use and not bound to one node`)
}

/** Check 2. Good signatures are remembered; nothing that a token says is repeated before it is verified. */
export function checkSignatures(
  links: Links,
  invocation: Invocation | null,
  isIssuer: (key: Did) => boolean,
): Denial | null {
  const bad = links.findIndex((link) => !verifyToken(link, link.iss))
  if (bad >= 0) return deny('SIGNATURE_INVALID', `the signature of ${ordinal(bad, links)} is bad`)
  if (invocation !== null && !verifyToken(invocation, invocation.iss)) {
    return deny('SIGNATURE_INVALID', 'the signature of the invocation is bad')
  }
  const [first] = links
  if (first !== undefined && isIssuer(first.iss)) return null
  return deny('ISSUER_UNTRUSTED', 'the first link is signed by a key that is no issuer')
}

/** What the root and the mesh allow of time. */
export interface TimeBounds {
  /** By how much clocks may differ: it opens a window early, and never closes one late. */
  readonly skewMs: number
  /** How long any link may live (root, limits.artifactTtlMs). */
  readonly artifactTtlMs: number
}

/** Check 3, without single use, which needs the seen-set. */
export function checkTimes(
  links: Links,
  invocation: Invocation | null,
  nowMs: number,
  bounds: TimeBounds,
): Denial | null {
  const ttlMs = Math.min(bounds.artifactTtlMs, ARTIFACT_TTL_MS_MAX)
  const tokens = invocation === null ? links : [...links, invocation]
  const nameOf = (i: number) => (i < links.length ? ordinal(i, links) : 'the invocation')
  const expired = tokens.findIndex(({ expS }) => nowMs >= expS * 1000)
  if (expired >= 0) {
    return deny('EXPIRED', `${nameOf(expired)} ended at ${formatTimeS(tokens[expired]?.expS ?? 0)}`)
  }
  const latestMs = nowMs + bounds.skewMs
  const early = tokens.findIndex((token) => latestMs < (beginsS(token) ?? 0) * 1000)
  if (early >= 0) {
    const begins = formatTimeS(beginsS(tokens[early]) ?? 0)
    return deny('NOT_YET_VALID', `${nameOf(early)} begins at ${begins}`)
  }
  // A link that lives too long is one that begins too early: it is good for its last ttl.
  const livesMs = (i: number) => (i < links.length ? ttlMs : INVOCATION_TTL_MS_MAX)
  const long = tokens.findIndex(({ expS }, i) => expS * 1000 - latestMs > livesMs(i))
  if (long < 0) return null
  const detail = `${nameOf(long)} ends more than ${livesMs(long) / 1000} s from now`
  return deny('NOT_YET_VALID', detail)
}

/** null where it says nothing of its beginning. */
function beginsS(token: Delegation | Invocation | undefined): number | null {
  if (token === undefined) return null
  return 'nbfS' in token ? token.nbfS : token.iatS
}

/** Check 6, of the chain itself: each link goes on where the last one ended, and none goes back. */
export function checkContinuity(links: Links, invocation: Invocation | null): Denial | null {
  const known = unbroken.get(links)
  const denial = known === undefined ? linksDenial(links) : known
  unbroken.set(links, denial)
  return denial ?? (invocation === null ? null : checkClosing(links, invocation))
}

/** Of links, which are never edited. */
const unbroken = new WeakMap<Links, Denial | null>()

function linksDenial(links: Links): Denial | null {
  const broken = (detail: string) => deny('LINEAGE_BROKEN', detail)
  const [first] = links
  if (first === undefined) return broken('there is no link')
  if (first.sub !== first.iss) return broken('the first link is not about its own issuer')
  const seen = new Set<Did>([first.iss])
  for (const [i, link] of links.entries()) {
    const above = links[i - 1]
    if (above !== undefined && above.aud !== link.iss) {
      return broken(`${ordinal(i, links)} is not signed by the audience of the one above`)
    }
    if (link.sub !== first.sub) return broken(`${ordinal(i, links)} is about another issuer`)
    if (seen.has(link.aud)) return broken(`${ordinal(i, links)} goes back to a key above it`)
    seen.add(link.aud)
  }
  return null
}

function checkClosing(links: Links, invocation: Invocation): Denial | null {
  const broken = (detail: string) => deny('LINEAGE_BROKEN', detail)
  if (invocation.iss !== links.at(-1)?.aud) {
    return broken('the invocation is not signed by the audience of the last link')
  }
  if (invocation.sub !== links[0]?.sub) return broken('the invocation is about another issuer')
  const { prf } = invocation
  const named = prf.length === links.length && links.every(({ cid }, i) => cid === prf[i])
  return named ? null : broken('the invocation does not name these links in this order')
}

/** Check 9, of commands and depth alone: each link's command is the last one's or below it. */
export function checkNarrowing(links: Links): Denial | null {
  let left = LINKS_MAX
  for (const [i, link] of links.entries()) {
    const above = links[i - 1]
    if (above !== undefined && !covers(above.cmd, link.cmd)) {
      return deny('SCOPE_EXCEEDED', `${ordinal(i, links)} has a wider command than the one above`)
    }
    left -= 1
    if (left < 0 || (link.depth !== null && link.depth > left)) {
      return deny('SCOPE_EXCEEDED', `${ordinal(i, links)} goes deeper than the links above allow`)
    }
    left = link.depth ?? left
  }
  return null
}

/** How links are called: by their place, which says nothing of what they hold. */
function ordinal(index: number, links: Links): string {
  return links.length === 1 ? 'the link' : `link ${index + 1} of ${links.length}`
}

function deny(code: ReasonCode, detail: string): Denial {
  return { code, detail }
}

function formatTimeS(timeS: number): string {
  return new Date(timeS * 1000).toISOString()
}
