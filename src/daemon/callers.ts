/**
 * Local callers and the keys that the daemon keeps for them: those that the
 * configuration names get a key as soon as it is read, others by
 * `meshd key create planner --for uid=1001`. The configuration wins.
 */
import type { Did } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'
import type { CallerNames } from './caller.ts'
import type { RemoteCaller } from './remote-callers.ts'
import type { CallerRule, CallerSocket } from './schema.ts'
import type { KeptKey, Wallet } from './wallet.ts'

/** The parts of the configuration that name callers. */
export interface CallerConfig {
  readonly callers: readonly CallerRule[]
  readonly sockets: readonly CallerSocket[]
}

export interface KnownCaller {
  /** `uid=1001`, `socket=/run/meshd/ci.sock`; several facts are joined by a comma. */
  readonly caller: string
  readonly name: string
  readonly principal: Did
}

export class Callers implements CallerNames {
  readonly #wallet: Wallet
  #config: CallerConfig
  #remotes: readonly RemoteCaller[] = []

  private constructor(wallet: Wallet, config: CallerConfig) {
    this.#wallet = wallet
    this.#config = config
  }

  /** Makes the keys that are missing. Waits for the disk. */
  static async open(
    wallet: Wallet,
    config: CallerConfig,
    remotes: readonly RemoteCaller[] = [],
  ): Promise<Callers> {
    const callers = new Callers(wallet, config)
    await callers.reload(config, remotes)
    return callers
  }

  /**
   * Takes over all of it at once: a right that was taken back waits for no disk,
   * and a name is nobody's until it has a key. Waits for the disk.
   */
  async reload(config: CallerConfig, remotes: readonly RemoteCaller[] = []): Promise<void> {
    this.#config = config
    this.#remotes = remotes
    const all = [...config.callers, ...config.sockets, ...remotes]
    const named = new Set(all.map(({ principal }) => principal))
    for (const name of named) {
      if (this.#wallet.key(name) === null) await this.#wallet.createKey(name, null)
    }
  }

  get rules(): readonly CallerRule[] {
    return this.#config.callers
  }

  get keys(): readonly KeptKey[] {
    return this.#wallet.keys
  }

  nameFor(caller: string): string | null {
    return this.#wallet.keyFor(caller)?.name ?? null
  }

  principalOf(name: string): Did | null {
    return this.#wallet.key(name)?.signer.did ?? null
  }

  /** The name of a kept key, as a label. */
  nameOf(principal: Did): string | null {
    return this.#wallet.keyOf(principal)?.name ?? null
  }

  /** One row for each way in which a kept key can be reached; by its name alone when there is none. */
  list(): readonly KnownCaller[] {
    return this.#wallet.keys.flatMap((key) => this.#rowsOf(key))
  }

  /** A key for a caller that no configuration names. Waits for the disk. @throws MeshError USAGE, CONFLICT */
  async create(name: string, caller: string): Promise<KnownCaller> {
    const [, digits = ''] = /^uid=(0|[1-9]\d{0,9})$/.exec(caller) ?? []
    if (digits === '' || Number(digits) > UID_MAX)
      throw new MeshError('USAGE', `\`${caller}\` is no caller that a key can be kept for`, {
        hint: 'meshd key create <name> --for uid=1001; others by api.callers in the configuration',
      })
    const { signer } = await this.#wallet.createKey(name, caller)
    return { caller, name, principal: signer.did }
  }

  #rowsOf({ name, caller, signer }: KeptKey): readonly KnownCaller[] {
    const { callers, sockets } = this.#config
    const ways = [
      ...(caller === null ? [] : [caller]),
      ...callers
        .filter(({ principal }) => principal === name)
        .map(({ match }) => formatRule(match)),
      ...sockets.filter(({ principal }) => principal === name).map(({ path }) => `socket=${path}`),
      ...this.#remotes
        .filter(({ principal }) => principal === name)
        .map(({ kind, digest }) => `${kind}=${digest}`),
    ]
    const rows = ways.length === 0 ? [`name=${name}`] : ways
    return rows.map((way) => ({ caller: way, name, principal: signer.did }))
  }
}

const UID_MAX = 0xffff_ffff

function formatRule(match: CallerRule['match']): string {
  return Object.entries(match)
    .map(([fact, value]) => `${fact}=${value}`)
    .join(',')
}
