/**
 * The frames of `/meshd/state/1`: a question with a nonce, and the answer that
 * a node signs about its governance. Canonical JSON; parsing is the exact
 * inverse of formatting.
 *
 *     {"ids":["sha256:0a77…"],"nonce":"<base64>","own":false}
 *
 *     {"answer":{"checked":true,"checkpoint":null,"closed":1,"digest":"5c1e…",
 *      "held":[true],"incarnation":"<base64>","mesh":"sha256:…","node":"did:key:…",
 *      "nonce":"<base64>","opened":1,"root":3,"size":41,
 *      "time":"2026-11-24T14:03:10.000Z","yours":null},"signature":"<base64>"}
 *
 * Signed by the node's witness key over "meshd/state/1\n" and the inner JSON. A
 * node that has not finished its boot check may have forgotten what it once
 * said: it signs under a line of its own, and no lease takes that for a voice.
 */
import { concat, toBase64, utf8 } from '../core/bytes.ts'
import type { Governance } from '../core/governance.ts'
import type { StatementId } from '../core/id.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import { type Did, type Signer, verifySignature } from '../core/keys.ts'
import { CHECKPOINT_BYTES_MAX, FRAME_BYTES_MAX, HELD_IDS_MAX } from '../core/limits.ts'
import {
  base64,
  did,
  flag,
  formatTime,
  hash,
  id,
  integer,
  list,
  nonce,
  nullable,
  object,
  text,
  time,
} from '../core/shape.ts'

export interface StateQuestion {
  /** NONCE_BYTES, base64: no answer fits two questions. */
  readonly nonce: string
  /** Which of these does the other hold. */
  readonly ids: readonly StatementId[]
  /** Whether the asker wants its own newest checkpoint, as the other knows it. */
  readonly own: boolean
}

export interface StateAnswer {
  readonly mesh: StatementId
  readonly node: Did
  readonly nonce: string
  /**
   * Drawn anew at each of its starts, NONCE_BYTES in base64: within one its
   * state only grows; from one to the next its disk may have been set back.
   */
  readonly incarnation: string
  /** Whether its boot check is done; it decides the line that is signed. */
  readonly checked: boolean
  /** Version of its newest root. */
  readonly root: number
  /** 64 hex digits. */
  readonly digest: string
  /** Effective statements. */
  readonly size: number
  /** The newest root version whose terms it speaks under as a witness; 0 for none (handover.ts). */
  readonly opened: number
  /** It never speaks again under a root older than this version. */
  readonly closed: number
  /** The newest published checkpoint of its log, a signed note. */
  readonly checkpoint: string | null
  readonly timeMs: number
  /** For each id of the question. */
  readonly held: readonly boolean[]
  /** The newest checkpoint it knows of the asker's log. */
  readonly yours: string | null
}

export interface SignedStateAnswer {
  readonly answer: StateAnswer
  readonly signature: Uint8Array
}

const CHECKED = utf8('meshd/state/1\n')
const UNCHECKED = utf8('meshd/state/unchecked/1\n')

const VERSION = integer(0, Number.MAX_SAFE_INTEGER)
const NOTE = nullable(text(CHECKPOINT_BYTES_MAX))
const QUESTION = object({ ids: list(id, HELD_IDS_MAX), nonce, own: flag })
const ANSWER = object({
  answer: object({
    checked: flag,
    checkpoint: NOTE,
    closed: VERSION,
    digest: hash,
    held: list(flag, HELD_IDS_MAX),
    incarnation: nonce,
    mesh: id,
    node: did,
    nonce,
    opened: VERSION,
    root: integer(1, Number.MAX_SAFE_INTEGER),
    size: VERSION,
    time,
    yours: NOTE,
  }),
  signature: base64,
})

export function formatStateQuestion(question: StateQuestion): Uint8Array {
  return utf8(formatJson({ ...question }))
}

/** @throws Malformed */
export function parseStateQuestion(bytes: Uint8Array): StateQuestion {
  return QUESTION(parseCanonical(bytes, FRAME_BYTES_MAX), '')
}

export function signStateAnswer(answer: StateAnswer, witness: Signer): Uint8Array {
  // Printed once: what is signed is a part of what is sent.
  const text = formatJson(jsonOf(answer))
  const signature = toBase64(witness.sign(concat(domainOf(answer), utf8(text))))
  return utf8(`{"answer":${text},"signature":"${signature}"}`)
}

/** Says nothing about the signature. @throws Malformed */
export function parseStateAnswer(bytes: Uint8Array): SignedStateAnswer {
  const { answer, signature } = ANSWER(parseCanonical(bytes, FRAME_BYTES_MAX), '')
  const { time: timeMs, ...rest } = answer
  return { answer: { ...rest, timeMs }, signature }
}

/** By the witness key that the node's own member statement names. */
export function verifyStateAnswer(signed: SignedStateAnswer, governance: Governance): boolean {
  const witness = governance.members.get(signed.answer.node)?.witness
  return (
    witness !== undefined && verifySignature(witness, signedBytes(signed.answer), signed.signature)
  )
}

function jsonOf({ timeMs, yours, ...rest }: StateAnswer) {
  return { ...rest, time: formatTime(timeMs), yours }
}

function domainOf({ checked }: StateAnswer): Uint8Array {
  return checked ? CHECKED : UNCHECKED
}

function signedBytes(answer: StateAnswer): Uint8Array {
  return concat(domainOf(answer), utf8(formatJson(jsonOf(answer))))
}
