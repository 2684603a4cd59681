/**
 * The artifact that a request is judged by (INTERFACE 5.2): a full chain that
 * the caller closed itself, or delegations to the caller, or what is held for
 * it. The daemon closes the latter two: it signs the invocation with the
 * caller's key, for that caller, this node and this one request, on another
 * thread.
 */
import { NOTHING_INHERITED } from '../core/ancestry.ts'
import { type Artifact, parseArtifact } from '../core/artifact.ts'
import { assert } from '../core/assert.ts'
import * as chain from '../core/chain.ts'
import { coveringDenial } from '../core/checks/revocation.ts'
import { spokenFor } from '../core/checks/runtime.ts'
import type { NameOf } from '../core/checks/wording.ts'
import { prepare, prepareAgain, seal, type Unsigned } from '../core/closing.ts'
import { commandOf, covers } from '../core/command.ts'
import type { Delegation } from '../core/delegation.ts'
import * as demands from '../core/demands.ts'
import { viewOf } from '../core/facts.ts'
import type { Cid } from '../core/id.ts'
import { objectOf } from '../core/ipld.ts'
import type { Did } from '../core/keys.ts'
import { ARTIFACT_HEADER_BYTES_MAX, NONCE_BYTES, SIGNED_INVOCATION_TTL_MS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Caller, Governed, Presented } from '../core/presented.ts'
import type { Request } from '../core/request.ts'
import type { Random } from '../mesh/ports.ts'
import type { KeptKey, Wallet } from './wallet.ts'

export interface PresentPorts {
  readonly self: Did
  readonly wallet: Wallet
  readonly random: Random
  readonly nameOf: NameOf
  /** Whether an invocation or a single-use link was used before, here. */
  seen(cid: Cid): boolean
}

/** Who asks for what, of which governance, and when. */
export interface Asking {
  readonly request: Request | Malformed
  readonly caller: Caller
  /** As it came, in the header `Meshd-Artifact`. */
  readonly artifact: string | null
  readonly governance: Governed
  readonly nowMs: number
}

const NOTHING = objectOf([])

/** Waits for a signature where one is to be made, and for nothing else. */
export function present(asking: Asking, ports: PresentPorts): Presented | Promise<Presented> {
  return asking.artifact === null
    ? presentHeld(asking, ports)
    : presentExplicit(asking.artifact, asking, ports)
}

function presentExplicit(
  line: string,
  asking: Asking,
  ports: PresentPorts,
): Presented | Promise<Presented> {
  if (line.length > ARTIFACT_HEADER_BYTES_MAX) {
    return malformed(`an artifact in a header has at most ${ARTIFACT_HEADER_BYTES_MAX} bytes`)
  }
  let artifact: Artifact
  try {
    artifact = parseArtifact(line)
  } catch (error) {
    // Untrusted bytes come in here; what they lack is the answer.
    if (error instanceof Malformed) return malformed(error.message)
    throw error
  }
  const { links, invocation } = artifact
  if (invocation !== null) return { kind: 'artifact', links, invocation, source: 'explicit' }
  const { caller, request } = asking
  const key = keyFor(caller, ports.wallet)
  if (key === null || links.at(-1)?.aud !== key.signer.did) {
    return malformed('the artifact has no invocation, and is not for this caller')
  }
  if (request instanceof Malformed) return malformed('there is no request that could be signed')
  return closed(artifact, request, key, 'explicit', asking.nowMs, ports)
}

function presentHeld(asking: Asking, ports: PresentPorts): Presented | Promise<Presented> {
  const { caller, request, nowMs } = asking
  const key = keyFor(caller, ports.wallet)
  if (key === null || caller.name === null) {
    return missing('no artifact was given, and this caller has no key here')
  }
  // Judged by nothing that is held: what is held is not offered to what cannot be read.
  if (request instanceof Malformed) return missing('no artifact was given')
  const artifact = choose(caller.name, request, key.signer.did, asking, ports)
  if (artifact === null)
    return missing(`no artifact was given, and none is held for ${caller.name}`)
  return closed(artifact, request, key, 'held', nowMs, ports)
}

/** INVARIANT: the key of a caller signs for that caller alone, as the connection says who it is. */
function keyFor({ name, principal }: Caller, wallet: Wallet): KeptKey | null {
  const key = name === null ? null : wallet.key(name)
  return key !== null && key.signer.did === principal ? key : null
}

/**
 * Latest expiry first, the first that passes checks 2, 3, 9 and 11; else the
 * one that fits best, so that its true reason shows (design 9).
 */
function choose(
  name: string,
  request: Request,
  holder: Did,
  asking: Asking,
  ports: PresentPorts,
): Artifact | null {
  const subject = spokenFor(request, holder, ports.nameOf)
  const asked = { action: request.action, resource: request.resource, subject, args: request.args }
  // Predicates of check 9 mention no fact of the node.
  const view = viewOf(asked, holder, NOTHING)
  const command = commandOf(request.action)
  let best: Artifact | null = null
  let bestFit = -1
  for (const artifact of ports.wallet.heldFor(name)) {
    const { links } = artifact
    const fits = demands.checkScope(links, asked, view) === null
    if (fits && good(artifact, request, holder, asking, ports)) return artifact
    const near = links.every(({ cmd }) => covers(cmd, command))
    const fit = fits ? 2 : near ? 1 : 0
    if (fit > bestFit) [best, bestFit] = [artifact, fit]
  }
  return best
}

/** Checks 2, 3 and 11, of the links alone. The judge asks everything again. */
function good(
  { links }: Artifact,
  { action, resource }: Request,
  holder: Did,
  { governance, nowMs }: Asking,
  { self, seen }: PresentPorts,
): boolean {
  const { root } = governance
  if (root === null) return false
  const isIssuer = (key: Did) => root.roles.issuer.keys.includes(key)
  const bounds = { skewMs: root.lease.skewMs, artifactTtlMs: root.limits.artifactTtlMs }
  if (chain.checkSignatures(links, null, isIssuer) !== null) return false
  if (chain.checkTimes(links, null, nowMs, bounds) !== null) return false
  if (links.some(({ once, cid }) => once && seen(cid))) return false
  const coverage = {
    action,
    resource,
    links: links.map(({ cid }) => cid),
    issuers: links.map(({ iss }) => iss),
    principals: [...links.map(({ iss }) => iss), holder],
    node: self,
    policies: [],
    executions: [],
    inherited: NOTHING_INHERITED,
  }
  return coveringDenial(governance, coverage, nowMs) === null
}

function closed(
  { links }: Artifact,
  request: Request,
  { signer: { did: iss }, sign }: KeptKey,
  source: 'explicit' | 'held',
  nowMs: number,
  { self, random }: PresentPorts,
): Presented | Promise<Presented> {
  const expS = Math.ceil((nowMs + SIGNED_INVOCATION_TTL_MS) / 1000)
  let unsigned: Unsigned
  try {
    unsigned = prepared(request, { links, aud: self, iss, expS }, random.bytes(NONCE_BYTES))
  } catch (error) {
    // What is asked comes from outside, and may be too large to be signed.
    if (error instanceof Malformed) return malformed(error.message)
    throw error
  }
  return sign(unsigned.message).then((signature) => {
    return { kind: 'artifact', links, invocation: seal(unsigned, signature), source }
  })
}

/** What an invocation says beside its request and its nonce. */
interface Closing {
  readonly links: readonly Delegation[]
  readonly aud: Did
  readonly iss: Did
  readonly expS: number
}

/** The last invocation of a request, which is a value: within a second the next one differs by its nonce alone. */
const last = new WeakMap<Request, { readonly to: Closing; readonly unsigned: Unsigned }>()

/** @throws Malformed */
function prepared(request: Request, to: Closing, nonce: Uint8Array): Unsigned {
  const known = last.get(request)
  if (known !== undefined && same(known.to, to)) return prepareAgain(known.unsigned, nonce)
  const { links, aud, iss, expS } = to
  const [first] = links
  assert(first !== undefined, 'an artifact has a link')
  const { subject, action, resource, args, cause } = request
  const asked = { action, resource, subject, args }
  const prf = links.map(({ cid }) => cid)
  const fields = { aud, sub: first.sub, asked, prf, nonce, expS, iatS: null, cause, meta: NOTHING }
  const unsigned = prepare(fields, iss)
  last.set(request, { to, unsigned })
  return unsigned
}

function same(one: Closing, other: Closing): boolean {
  const { links, aud, iss, expS } = one
  return links === other.links && aud === other.aud && iss === other.iss && expS === other.expS
}

function missing(detail: string): Presented {
  return { kind: 'missing', detail }
}

function malformed(detail: string): Presented {
  return { kind: 'malformed', detail }
}
