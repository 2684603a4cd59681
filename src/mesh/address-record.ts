/**
 * Where a node can be dialled, in its own words (design 9, network):
 *
 *     {"record":{"addresses":["/ip4/10.0.0.4/tcp/4717/p2p/12D3KooW…"],"node":"did:key:z6Mk…",
 *      "seq":1795528800000},"signature":"<base64>"}
 *
 * Signed by the node's identity key over "meshd/address/1\n" and the inner
 * JSON; of two records of one node the one with the higher number counts.
 */
import { concat, toBase64, utf8 } from '../core/bytes.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import { type Did, type Signer, verifySignature } from '../core/keys.ts'
import {
  ADDRESS_BYTES_MAX,
  ADDRESS_RECORD_BYTES_MAX,
  ADDRESS_SEQ_MAX,
  ADDRESSES_PER_PEER_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { peerOfAddress } from '../core/peer-id.ts'
import { base64, did, integer, list, object, text } from '../core/shape.ts'

export interface AddressRecord {
  readonly node: Did
  /** Each with its /p2p/, which names the node. */
  readonly addresses: readonly string[]
  readonly seq: number
}

const LINE = utf8('meshd/address/1\n')
const ADDRESSES = list(text(ADDRESS_BYTES_MAX), ADDRESSES_PER_PEER_MAX)
const fields = object({
  record: object({
    addresses: ADDRESSES,
    node: did,
    seq: integer(1, ADDRESS_SEQ_MAX),
  }),
  signature: base64,
})

export function signAddressRecord(record: AddressRecord, node: Signer): Uint8Array {
  const signature = toBase64(node.sign(signedBytes(record)))
  return utf8(formatJson({ record: { ...record }, signature }))
}

/** Reads it and verifies its signature. @throws Malformed also for one that its node did not sign */
export function openAddressRecord(bytes: Uint8Array): AddressRecord {
  const { record, signature } = fields(parseCanonical(bytes, ADDRESS_RECORD_BYTES_MAX), '')
  // Whom others dial because of it is its signer, never somebody else.
  if (record.addresses.some((address) => peerOfAddress(address) !== record.node))
    throw new Malformed('an address record holds an address of another node')
  if (!verifySignature(record.node, signedBytes(record), signature))
    throw new Malformed('an address record is not signed by its node')
  return record
}

function signedBytes(record: AddressRecord): Uint8Array {
  return concat(LINE, utf8(formatJson({ ...record })))
}
