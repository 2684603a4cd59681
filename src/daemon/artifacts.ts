/**
 * What is done with artifacts outside of decisions: judged as they stand,
 * recorded when they are made, handed on with a caller's own key, held and
 * dropped. Whatever changes is a record first, and the change travels with it.
 */
import { NOTHING_INHERITED } from '../core/ancestry.ts'
import { type Artifact, artifactOf, parseArtifact } from '../core/artifact.ts'
import * as chain from '../core/chain.ts'
import { coveringDenial } from '../core/checks/revocation.ts'
import { recordedCaller } from '../core/decision-record.ts'
import { parseDelegation, signDelegation } from '../core/delegation.ts'
import { compileGrant, type Grant } from '../core/grant.ts'
import type { Cid, RecordId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { NONCE_BYTES, WALLET_EXPIRED_KEPT_MS, WALLET_LOOK_MS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import type { Denial } from '../core/reasons.ts'
import { type Body, formatDraft } from '../core/record.ts'
import { boundNode, describe, expiresS, formatScope, widen } from '../core/scope.ts'
import { stripControls } from '../core/text.ts'
import type { Appended } from '../mesh/authorizer.ts'
import type { Clock, Put, Random } from '../mesh/ports.ts'
import type { NodePort } from './decider.ts'
import type { Held, KeptKey, Wallet } from './wallet.ts'

export interface ArtifactPorts {
  readonly node: Pick<NodePort, 'self' | 'governance' | 'seen' | 'lease'>
  readonly wallet: Wallet
  readonly clock: Clock
  readonly random: Random
  /** Waits for the disk; the puts are in the record's own batch. */
  append(draft: JsonObject, puts: (id: RecordId) => readonly Put[]): Promise<Appended>
}

type Event = Body<'artifact'>['event']

/** A link that is to be added to an artifact. */
export interface Handing {
  readonly to: Did
  readonly grant: Grant
  readonly expiresMs: number
}

export class Artifacts {
  readonly #ports: ArtifactPorts

  constructor(ports: ArtifactPorts) {
    this.#ports = ports
  }

  /** What this node would say of its links now, whatever is asked for; null when they are good. */
  check({ links, invocation }: Artifact): Denial | null {
    const { node, clock } = this.#ports
    const governance = node.governance()
    const { root } = governance
    if (root === null) return { code: 'ISSUER_UNTRUSTED', detail: 'there is no trust root' }
    const nowMs = clock.wallMs()
    const isIssuer = (key: Did) => root.roles.issuer.keys.includes(key)
    const bounds = { skewMs: root.lease.skewMs, artifactTtlMs: root.limits.artifactTtlMs }
    const coverage = {
      action: null,
      resource: null,
      links: links.map(({ cid }) => cid),
      issuers: links.map(({ iss }) => iss),
      principals: links.flatMap(({ iss, aud }) => [iss, aud]),
      node: node.self,
      policies: [],
      executions: [],
      inherited: NOTHING_INHERITED,
    }
    return (
      chain.checkForm(links) ??
      chain.checkSignatures(links, invocation, isIssuer) ??
      chain.checkTimes(links, null, nowMs, bounds) ??
      this.#spent(links) ??
      chain.checkContinuity(links, invocation) ??
      chain.checkNarrowing(links) ??
      coveringDenial(governance, coverage, nowMs)
    )
  }

  #spent(links: Artifact['links']): Denial | null {
    if (!links.some(({ once, cid }) => once && this.#ports.node.seen(cid))) return null
    return { code: 'REPLAYED', detail: 'the single-use artifact was used before' }
  }

  /** Records that it was made. @throws MeshError PROOF_INVALID for one that could never be used */
  async record(
    artifact: Artifact,
    event: 'issued' | 'delegated',
    caller: Caller,
  ): Promise<RecordId> {
    this.#genuine(artifact)
    return (await this.#append(artifact, event, caller, () => [])).id
  }

  /** The narrower artifact, signed with the caller's own key. @throws MeshError KEY_UNAVAILABLE, USAGE, PROOF_INVALID */
  async delegate(
    held: Artifact,
    handing: Handing,
    caller: Caller,
  ): Promise<{ readonly artifact: Artifact; readonly id: RecordId }> {
    this.#genuine(held)
    const holder = held.links.at(-1)?.aud
    const key = caller.name === null ? null : this.#ports.wallet.key(caller.name)
    if (key === null || key.signer.did !== holder || caller.principal !== holder) {
      throw new MeshError('KEY_UNAVAILABLE', `the artifact is for ${holder}, not for this caller`)
    }
    const artifact = this.#narrowed(held, handing, key)
    const wider = widen(held.links, artifact.links.at(-1) as Artifact['links'][number])
    if (wider.length > 0) {
      throw new MeshError('USAGE', `it would grant more than is held: ${wider.join('; ')}`)
    }
    return { artifact, id: (await this.#append(artifact, 'delegated', caller, () => [])).id }
  }

  /** Holds it for the caller whose key it names, and gives the name. @throws MeshError CONFLICT, NOT_FOUND, PROOF_INVALID */
  async hold(artifact: Artifact, caller: Caller, anyone: boolean): Promise<string> {
    this.#genuine(artifact)
    const audience = artifact.links.at(-1)?.aud
    const key = audience === undefined ? null : this.#ports.wallet.keyOf(audience)
    if (key === null || (!anyone && key.signer.did !== caller.principal)) {
      throw new MeshError('NOT_FOUND', `no key of ${audience} is kept here for this caller`, {
        hint: 'meshd key list',
      })
    }
    await this.#ports.wallet.hold(key.name, artifact, this.#with(artifact, 'held', caller))
    return key.name
  }

  /** @throws MeshError NOT_FOUND */
  async drop({ name, artifact }: Held, caller: Caller): Promise<void> {
    await this.#ports.wallet.drop(name, artifact.cid, this.#with(artifact, 'dropped', caller))
  }

  /**
   * What has been over for a while leaves the disk, without a record: its end is signed in it.
   * Not by a clock that witnesses do not confirm: what a wrong one takes away does not come back.
   */
  async forgetExpired(): Promise<void> {
    const { node, wallet, clock } = this.#ports
    const { held, clockTrusted } = node.lease()
    if (!held || !clockTrusted) return
    const beforeMs = clock.wallMs() - WALLET_EXPIRED_KEPT_MS
    for (const { name, artifact } of wallet.held)
      if (expiresS(artifact.links) * 1000 < beforeMs) await wallet.drop(name, artifact.cid)
  }

  /** Looks for what has expired, now and then, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#ports.clock.sleep(WALLET_LOOK_MS, signal)
      // A disk that takes nothing says so elsewhere; what is held too long allows nothing.
      await this.forgetExpired().catch(() => {})
    }
  }

  /** What is held under a CID, by this caller or, for an administrator, by anyone or by one. @throws MeshError NOT_FOUND, AMBIGUOUS */
  find(cid: Cid, name: string | null): Held {
    const found = this.#ports.wallet.held.filter(
      (held) => held.artifact.cid === cid && (name === null || held.name === name),
    )
    const [first, second] = found
    if (first === undefined)
      throw new MeshError('NOT_FOUND', `no ${cid} is held`, { hint: 'meshd artifact list' })
    if (second !== undefined) {
      throw new MeshError('AMBIGUOUS', `${found.map((each) => each.name).join(', ')} hold ${cid}`, {
        hint: 'add --for <caller>',
      })
    }
    return first
  }

  #narrowed({ links }: Artifact, { to, grant, expiresMs }: Handing, { signer }: KeptKey): Artifact {
    return usage(() => {
      const link = parseDelegation(
        signDelegation(
          {
            ...compileGrant(grant, links),
            aud: to,
            sub: links[0]?.sub ?? signer.did,
            nonce: this.#ports.random.bytes(NONCE_BYTES),
            expS: Math.floor(Math.min(expiresMs, expiresS(links) * 1000) / 1000),
            nbfS: null,
          },
          signer,
        ),
      )
      const all = [...links, link]
      if (link.once && boundNode(all) === null) {
        throw new Malformed('a single-use artifact names the one node that may use it')
      }
      return artifactOf(all, null)
    })
  }

  /** Its signatures hold and it is one chain; whether it may be used now is another question. */
  #genuine({ links }: Artifact): void {
    const denial =
      chain.checkForm(links) ??
      chain.checkSignatures(links, null, () => true) ??
      chain.checkContinuity(links, null)
    if (denial === null) return
    throw new MeshError('PROOF_INVALID', denial.detail, { hint: 'issue it again' })
  }

  #with(artifact: Artifact, event: Event, caller: Caller) {
    return async (puts: readonly Put[]): Promise<void> => {
      await this.#append(artifact, event, caller, () => puts)
    }
  }

  #append(
    { cid, links }: Artifact,
    event: Event,
    caller: Caller,
    puts: (id: RecordId) => readonly Put[],
  ): Promise<Appended> {
    const last = links.at(-1)
    if (last === undefined) throw new MeshError('PROOF_INVALID', 'the artifact holds no delegation')
    const draft = formatDraft<'artifact'>({
      type: 'artifact',
      event,
      artifact: cid,
      links: links.map((link) => link.cid),
      issuer: last.iss,
      audience: last.aud,
      summary: cut(formatScope(describe(links))),
      expires: expiresS(links) * 1000,
      caller: recordedCaller(caller),
    })
    return this.#ports.append(draft, puts)
  }
}

/** Reads the line of an artifact that somebody gave us. @throws MeshError PROOF_INVALID */
export function readLine(line: string): Artifact {
  try {
    return parseArtifact(line)
  } catch (error) {
    // Untrusted bytes come in here.
    if (error instanceof Malformed) {
      throw new MeshError('PROOF_INVALID', error.message, { hint: 'issue it again', cause: error })
    }
    throw error
  }
}

function usage<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    // What the grammar of grants and links refuses is the caller's mistake.
    if (error instanceof Malformed) throw new MeshError('USAGE', error.message, { cause: error })
    throw error
  }
}

/** Far below the bound of a record's line, whatever its characters take in UTF-8. */
const SUMMARY_CHARACTERS_MAX = 256

function cut(text: string): string {
  return stripControls(text).slice(0, SUMMARY_CHARACTERS_MAX)
}
