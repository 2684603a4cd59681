/** What the control API is made of: the node, and what this process knows of itself. */
import type { Did } from '../core/keys.ts'
import type { CollectorState } from '../daemon/collectors.ts'
import type { Reloaded } from '../daemon/reload.ts'
import type { MeshNode } from '../mesh/node.ts'
import type { Clock, Network } from '../mesh/ports.ts'
import type { SocketSpec } from './server.ts'
import type { SeenFrom } from './view.ts'

/** What the kernel says of who connects: nothing; its user; or the very process. */
export type KernelFacts = 'none' | 'credentials' | 'process'

export interface Services {
  readonly node: MeshNode
  readonly network: Network
  readonly clock: Clock
  readonly version: string
  readonly startedAtMs: number
  readonly pid: number
  /** What this node calls itself. */
  readonly name: string
  readonly kernelFacts: KernelFacts
  nameOf(did: Did): string | null
  sockets(): readonly SocketSpec[]
  /** Of the environment: those without a fact say why. */
  collectors(): readonly CollectorState[]
  /** Where other hosts call, and until when its certificate is good; null where they cannot. */
  https(): { readonly listen: string; readonly certUntilMs: number } | null
  /** Closes and refuses every connection, or lifts that. */
  isolate(isolated: boolean): void
  isolated(): boolean
  /** What `audit.retention` says, ms. */
  retentionMs(): number
  reload(): Promise<Reloaded>
  seenFrom(): SeenFrom
}
