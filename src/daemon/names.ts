/** Labels for keys: of members, and of callers whose key is kept here. */
import type { NameOf } from '../core/checks/wording.ts'
import type { Governed } from '../core/presented.ts'
import type { KeptKey, Wallet } from './wallet.ts'

export class Names {
  readonly #governance: () => Governed
  readonly #wallet: Pick<Wallet, 'keys'>
  #members: Governed['members'] | null = null
  #keys: readonly KeptKey[] = []
  #of: NameOf = () => null

  constructor(governance: () => Governed, wallet: Pick<Wallet, 'keys'>) {
    this.#governance = governance
    this.#wallet = wallet
  }

  /** The same function as long as it says the same: what was made with it can be remembered by it. */
  get of(): NameOf {
    const { members } = this.#governance()
    const { keys } = this.#wallet
    if (members === this.#members && keys === this.#keys) return this.#of
    this.#members = members
    this.#keys = keys
    const kept = new Map(keys.map(({ name, signer }) => [signer.did, name]))
    this.#of = (did) => members.get(did)?.name ?? kept.get(did) ?? null
    return this.#of
  }
}
