/** What a request meets: who brought it, by what authority, and what of governance judges it. Types that the checks share. */
import type { Delegation } from './delegation.ts'
import type { Governance } from './governance.ts'
import type { Invocation } from './invocation.ts'
import type { Did } from './keys.ts'
import type { Root } from './statement/root.ts'

/** Who connected, by facts of the kernel and by the node's configuration; nothing of it comes from the body. */
export interface Caller {
  /** Whose key the daemon keeps for this caller. */
  readonly principal: Did | null
  readonly name: string | null
  readonly uid: number | null
  readonly gid: number | null
  readonly pid: number | null
  /** Path of the socket it came by; of tcpSocket for one that came over TCP. */
  readonly socket: string
  /** Subjects it may speak for, `user:*`. */
  readonly asserts: readonly string[]
  /** Whether the kernel or a socket of its own says who it is. */
  readonly identified: boolean
}

const TCP = 'tcp:'

/** What stands for the socket of who came over TCP, in records: `tcp:127.0.0.1:8443`. */
export function tcpSocket(listen: string): string {
  return `${TCP}${listen}`
}

/** A path of this host; null for who came over TCP, of whom the kernel says nothing. */
export function socketPath({ socket }: Caller): string | null {
  return socket.startsWith(TCP) ? null : socket
}

/** The artifact as it came, its tokens parsed and nothing verified. */
export type Presented =
  | { readonly kind: 'missing'; readonly detail: string }
  | { readonly kind: 'malformed'; readonly detail: string }
  | {
      readonly kind: 'artifact'
      /** Root first, at least one. */
      readonly links: readonly Delegation[]
      readonly invocation: Invocation
      readonly source: 'explicit' | 'held'
    }

/** Signed through and through, down from an issuer of this root. Later checks read no other artifact. */
export interface VerifiedArtifact {
  readonly links: readonly Delegation[]
  readonly invocation: Invocation
  readonly root: Root
}

/** As much of governance as a judgement reads: a replay needs to remember no more. */
export type Governed = Pick<
  Governance,
  | 'mesh'
  | 'root'
  | 'disputed'
  | 'members'
  | 'bundles'
  | 'freezes'
  | 'revocations'
  | 'distrusted'
  | 'evidence'
  | 'digest'
  | 'arriving'
>
