/**
 * Admits a node: its three keys, its name and labels, until when (design 2).
 *
 *   {"expires":"…","issued":"…","labels":{"site":"a"},"log":"did:key:z6Mk…","mesh":"sha256:…",
 *    "name":"atlas","principal":"did:key:z6Mk…","root":1,"version":1,"witness":"did:key:z6Mk…",
 *    "witnessEligible":true}
 *
 * The keys differ: the name of a cosignature is not signed, so a log key that
 * also witnessed could vouch for itself (FACTS 11).
 */
import type { StatementId } from '../id.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Did } from '../keys.ts'
import { LABEL_BYTES_MAX, LABELS_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import { did, flag, formatTime, map, name, object, text, time } from '../shape.ts'
import { type Common, common, commonJson, commonOf, named, version } from './common.ts'

export interface Member extends Common {
  readonly type: 'member'
  /** Of its statements the highest counts. */
  readonly version: number
  readonly principal: Did
  /** Signs checkpoints. */
  readonly log: Did
  /** Signs answers and announcements. */
  readonly witness: Did
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly expiresMs: number
  readonly witnessEligible: boolean
}

const fields = object({
  ...common,
  version,
  principal: did,
  log: did,
  witness: did,
  name,
  labels: named(map(text(LABEL_BYTES_MAX), LABELS_MAX)),
  expires: time,
  witnessEligible: flag,
})

/** @throws Malformed */
export function readMember(id: StatementId, json: Json): Member {
  const read = fields(json, 'member')
  const { version, principal, log, witness, name, labels, expires, witnessEligible } = read
  if (new Set([principal, log, witness]).size < 3) {
    throw new Malformed('a member has three different keys')
  }
  if (expires <= read.issued) throw new Malformed('a membership ends after it was issued')
  const keys = { principal, log, witness }
  const rest = { version, name, labels, expiresMs: expires, witnessEligible }
  return { type: 'member', ...commonOf(id, read), ...keys, ...rest }
}

export function memberJson(draft: Omit<Member, 'id'>): JsonObject {
  const { version, principal, log, witness, name, labels, expiresMs, witnessEligible } = draft
  const keys = { principal, log, witness }
  const rest = { version, name, labels: Object.fromEntries(labels), witnessEligible }
  return { ...commonJson(draft), ...keys, ...rest, expires: formatTime(expiresMs) }
}
