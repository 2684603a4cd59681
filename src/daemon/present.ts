/**
 * The artifact that a request is judged by (INTERFACE 5.2): a full chain that
 * the caller closed itself, or delegations to the caller, or what is held for
 * it. The daemon closes the latter two: it signs the invocation with the
 * caller's key, for that caller, this node and this one request, on another
 * thread.
 */
import { type Artifact, parseArtifact } from '../core/artifact.ts'
import { assert } from '../core/assert.ts'
import { prepare, prepareAgain, seal, type Unsigned } from '../core/closing.ts'
import type { Delegation } from '../core/delegation.ts'
import { objectOf } from '../core/ipld.ts'
import type { Did } from '../core/keys.ts'
import { ARTIFACT_HEADER_BYTES_MAX, NONCE_BYTES, SIGNED_INVOCATION_TTL_MS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Caller, Governed, Presented } from '../core/presented.ts'
import type { Request } from '../core/request.ts'
import type { Random } from '../mesh/ports.ts'
import { choose, type OfferPorts } from './offer.ts'
import type { KeptKey, Wallet } from './wallet.ts'

export interface PresentPorts extends OfferPorts {
  readonly wallet: Wallet
  readonly random: Random
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
