/**
 * The fields that delegations and invocations share, read under the strict
 * profile. Messages name the field and never its value, which nobody has verified yet.
 */
import { parseCommand } from './command.ts'
import { jsonOf } from './ipld.ts'
import { type Did, parseDid } from './keys.ts'
import { TIME_S_MAX, TOKEN_NONCE_BYTES_MAX, TOKEN_NONCE_BYTES_MIN } from './limits.ts'
import { Malformed } from './malformed.ts'
import { type Meta, readMeta } from './meta.ts'

type Payload = ReadonlyMap<string, unknown>

/** @throws Malformed */
export function didAt(payload: Payload, field: string): Did {
  const value = payload.get(field)
  // A null `sub` is UCAN's powerline, a null `aud` nobody's: both are refused.
  if (typeof value !== 'string') throw new Malformed(`\`${field}\` is a did:key`)
  return parseDid(value)
}

/** @throws Malformed */
export function commandAt(payload: Payload): string {
  const value = payload.get('cmd')
  if (typeof value !== 'string') throw new Malformed('`cmd` is a text')
  return parseCommand(value)
}

/** Whole seconds since 1970; null, UCAN's "never", is refused. @throws Malformed */
export function timeAt(payload: Payload, field: string): number {
  const value = payload.get(field)
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > TIME_S_MAX) {
    throw new Malformed(`\`${field}\` is a time in whole seconds`)
  }
  return value
}

/** @throws Malformed */
export function nonceAt(payload: Payload): Uint8Array {
  const value = payload.get('nonce')
  if (!(value instanceof Uint8Array)) throw new Malformed('`nonce` is bytes')
  if (value.length < TOKEN_NONCE_BYTES_MIN || value.length > TOKEN_NONCE_BYTES_MAX) {
    throw new Malformed('`nonce` is too short or too long')
  }
  return value
}

/** @throws Malformed */
export function metaAt(payload: Payload, kind: 'dlg' | 'inv'): Meta {
  return readMeta(payload.has('meta') ? jsonOf(payload.get('meta'), 'meta') : {}, kind)
}
