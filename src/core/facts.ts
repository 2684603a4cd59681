/**
 * What the node itself measured about caller, host and governance: the
 * `.meshd` facts. What could not be measured is absent, and a predicate on it denies.
 */
import type { Did } from './keys.ts'

export interface Facts {
  readonly node: {
    readonly id: Did
    readonly name: string | null
    readonly labels: ReadonlyMap<string, string>
  }
  /** From the kernel, never from the caller. */
  readonly runtime: {
    readonly uid: number | null
    readonly gid: number | null
    readonly pid: number | null
    /** Path of the socket that the caller came by. */
    readonly socket: string | null
    /** sha256 (hex) of the executable. */
    readonly exe: string | null
    readonly unit: string | null
    readonly container: string | null
  }
  readonly env: {
    readonly labels: ReadonlyMap<string, string>
    /** Path → sha256 (hex) of a measured file. */
    readonly files: ReadonlyMap<string, string>
  }
  readonly gov: {
    readonly mesh: string | null
    readonly root: number | null
    readonly digest: string
    /** Bundle → version in force. A bundle in conflict is absent. */
    readonly bundles: ReadonlyMap<string, number>
  }
}
