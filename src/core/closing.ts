/**
 * Closing an artifact: an invocation from what it shall say to its signature,
 * which may be made elsewhere.
 *
 *   fields → message → signature → token
 *
 * A payload ends with its nonce: canonical CBOR sorts keys by their length, and
 * no other key of an invocation is as long and sorts behind `nonce`. So the
 * message of a question that is asked again is the last one with other 12 bytes
 * at its end.
 *
 *   a2 61 68 48 … 6e "ucan/inv@1.0.0" a8 63 "aud" … 65 "nonce" 4c <12 bytes>
 */
import { assert } from './assert.ts'
import { equalBytes } from './bytes.ts'
import { commandOf } from './command.ts'
import type { Cid, RecordId } from './id.ts'
import { type Asked, type Invocation, parseInvocation } from './invocation.ts'
import { cidLink, recordLink } from './ipld.ts'
import type { JsonObject } from './json.ts'
import type { Did, Signer } from './keys.ts'
import { TOKEN_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { messageOf, sealedBytes, sealMessage } from './ucan.ts'

/** What the invoker decides; iss is the signer, and the command is that of the action. */
export interface InvocationFields {
  readonly aud: Did
  readonly sub: Did
  readonly asked: Asked
  readonly prf: readonly Cid[]
  readonly nonce: Uint8Array
  readonly expS: number
  readonly iatS: number | null
  readonly cause: RecordId | null
  readonly meta: JsonObject
}

/** An invocation that lacks its signature. */
export interface Unsigned extends Omit<Invocation, 'cid' | 'bytes'> {
  /** What is to be signed. */
  readonly message: Uint8Array
}

/** @throws Malformed when it would be too large */
export function prepare(fields: InvocationFields, iss: Did): Unsigned {
  const { aud, sub, asked, prf, nonce, expS, iatS, cause, meta } = fields
  const { action, resource, subject, args: inner } = asked
  const cmd = commandOf(action)
  const args: JsonObject = {
    action,
    resource: { type: resource.type, id: resource.id },
    args: inner,
    ...(subject === null ? {} : { subject: { type: subject.type, id: subject.id } }),
  }
  const message = messageOf('inv', {
    ...{ iss, aud, sub, cmd, args, nonce },
    prf: prf.map(cidLink),
    exp: expS,
    ...(iatS === null ? {} : { iat: iatS }),
    ...(cause === null ? {} : { cause: recordLink(cause) }),
    ...(Object.keys(meta).length === 0 ? {} : { meta }),
  })
  if (sealedBytes(message) > TOKEN_BYTES_MAX) throw new Malformed('the invocation is too large')
  return { ...fields, iss, cmd, args, message }
}

/** The same with another nonce, without printing it again. */
export function prepareAgain(last: Unsigned, nonce: Uint8Array): Unsigned {
  assert(nonce.length === last.nonce.length, 'a nonce takes the place of another')
  const at = last.message.length - nonce.length
  assert(equalBytes(last.message.subarray(at), last.nonce), 'a message ends with its nonce')
  const message = last.message.slice()
  message.set(nonce, at)
  return { ...last, nonce, message }
}

/** The invocation itself, without reading its bytes again: for the node that will judge it, which has read what is asked. @param signature of iss over the message */
export function seal({ message, ...rest }: Unsigned, signature: Uint8Array): Invocation {
  return { ...rest, ...sealMessage(message, signature, rest.iss) }
}

/** Prepares, signs and seals. @throws Malformed */
export function closeWith(fields: InvocationFields, signer: Signer): Invocation {
  const unsigned = prepare(fields, signer.did)
  return seal(unsigned, signer.sign(unsigned.message))
}

/** The bytes alone; what parseInvocation would refuse is refused here. @throws Malformed */
export function signInvocation(fields: InvocationFields, signer: Signer): Uint8Array {
  const { bytes } = closeWith(fields, signer)
  parseInvocation(bytes)
  return bytes
}
