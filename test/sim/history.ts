/**
 * What happened in a world of whole nodes, one event after the other (FAULTS.md
 * section 2). Written around the ports and at the edges of the authorizer,
 * never from inside of what is tested; read by the checkers as it is written.
 *
 * Statements are called by the number under which the harness made them, nodes
 * by their place. Times are true times of the world, in ms.
 */
import { createHash } from 'node:crypto'
import type { Cid, RecordId } from '../../src/core/id.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import type { Did } from '../../src/core/keys.ts'
import type { Scope } from '../../src/core/statement/freeze.ts'
import type { Target } from '../../src/core/statement/revocation.ts'
import type { LeaseTerms } from '../../src/core/statement/root.ts'
import type { Protocol } from '../../src/mesh/ports.ts'
import type { Sent } from './exchange.ts'

/** A permit of one action, that asks for a lease so fresh. */
export interface Ask {
  readonly action: string
  readonly stalenessMs: number
}

/** A statement that the harness made. */
export interface Law {
  readonly number: number
  readonly what:
    | {
        readonly type: 'root'
        readonly version: number
        readonly witnesses: readonly number[]
        /** Whether it lifts evidence. */
        readonly lifts: boolean
      }
    | { readonly type: 'revocation'; readonly target: Target }
    | { readonly type: 'freeze'; readonly scope: Scope; version: number; readonly frozen: boolean }
    | {
        readonly type: 'policy'
        readonly version: number
        readonly signer: Did
        readonly asks: readonly Ask[]
      }
    | { readonly type: 'epoch'; readonly of: number; readonly epoch: number }
    | {
        readonly type: 'member'
        readonly of: Did
        readonly untilMs: number
        /** By the harness; the others were made by a node. */
        readonly founded: boolean
        /** By which it came to be, as it says; null for none. */
        readonly invite: string | null
        /** Whether it may be a witness. */
        readonly eligible: boolean
      }
    | { readonly type: 'evidence' }
    /** What nobody may sign who signed it. */
    | { readonly type: 'forged'; readonly how: string }
  /** Of a root. */
  readonly lease: LeaseTerms | null
}

/** Keys by their names in the notary's hand. */
export interface SigningRole {
  readonly threshold: number
  readonly keys: readonly string[]
}

/** A link, as who made it meant it. */
export interface Said {
  readonly cid: Cid
  /** Whose key signed it: not always whom it names. */
  readonly by: Did
  readonly iss: Did
  readonly aud: Did
  readonly sub: Did
  readonly cmd: string
  readonly pol: readonly Json[]
  readonly nbfS: number | null
  readonly expS: number
  readonly depth: number | null
  readonly once: boolean
  /** It says what nobody knows. */
  readonly odd: boolean
}

/** What the kernel says of a caller; what it does not say is absent. */
export type KernelFacts = { readonly [fact: string]: string | number }

/** How a chain was closed. */
export interface Closing {
  readonly by: Did
  readonly aud: Did
  readonly sub: Did
  readonly prf: readonly Cid[]
  readonly action: string
  readonly args: JsonObject
}

/** What a request brings, and for what. */
export interface Brought {
  /** Where it is asked. */
  readonly node: Did
  readonly closing: Closing
  readonly args: JsonObject
  /** How it tries to gain; null where all is in order. */
  readonly gains: string | null
  /** Who asks; null where nothing depends on it. */
  readonly process: number | null
}

/** A request, as it was asked. */
export interface Asked {
  readonly req: number
  readonly links: readonly Cid[]
  readonly issuer: Did
  /** Everyone in the chain, its holder last. */
  readonly principals: readonly Did[]
  readonly invocation: Cid
  /** The single-use link; null when there is none. */
  readonly once: Cid | null
  readonly action: string
  readonly resource: string
  /** The execution that it names as its cause. */
  readonly cause: RecordId | null
  /** null where nobody knows. */
  readonly brought: Brought | null
}

/** The records of a log, and where a new one begins. */
export interface Leaves {
  readonly epoch: number
  readonly first: number
  readonly ids: readonly RecordId[]
  /** The executions whose end is among them. */
  readonly outcomes: readonly RecordId[]
}

/** As it stands in its record. */
export interface RecordedDecision {
  readonly id: RecordId
  readonly effect: 'allow' | 'deny'
  /** The request; -1 where it names none. */
  readonly req: number
  /** Denials before it that no record names. */
  readonly unrecorded: number
}

export interface HeadOf {
  readonly epoch: number
  readonly size: number
  /** Hex. */
  readonly root: string
}

export type Happening =
  | { readonly ev: 'run'; readonly seed: number; readonly says: string }
  | { readonly ev: 'made'; readonly law: Law }
  /** Who signs what, by a root. */
  | {
      readonly ev: 'roles'
      readonly version: number
      readonly roles: Readonly<Record<string, SigningRole>>
    }
  | { readonly ev: 'fault'; readonly kind: string; readonly number: number; readonly says: string }
  | { readonly ev: 'phase'; readonly phase: 'faults' | 'heal' | 'end' }
  /** What the disk held when the node was opened. */
  | { readonly ev: 'boot'; readonly log: Leaves; readonly held: readonly number[] }
  | { readonly ev: 'ready' }
  | { readonly ev: 'down'; readonly how: 'crash' | 'stop' }
  /** An older image of its disk was put in: what was on it. */
  | { readonly ev: 'restore'; readonly log: Leaves; readonly held: readonly number[] }
  | { readonly ev: 'pause'; readonly suspended: boolean }
  /** After so long; by the node's monotonic clock, which stood still while it was suspended. */
  | {
      readonly ev: 'resume'
      readonly suspended: boolean
      readonly ms: number
      readonly mono: number
    }
  /** Somebody signed it. */
  | { readonly ev: 'link'; readonly link: Said }
  /** From now on this is true of it. */
  | { readonly ev: 'process'; readonly process: number; readonly facts: KernelFacts }
  | { readonly ev: 'call'; readonly asked: Asked }
  /** The disk took it, or was found to have it when it was opened anew. */
  | { readonly ev: 'durable'; readonly log: Leaves; readonly statements: readonly number[] }
  | {
      readonly ev: 'answer'
      readonly req: number
      readonly effect: 'allow' | 'deny'
      readonly reason: string | null
      readonly record: { readonly index: number; readonly id: RecordId } | null
      readonly epoch: number
      /** Of the determining policy; null for a deny. */
      readonly policy: number | null
      readonly root: number | null
      readonly mono: number
      readonly wall: number
      /** Whether its own word counts, and under which root. */
      readonly speaks: number | null
    }
  /** About to be accepted: whose signatures it has here, as the notary counts them, and under which root. */
  | {
      readonly ev: 'verified'
      readonly statement: number
      readonly type: string
      readonly under: number
      readonly by: readonly string[]
    }
  /** One signature of two was handed in; kept: it is durable there. */
  | {
      readonly ev: 'half'
      readonly statement: number
      readonly half: 1 | 2
      readonly kept: boolean
    }
  /** The disk took these decisions, in the order of the log. */
  | { readonly ev: 'recorded'; readonly decisions: readonly RecordedDecision[] }
  /** The disk refused a batch; it may be there all the same. */
  | { readonly ev: 'unwritten' }
  /** At the end, of the log on a disk: its decisions judged again. */
  | {
      readonly ev: 'replayed'
      readonly judged: number
      readonly same: number
      readonly differing: readonly string[]
      /** Why others are not, and how many. */
      readonly notJudged: Readonly<Record<string, number>>
    }
  /** What an allow lets run; who runs it is told to stop; and says that it ended. Its outcome is in a log. */
  | { readonly ev: 'opened' | 'ended'; readonly execution: RecordId }
  | { readonly ev: 'stop'; readonly execution: RecordId; readonly why: string }
  /** Effective here, and applied. */
  | { readonly ev: 'accept'; readonly statement: number; readonly speaks: number | null }
  /** It holds evidence against a node's log; it was made by the nodes, not by the harness. */
  | { readonly ev: 'evidence'; readonly against: number; readonly epoch: number }
  /** The harness signed a second history in its name, and told everybody. */
  | { readonly ev: 'lie'; readonly head: HeadOf }
  /** The node signed its state: to a question, or for everybody. */
  | {
      readonly ev: 'announce'
      readonly to: 'question' | 'gossip'
      readonly held: readonly number[]
      /** Of those, the ones that are not on its disk. */
      readonly volatile: readonly number[]
      readonly digest: string
      readonly root: number
      /** An answer that a lease may count. */
      readonly counts: boolean
      readonly head: HeadOf | null
    }
  /** Its question was answered. */
  | {
      readonly ev: 'heard'
      readonly from: number
      readonly digest: string
      readonly root: number
      readonly counts: boolean
      /** Of the node's monotonic clock, when the question left. */
      readonly asked: number
      /** It was asked for what it remembers of the asker's log, too. */
      readonly own: boolean
      /** Whether the asker's own word counts at that moment, and under which root. */
      readonly speaks: number | null
      /** The other's wall clock in its answer. */
      readonly dated: number
      readonly head: HeadOf | null
    }
  /** Somebody asked the node how a revocation spreads, and was shown this. */
  | {
      readonly ev: 'printed'
      readonly statement: number
      /** Who is said to have applied it. */
      readonly applied: readonly number[]
      /** From when no node allows what it covers; null where nothing bounds that yet. */
      readonly bound: number | null
      /** The node's clock. */
      readonly wall: number
      readonly speaks: number | null
    }
  /** The node asks a witness to cosign its head. */
  | { readonly ev: 'showed'; readonly head: HeadOf }
  /** The node cosigned a peer's head: the line left. */
  | { readonly ev: 'cosigned'; readonly of: number; readonly head: HeadOf }
  /** The node's own head is durable with the lines of these witnesses. */
  | { readonly ev: 'witnessed'; readonly head: HeadOf; readonly by: readonly number[] }
  /** A bit of its disk is another one now. Unseen: the hash beside it says nothing. */
  | { readonly ev: 'flipped'; readonly what: string; readonly unseen: boolean }
  /** It was read: what was written did not come back, or an error did. */
  | { readonly ev: 'read'; readonly what: string; readonly gave: 'wrong' | 'damage' }
  /** Its disk does not open, for damage. */
  | { readonly ev: 'unopened'; readonly says: string }
  /** What was written is there again: a mirror had the record, or somebody brought a sound copy of the disk. */
  | { readonly ev: 'repaired'; readonly what: string }
  /** A peer's checkpoint is durable here. */
  | { readonly ev: 'witness'; readonly of: number; readonly head: HeadOf }
  /** One that is not among the nodes asks the node: over which protocol. */
  | { readonly ev: 'asked'; readonly by: Did; readonly what: Protocol }
  /** The same is sent something: so many bytes, but for trust roots in the answer to a hello. */
  | {
      readonly ev: 'sent'
      readonly to: Did
      readonly what: Sent
      readonly bytes: number
      /** Statements that are told to who is cut; of others, none. */
      readonly told: readonly number[]
      /** The node's clock. */
      readonly wall: number
    }
  /** A connection to it began, or ended. */
  | { readonly ev: 'connected'; readonly to: Did; readonly open: boolean }
  /** The node made an invite: good until then, by its clock. It made it useless. */
  | { readonly ev: 'invited'; readonly invite: string; readonly untilMs: number }
  | { readonly ev: 'uninvited'; readonly invite: string }
  /** One that is not among the nodes brings the node an invite, that it made or another. */
  | { readonly ev: 'redeems'; readonly invite: string; readonly by: Did; readonly wall: number }
  /** In the heal phase, of one live node. */
  | {
      readonly ev: 'healed'
      readonly digest: string
      readonly held: readonly number[]
      readonly done: boolean
      readonly why: string | null
    }
  /** The log of a node as it is on its disk at the end. */
  | { readonly ev: 'readback'; readonly log: Leaves; readonly held: readonly number[] }
  | { readonly ev: 'problem'; readonly says: string }

export interface At {
  readonly t: number
  /** The place of the node; null for the harness. */
  readonly node: number | null
  readonly inc: number
}

export type Event = At & Happening

const HASHED_AT_ONCE = 64 * 1024

export class History {
  readonly #hash = createHash('sha256')
  readonly #readers: ((event: Event) => void)[] = []
  readonly #last: Event[] = []
  readonly #keep: number
  /** What is not hashed yet: much at a time costs little. */
  #text = ''
  count = 0

  /** @param keep how many of the last events are kept to be shown */
  constructor(keep = 40) {
    this.#keep = keep
  }

  onEvent(reader: (event: Event) => void): void {
    this.#readers.push(reader)
  }

  write(event: Event): void {
    this.count += 1
    this.#text += JSON.stringify(event)
    if (this.#text.length > HASHED_AT_ONCE) this.#digest()
    this.#last.push(event)
    if (this.#last.length > 2 * this.#keep) this.#last.splice(0, this.#keep)
    for (const read of this.#readers) read(event)
  }

  last(): readonly Event[] {
    return this.#last.slice(-this.#keep)
  }

  /** Equal for equal histories. Ends it. */
  digest(): string {
    this.#digest()
    return this.#hash.digest('hex').slice(0, 16)
  }

  #digest(): void {
    this.#hash.update(this.#text)
    this.#text = ''
  }
}

/** One line for a person. */
export function formatEvent({ t, node, inc, ev, ...rest }: Event): string {
  const who = node === null ? 'world' : `n${node}.${inc}`
  return `${t.toFixed(1).padStart(9)} ${who.padEnd(6)} ${ev.padEnd(8)} ${JSON.stringify(rest)}`
}
