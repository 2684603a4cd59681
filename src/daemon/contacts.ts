/**
 * First contacts that the configuration names: each is asked again until it
 * answered once. Whom a node has met the network redials for ever by itself;
 * whom it never met, nobody else would.
 */
import { FIRST_CONTACT_RETRY_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { MeshNode } from '../mesh/node.ts'
import { Pace } from '../mesh/pace.ts'
import type { Clock } from '../mesh/ports.ts'

export interface ContactPorts {
  readonly clock: Clock
  readonly join: (address: string) => ReturnType<MeshNode['join']>
  /** Whether a mesh is pinned: without one a hello would show a root, and nothing would come of it. */
  readonly pinned: () => boolean
  /** As the configuration says now. */
  readonly addresses: () => readonly string[]
  readonly tell: (what: string, error: unknown) => void
}

export class Contacts {
  readonly #ports: ContactPorts
  readonly #met = new Set<string>()
  /** What was told of an address that could not be met, so that it is told once. */
  readonly #told = new Map<string, string>()
  readonly #pace: Pace

  constructor(ports: ContactPorts) {
    this.#ports = ports
    this.#pace = new Pace(ports.clock)
  }

  /** The configuration may name others now. */
  look(): void {
    this.#pace.wake()
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { addresses, pinned } = this.#ports
    while (!signal.aborted) {
      const wanted = addresses().filter((address) => !this.#met.has(address))
      if (pinned()) await Promise.all(wanted.map((address) => this.#meet(address)))
      await this.#pace.wait(FIRST_CONTACT_RETRY_MS, signal)
    }
  }

  async #meet(address: string): Promise<void> {
    try {
      await this.#ports.join(address)
      this.#met.add(address)
    } catch (error) {
      // Away, or of another mesh: the node goes on without it, and asks again.
      if (!(error instanceof MeshError)) throw error
      // Who refuses and who says nothing are both away: one that does now this, now that is told of once.
      const why = error.code === 'TIMEOUT' ? 'UNREACHABLE' : error.code
      if (this.#told.get(address) === why) return
      this.#told.set(address, why)
      this.#ports.tell(`first contact ${address}`, error)
    }
  }
}
