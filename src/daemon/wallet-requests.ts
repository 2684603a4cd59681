/**
 * Callers of one host who ask each other for a delegation: one asks, the one
 * that holds what covers it grants it or declines. What is granted is signed
 * with the holder's kept key, narrower, and held for the asker at once.
 *
 * In memory alone: a restart forgets who asked, and never what was granted,
 * which is in the wallet and in the log. Each caller sees what it asked for and
 * what it is asked; what an asker may have waiting is bounded, and ends by itself.
 */
import { toHex, utf8 } from '../core/bytes.ts'
import { compileGrant, type Grant } from '../core/grant.ts'
import { type Cid, idOf, type Sha256Id } from '../core/id.ts'
import { formatJson } from '../core/json.ts'
import {
  NONCE_BYTES,
  WALLET_REQUEST_MS_MAX,
  WALLET_REQUESTS_MAX,
  WALLET_REQUESTS_PER_CALLER_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import type { Clock, Random } from '../mesh/ports.ts'
import type { Artifacts } from './artifacts.ts'
import type { Wallet } from './wallet.ts'

/** What somebody wants to be given. */
export interface Wanted {
  readonly actions: readonly string[]
  readonly resource: string | null
  readonly ttlMs: number
  readonly message: string | null
}

export interface DelegationRequest extends Wanted {
  readonly id: Sha256Id
  /** Names of kept keys: who asks, and who is asked. */
  readonly from: string
  readonly to: string
  readonly askedMs: number
  /** Wall time at which it is forgotten. */
  readonly untilMs: number
  readonly state: 'waiting' | 'granted' | 'declined'
  readonly artifact: Cid | null
}

export interface WalletRequestPorts {
  readonly wallet: Wallet
  readonly artifacts: Artifacts
  readonly clock: Clock
  readonly random: Random
}

export class WalletRequests {
  readonly #ports: WalletRequestPorts
  readonly #requests = new Map<Sha256Id, DelegationRequest>()
  /** Those whose answer is on its way to the disk. */
  readonly #answering = new Set<Sha256Id>()

  constructor(ports: WalletRequestPorts) {
    this.#ports = ports
  }

  /** @throws MeshError NOT_FOUND, USAGE, TOO_MANY */
  ask(to: string, wanted: Wanted, caller: Caller): DelegationRequest {
    const from = nameOf(caller)
    checkWanted(wanted)
    if (this.#ports.wallet.key(to) === null)
      throw new MeshError('NOT_FOUND', `no key of \`${to}\` is kept here`)
    if (to === from) throw new MeshError('USAGE', 'nobody asks itself')
    this.#makeRoom(from)
    const { clock, random } = this.#ports
    const askedMs = Math.floor(clock.wallMs())
    const nonce = toHex(random.bytes(NONCE_BYTES))
    const id = idOf(utf8(formatJson({ from, nonce, to })))
    const untilMs = askedMs + WALLET_REQUEST_MS_MAX
    const state = { state: 'waiting', artifact: null } as const
    const request = { id, from, to, ...wanted, askedMs, untilMs, ...state }
    this.#requests.set(id, request)
    return request
  }

  /** The newest first. @param name whose; null for everybody's */
  list(name: string | null): readonly DelegationRequest[] {
    this.#forget()
    const all = [...this.#requests.values()].reverse()
    return all.filter(({ from, to }) => name === null || name === from || name === to)
  }

  /**
   * Waits for the disk.
   * @param chosen what it is delegated from; else the first that covers it
   * @throws MeshError NOT_FOUND, CONFLICT, USAGE when nothing that is held covers it
   */
  async grant(
    id: Sha256Id,
    { chosen, ttlMs }: { readonly chosen: Cid | null; readonly ttlMs: number | null },
    caller: Caller,
  ): Promise<DelegationRequest> {
    const request = this.#asked(id, caller)
    this.#answering.add(id)
    try {
      const artifact = await this.#delegated(request, chosen, ttlMs, caller)
      return this.#answered(request, 'granted', artifact)
    } finally {
      this.#answering.delete(id)
    }
  }

  /** @throws MeshError NOT_FOUND, CONFLICT */
  decline(id: Sha256Id, caller: Caller): DelegationRequest {
    return this.#answered(this.#asked(id, caller), 'declined', null)
  }

  /** Who asked takes it back. @throws MeshError NOT_FOUND, CONFLICT while it is being granted */
  withdraw(id: Sha256Id, caller: Caller): void {
    const request = this.list(nameOf(caller)).find((each) => each.id === id)
    if (request?.from !== caller.name) throw unknown(id)
    if (this.#answering.has(id)) throw new MeshError('CONFLICT', 'it is being granted')
    this.#requests.delete(id)
  }

  async #delegated(
    { from, actions, resource, ttlMs: asked }: DelegationRequest,
    chosen: Cid | null,
    ttlMs: number | null,
    caller: Caller,
  ): Promise<Cid> {
    const { wallet, artifacts, clock } = this.#ports
    const to = wallet.key(from)?.signer.did
    if (to === undefined) throw new MeshError('NOT_FOUND', `no key of \`${from}\` is kept here`)
    const expiresMs = clock.wallMs() + Math.min(asked, ttlMs ?? asked)
    const handing = { to, grant: { ...NOTHING_ELSE, actions, resource }, expiresMs }
    const held = [...wallet.heldFor(nameOf(caller))].filter(
      (artifact) => chosen === null || artifact.cid === chosen,
    )
    let why = chosen === null ? 'nothing is held' : `no ${chosen} is held`
    for (const each of held) {
      const denial = artifacts.check(each)
      if (denial !== null) {
        why = denial.detail
        continue
      }
      try {
        const { artifact } = await artifacts.delegate(each, handing, caller)
        await artifacts.hold(artifact, caller, true)
        return artifact.cid
      } catch (error) {
        // The next one may cover it; whatever else went wrong, another artifact does not mend.
        if (!(error instanceof MeshError) || error.code !== 'USAGE') throw error
        why = error.message
      }
    }
    throw new MeshError('USAGE', `nothing that is held covers it: ${why}`, {
      hint: 'meshd artifact list',
    })
  }

  #answered(
    request: DelegationRequest,
    state: 'granted' | 'declined',
    artifact: Cid | null,
  ): DelegationRequest {
    const answered = { ...request, state, artifact }
    this.#requests.set(request.id, answered)
    return answered
  }

  /** One that waits for this caller. */
  #asked(id: Sha256Id, caller: Caller): DelegationRequest {
    const name = nameOf(caller)
    const request = this.list(name).find((each) => each.id === id)
    if (request?.to !== name) throw unknown(id)
    if (request.state !== 'waiting' || this.#answering.has(id))
      throw new MeshError('CONFLICT', 'it was answered already')
    return request
  }

  #forget(): void {
    const nowMs = this.#ports.clock.wallMs()
    for (const { id, untilMs } of this.#requests.values())
      if (untilMs <= nowMs && !this.#answering.has(id)) this.#requests.delete(id)
  }

  /** What was answered makes room for what waits. @throws MeshError TOO_MANY */
  #makeRoom(from: string): void {
    const own = this.list(null).filter((each) => each.from === from)
    if (own.length >= WALLET_REQUESTS_PER_CALLER_MAX) {
      const answered = own.findLast(({ state }) => state !== 'waiting')
      if (answered !== undefined) this.#requests.delete(answered.id)
      else throw full(`\`${from}\` has ${WALLET_REQUESTS_PER_CALLER_MAX} requests waiting`)
    }
    if (this.#requests.size >= WALLET_REQUESTS_MAX)
      throw full(`${WALLET_REQUESTS_MAX} requests are waiting here`)
  }
}

/** Who was given it may not hand it on: that is for its holder to say, by `artifact delegate`. */
const NOTHING_ELSE: Grant = {
  ...{ actions: [], resource: null, subject: null, node: null, require: [] },
  ...{ bind: new Map(), env: new Map(), depth: 0, once: false, gov: null, by: null },
}

/** @throws MeshError NOT_FOUND */
function nameOf({ name, principal }: Caller): string {
  if (name !== null && principal !== null) return name
  throw new MeshError('NOT_FOUND', 'no key is kept here for this caller', {
    hint: 'meshd key create <name> --for uid=<uid>',
  })
}

function checkWanted({ actions, resource }: Wanted): void {
  try {
    compileGrant({ ...NOTHING_ELSE, actions, resource }, [])
  } catch (error) {
    // What the grammar of grants refuses is the caller's mistake.
    if (error instanceof Malformed) throw new MeshError('USAGE', error.message, { cause: error })
    throw error
  }
}

function unknown(id: Sha256Id): MeshError {
  return new MeshError('NOT_FOUND', `no request \`${id}\``, { hint: 'meshd artifact requests' })
}

function full(why: string): MeshError {
  return new MeshError('TOO_MANY', why, { hint: 'meshd artifact requests' })
}
