/**
 * An invite as its maker keeps it; the secret is not in it.
 *
 *     invite/7f3a9c12   {"as":null,"expires":"…","key":"did:key:z6Mk…","labels":{},"member":null,
 *                        "name":"cygnus","redeemedBy":null,"revoked":false}
 */
import { toBase64, utf8 } from '../core/bytes.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { LABEL_BYTES_MAX, LABELS_MAX, STATEMENT_BYTES_MAX } from '../core/limits.ts'
import {
  base64,
  did,
  flag,
  formatTime,
  map,
  name,
  nullable,
  object,
  text,
  time,
} from '../core/shape.ts'
import { named } from '../core/statement/common.ts'

export interface InviteRecord {
  /** The public key of the secret. */
  readonly key: Did
  /** What the new node is to be called; null: what it calls itself. */
  readonly name: string | null
  readonly labels: ReadonlyMap<string, string>
  readonly expiresMs: number
  readonly revoked: boolean
  /** The one principal that it is bound to. */
  readonly redeemedBy: Did | null
  /** The name that was given. */
  readonly as: string | null
  /** The envelope that admits it. */
  readonly member: Uint8Array | null
}

const fields = object({
  as: nullable(name),
  expires: time,
  key: did,
  labels: named(map(text(LABEL_BYTES_MAX), LABELS_MAX)),
  member: nullable(base64),
  name: nullable(name),
  redeemedBy: nullable(did),
  revoked: flag,
})

export function formatInviteRecord({ expiresMs, labels, member, ...rest }: InviteRecord) {
  return utf8(
    formatJson({
      ...rest,
      expires: formatTime(expiresMs),
      labels: Object.fromEntries(labels),
      member: member === null ? null : toBase64(member),
    }),
  )
}

/** @throws Malformed */
export function parseInviteRecord(bytes: Uint8Array): InviteRecord {
  const { expires, ...rest } = fields(parseCanonical(bytes, 2 * STATEMENT_BYTES_MAX), 'invite')
  return { ...rest, expiresMs: expires }
}
