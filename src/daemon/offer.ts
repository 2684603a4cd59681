/** Which of the artifacts that are held for a caller a request is judged by. */
import { NOTHING_INHERITED } from '../core/ancestry.ts'
import type { Artifact } from '../core/artifact.ts'
import * as chain from '../core/chain.ts'
import { type Coverage, coveringDenial } from '../core/checks/revocation.ts'
import { spokenFor } from '../core/checks/runtime.ts'
import type { NameOf } from '../core/checks/wording.ts'
import { commandOf, covers } from '../core/command.ts'
import * as demands from '../core/demands.ts'
import { Derived } from '../core/derived.ts'
import { viewOf } from '../core/facts.ts'
import type { Cid } from '../core/id.ts'
import { objectOf } from '../core/ipld.ts'
import type { Did } from '../core/keys.ts'
import { DERIVED_REMEMBERED_MAX } from '../core/limits.ts'
import type { Governed } from '../core/presented.ts'
import type { Request } from '../core/request.ts'
import type { Wallet } from './wallet.ts'

export interface OfferPorts {
  readonly self: Did
  readonly wallet: Pick<Wallet, 'heldFor'>
  readonly nameOf: NameOf
  /** Whether an invocation or a single-use link was used before, here. */
  seen(cid: Cid): boolean
}

/** What is never remembered. */
interface Moment {
  readonly governance: Governed
  readonly nowMs: number
}

const NOTHING = objectOf([])

/**
 * Latest expiry first, the first that passes checks 2, 3, 9 and 11; else the
 * one that fits best, so that its true reason shows (design 9).
 */
export function choose(
  name: string,
  request: Request,
  holder: Did,
  asking: Moment,
  ports: OfferPorts,
): Artifact | null {
  let best: Artifact | null = null
  let bestFit = -1
  for (const artifact of ports.wallet.heldFor(name)) {
    const { fit, coverage } = offerOf(artifact, request, holder, ports)
    if (fit === FITS && good(artifact, coverage, asking, ports)) return artifact
    if (fit > bestFit) [best, bestFit] = [artifact, fit]
  }
  return best
}

/** What a held artifact is to a request, whatever the time and the state of the mesh. */
interface Offer {
  /** FITS: check 9 passes. NEAR: its command covers the action. */
  readonly fit: number
  readonly coverage: Coverage
}

const [FAR, NEAR, FITS] = [0, 1, 2] as const
const offers = new Derived<Offer>(DERIVED_REMEMBERED_MAX)

function offerOf(
  { links }: Artifact,
  request: Request,
  holder: Did,
  { self, nameOf }: OfferPorts,
): Offer {
  return offers.of(request, [links, holder, self, nameOf], () => {
    const { action, resource, args } = request
    const asked = { action, resource, subject: spokenFor(request, holder, nameOf), args }
    // Predicates of check 9 mention no fact of the node.
    const fits = demands.checkScope(links, asked, viewOf(asked, holder, NOTHING)) === null
    const near = links.every(({ cmd }) => covers(cmd, commandOf(action)))
    const coverage = {
      ...{ action, resource },
      links: links.map(({ cid }) => cid),
      issuers: links.map(({ iss }) => iss),
      principals: [...links.map(({ iss }) => iss), holder],
      node: self,
      policies: [],
      executions: [],
      inherited: NOTHING_INHERITED,
    }
    return { fit: fits ? FITS : near ? NEAR : FAR, coverage }
  })
}

/** Checks 2, 3 and 11, of the links alone. The judge asks everything again. */
function good(
  { links }: Artifact,
  coverage: Coverage,
  { governance, nowMs }: Moment,
  { seen }: OfferPorts,
): boolean {
  const { root } = governance
  if (root === null) return false
  const isIssuer = (key: Did) => root.roles.issuer.keys.includes(key)
  const bounds = { skewMs: root.lease.skewMs, artifactTtlMs: root.limits.artifactTtlMs }
  if (chain.checkSignatures(links, null, isIssuer) !== null) return false
  if (chain.checkTimes(links, null, nowMs, bounds) !== null) return false
  if (links.some(({ once, cid }) => once && seen(cid))) return false
  return coveringDenial(governance, coverage, nowMs) === null
}
