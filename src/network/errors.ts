/**
 * The errors of libp2p, mapped once: what a caller can do about them is one of
 * three things, whatever layer they come from (FACTS 3.3, 3.4).
 */
import type { Did } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'
import { stripControls } from '../core/text.ts'

const TIMEOUTS = new Set(['TimeoutError', 'AbortError'])
/** The peer said something, and it was not an answer. */
const INVALID = new Set([
  'InvalidDataLengthError',
  'InvalidDataLengthLengthError',
  'InvalidMessageLengthError',
  'UnexpectedEOFError',
  'StreamBufferError',
])
/** How a full peer looks: the stream opens, and the first write or read fails. */
const BUSY = new Set([
  'StreamResetError',
  'StreamStateError',
  'StreamClosedError',
  'TooManyOutboundProtocolStreamsError',
])
const DENIED = new Set(['DialDeniedError', 'ConnectionInterceptedError'])
/** Nothing libp2p understands: another service, or another version of it. */
const FOREIGN = new Set([
  'EncryptionFailedError',
  'InvalidMessageError',
  'UnsupportedProtocolError',
])
/** Wrapped, it has lost its name: `Unexpected EOF - stream closed while reading 0/1 bytes`. */
const EOF = 'Unexpected EOF'
/** `Payload identity key 12D3… does not match expected remote identity key 12D3…` */
const OTHER_KEY = 'does not match expected'
const REASON_CHARS_MAX = 200
/** What libp2p wraps: `connection error 10.0.0.7:4717: connect ECONNREFUSED 10.0.0.7:4717`. */
const SYSCALL = /\bconnect (E[A-Z]+) (\S+)$/
const SAYS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused on',
  EHOSTUNREACH: 'no route to',
  ENETUNREACH: 'no route to',
  ETIMEDOUT: 'no answer in time from',
}

export function meshErrorOf(error: unknown, peer: Did): MeshError {
  if (error instanceof MeshError) return error
  const { name } = innermost(error)
  const code = TIMEOUTS.has(name) ? 'TIMEOUT' : INVALID.has(name) ? 'INVALID_ANSWER' : 'UNREACHABLE'
  return new MeshError(code, `peer \`${peer}\`: ${reasonOf(error)}`, { cause: error })
}

/** Whether asking again a little later may help. */
export function looksBusy(error: unknown): boolean {
  return error instanceof Error && BUSY.has(error.name)
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** Of the addresses that were tried, the first: what it says of it. */
function innermost(thrown: unknown): Error {
  const error = asError(thrown)
  return error instanceof AggregateError && error.errors.length > 0
    ? innermost(error.errors[0])
    : error
}

/** One line for people. Some read as something else than they are. */
export function reasonOf(thrown: unknown): string {
  const error = innermost(thrown)
  if (TIMEOUTS.has(error.name)) return 'no answer in time'
  if (DENIED.has(error.name)) return 'refused here: suspended, revoked, or this node is isolated'
  if (error.name === 'UnexpectedEOFError' || error.message.startsWith(EOF))
    return 'closed without an answer'
  if (FOREIGN.has(error.name))
    return error.message.includes(OTHER_KEY)
      ? 'another node answers at its address'
      : 'what answers at its address does not speak as a node does'
  const [, code = '', at = ''] = SYSCALL.exec(error.message) ?? []
  const says = SAYS[code]
  if (says !== undefined) return stripControls(`${says} ${at}`).slice(0, REASON_CHARS_MAX)
  return stripControls(error.message).slice(0, REASON_CHARS_MAX)
}
