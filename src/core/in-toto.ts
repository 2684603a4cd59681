/**
 * An in-toto Statement v1 in its DSSE envelope, as build systems write it:
 *
 *   {"payload":"<base64>","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"…","sig":"<base64 of 64 bytes>"}]}
 *
 *   {"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1","predicate":{…},
 *    "subject":[{"name":"planner","digest":{"sha256":"<64 hex digits>"}}]}
 *
 * Others write it, so it need not be canonical, and fields that are not known
 * are left alone; but what has two meanings is refused. `keyid` is signed by
 * nobody: each signature is tried with each key that is trusted, and nothing
 * is read out of the payload before one of them is good.
 */
import { fromBase64 } from './bytes.ts'
import { preAuthentication } from './dsse.ts'
import { type Json, type JsonObject, parseJson } from './json.ts'
import { type Did, verifySignature } from './keys.ts'
import {
  ATTESTATION_BYTES_MAX,
  ATTESTATION_SIGNATURES_MAX,
  ATTESTATION_SUBJECTS_MAX,
  ATTESTATION_TYPE_CHARACTERS_MAX,
} from './limits.ts'
import { Malformed } from './malformed.ts'
import { isList, isMap } from './selector.ts'

export interface Attestation {
  /** What it says of its subjects, a URI. */
  readonly predicateType: string
  /** sha256, hex. */
  readonly subjects: ReadonlySet<string>
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

/** @throws Malformed, also when none of the keys has signed it */
export function parseAttestation(bytes: Uint8Array, keys: readonly Did[]): Attestation {
  const envelope = mapOf(parseJson(bytes, ATTESTATION_BYTES_MAX), 'the envelope')
  if (textAt(envelope, 'payloadType') !== PAYLOAD_TYPE)
    throw new Malformed(`the payload type is not ${PAYLOAD_TYPE}`)
  const payload = fromBase64(textAt(envelope, 'payload'))
  const message = preAuthentication(PAYLOAD_TYPE, payload)
  const signatures = listAt(envelope, 'signatures', ATTESTATION_SIGNATURES_MAX).map((each) =>
    fromBase64(textAt(mapOf(each, 'a signature'), 'sig')),
  )
  const signed = signatures.some((each) => keys.some((key) => verifySignature(key, message, each)))
  if (!signed) throw new Malformed('it is signed by no key that is trusted')
  return readStatement(parseJson(payload, ATTESTATION_BYTES_MAX))
}

function readStatement(json: Json): Attestation {
  const statement = mapOf(json, 'the statement')
  if (textAt(statement, '_type') !== STATEMENT_TYPE)
    throw new Malformed(`it is no ${STATEMENT_TYPE}`)
  const predicateType = textAt(statement, 'predicateType')
  if (predicateType.length > ATTESTATION_TYPE_CHARACTERS_MAX || !/^[!-~]+$/.test(predicateType))
    throw new Malformed('the predicate type is no URI')
  const subjects = listAt(statement, 'subject', ATTESTATION_SUBJECTS_MAX).flatMap(digestsOf)
  return { predicateType, subjects: new Set(subjects) }
}

/** Subjects of other hashes alone are none here. */
function digestsOf(json: Json): readonly string[] {
  const digest = mapOf(mapOf(json, 'a subject')['digest'], 'the digest of a subject')
  const sha256 = Object.hasOwn(digest, 'sha256') ? digest['sha256'] : undefined
  if (sha256 === undefined) return []
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw new Malformed('a sha256 is 64 hex digits, in lower case')
  return [sha256]
}

function mapOf(value: Json | undefined, what: string): JsonObject {
  if (value === undefined || !isMap(value)) throw new Malformed(`${what} is no object`)
  return value
}

function textAt(from: JsonObject, key: string): string {
  const value = from[key]
  if (typeof value !== 'string') throw new Malformed(`\`${key}\` is no text`)
  return value
}

function listAt(from: JsonObject, key: string, max: number): readonly Json[] {
  const value = from[key]
  if (value === undefined || !isList(value)) throw new Malformed(`\`${key}\` is no list`)
  if (value.length > max) throw new Malformed(`\`${key}\` has more than ${max} items`)
  return value
}
