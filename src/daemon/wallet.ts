/**
 * The wallet: keys that the daemon keeps for local callers, and artifacts held
 * for them, as ssh-agent holds keys, so that a plain caller needs no token.
 *
 *     wallet/key/<name>            {"for":"uid=1001","seed":"<base64, 32 bytes>"}
 *     wallet/held/<name>/<cid>     the artifact's line
 *
 * A name belongs to one caller. The data directory is 0700 and the key never
 * leaves the process; each caller's artifacts are offered to that caller alone.
 */

import { type Artifact, formatArtifact, parseArtifact } from '../core/artifact.ts'
import { fromBase64, toBase64, utf8 } from '../core/bytes.ts'
import type { Cid } from '../core/id.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import { type Did, type Signer, signerOf } from '../core/keys.ts'
import { REQUEST_BYTES_MAX, WALLET_ARTIFACTS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { expiresS } from '../core/scope.ts'
import { name as nameReader, nullable, object, text } from '../core/shape.ts'
import type { Put, Store } from '../mesh/ports.ts'
import { newSeed } from './key-file.ts'
import { type Sign, type Signing, signingAside } from './signing.ts'

export interface KeptKey {
  readonly name: string
  /** `uid=1001`; null when only the configuration names it. */
  readonly caller: string | null
  readonly signer: Signer
  /** Signs with the same key, on another thread. */
  readonly sign: Sign
}

export interface Held {
  readonly name: string
  readonly artifact: Artifact
}

const keyBody = object({ for: nullable(text(REQUEST_BYTES_MAX)), seed: text(64) })

export class Wallet {
  readonly #persist: (puts: readonly Put[]) => Promise<void>
  readonly #signing: Signing
  readonly #keys = new Map<string, KeptKey>()
  #keyList: readonly KeptKey[] = []
  /** Names whose key is on its way to the disk: nobody else makes a second one meanwhile. */
  readonly #making = new Set<string>()
  readonly #held = new Map<string, ReadonlyMap<Cid, Artifact>>()

  private constructor(persist: (puts: readonly Put[]) => Promise<void>, signing: Signing) {
    this.#persist = persist
    this.#signing = signing
  }

  static async open(
    store: Pick<Store, 'entries'>,
    persist: (puts: readonly Put[]) => Promise<void>,
    signing: Signing = signingAside,
  ): Promise<Wallet> {
    const wallet = new Wallet(persist, signing)
    for (const [key, value] of await store.entries('wallet')) {
      const [kind, name = ''] = key.split('/')
      if (kind === 'key') wallet.#keep(name, readKey(name, value))
      else wallet.#add(name, parseArtifact(value))
    }
    return wallet
  }

  /** Another list whenever one was made. */
  get keys(): readonly KeptKey[] {
    return this.#keyList
  }

  key(name: string): KeptKey | null {
    return this.#keys.get(name) ?? null
  }

  keyFor(caller: string): KeptKey | null {
    return this.keys.find((key) => key.caller === caller) ?? null
  }

  keyOf(principal: Did): KeptKey | null {
    return this.keys.find(({ signer }) => signer.did === principal) ?? null
  }

  /** Makes a key for a caller; waits for the disk. @throws MeshError USAGE, or CONFLICT when name or caller has one. */
  async createKey(name: string, caller: string | null): Promise<KeptKey> {
    checkName(name)
    if (this.#keys.has(name) || this.#making.has(name))
      throw new MeshError('CONFLICT', `\`${name}\` has a key here already`)
    if (caller !== null && (this.keyFor(caller) !== null || this.#making.has(caller)))
      throw new MeshError('CONFLICT', `${caller} has a key here already`, {
        hint: 'meshd key list',
      })
    const reserved = caller === null ? [name] : [name, caller]
    for (const each of reserved) this.#making.add(each)
    try {
      return await this.#makeKey(name, caller)
    } finally {
      for (const each of reserved) this.#making.delete(each)
    }
  }

  async #makeKey(name: string, caller: string | null): Promise<KeptKey> {
    const seed = newSeed()
    const value = utf8(formatJson({ for: caller, seed: toBase64(seed) }))
    await this.#persist([{ space: 'wallet', key: `key/${name}`, value }])
    return this.#keep(name, { caller, seed })
  }

  #keep(name: string, { caller, seed }: Kept): KeptKey {
    const key = { name, caller, signer: signerOf(seed), sign: this.#signing(seed) }
    this.#keys.set(name, key)
    this.#keyList = [...this.#keys.values()]
    return key
  }

  /** Held for this caller, latest expiry first. */
  heldFor(name: string): Iterable<Artifact> {
    return this.#held.get(name)?.values() ?? []
  }

  get held(): readonly Held[] {
    return [...this.#held].flatMap(([name, held]) =>
      [...held.values()].map((artifact) => ({ name, artifact })),
    )
  }

  /**
   * Waits for the disk.
   * @param persist takes the puts instead, so that a record can travel with them
   * @throws MeshError TOO_MANY, or CONFLICT when the last link is not for this caller's key.
   */
  async hold(name: string, artifact: Artifact, persist = this.#persist): Promise<void> {
    const audience = artifact.links.at(-1)?.aud
    if (this.#keys.get(name)?.signer.did !== audience)
      throw new MeshError(
        'CONFLICT',
        `the artifact is for ${audience}, which is not \`${name}\` here`,
        { hint: 'meshd key list' },
      )
    const held = this.#held.get(name)
    if (held?.has(artifact.cid) !== true && (held?.size ?? 0) >= WALLET_ARTIFACTS_MAX)
      throw new MeshError('TOO_MANY', `\`${name}\` holds ${WALLET_ARTIFACTS_MAX} artifacts`, {
        hint: 'meshd artifact drop',
      })
    const value = utf8(formatArtifact({ links: artifact.links, invocation: null }))
    await persist([{ space: 'wallet', key: `held/${name}/${artifact.cid}`, value }])
    this.#add(name, artifact)
  }

  /** Waits for the disk. @throws MeshError NOT_FOUND. */
  async drop(name: string, cid: Cid, persist = this.#persist): Promise<void> {
    if (this.#held.get(name)?.has(cid) !== true)
      throw new MeshError('NOT_FOUND', `\`${name}\` holds no ${cid}`, {
        hint: 'meshd artifact list',
      })
    await persist([{ space: 'wallet', key: `held/${name}/${cid}`, value: null }])
    const left = [...(this.#held.get(name) ?? [])].filter(([held]) => held !== cid)
    this.#held.set(name, new Map(left))
  }

  /** In the order in which they are tried: sorted once here, not for each decision. */
  #add(name: string, artifact: Artifact): void {
    const held = [...(this.#held.get(name)?.values() ?? []), artifact]
    held.sort((a, b) => expiresS(b.links) - expiresS(a.links))
    this.#held.set(name, new Map(held.map((each) => [each.cid, each])))
  }
}

/** It is part of a key on disk. */
function checkName(name: string): void {
  try {
    nameReader(name, 'the name')
  } catch (cause) {
    throw new MeshError('USAGE', `\`${name}\` is no name for a caller`, {
      hint: 'letters, digits, `.`, `_`, `-`',
      cause,
    })
  }
}

interface Kept {
  readonly caller: string | null
  readonly seed: Uint8Array
}

function readKey(name: string, value: Uint8Array): Kept {
  const body = keyBody(parseCanonical(value, REQUEST_BYTES_MAX), name)
  return { caller: body.for, seed: fromBase64(body.seed) }
}
