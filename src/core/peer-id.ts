/**
 * A node's key as libp2p writes it. A PeerId of an Ed25519 key is its public
 * key behind a fixed head, so it and the did are the same thing twice:
 *
 *   12D3KooW…  = base58btc(00 24 08 01 12 20 ‖ 32 bytes)
 *   /ip4/10.0.0.4/tcp/4717/p2p/12D3KooW…
 */
import { base58btc } from 'multiformats/bases/base58'
import { concat, equalBytes, fromHex } from './bytes.ts'
import { type Did, didOf, publicKeyOf } from './keys.ts'
import { Malformed } from './malformed.ts'

/** Identity multihash of 36 bytes: a protobuf of key type 1 and 32 bytes. */
const HEAD = fromHex('002408011220')
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/

export function formatPeerId(did: Did): string {
  return base58btc.baseEncode(concat(HEAD, publicKeyOf(did)))
}

/** @throws Malformed for other kinds of keys, and for keys that are not admitted */
export function parsePeerId(text: string): Did {
  if (!PEER_ID.test(text)) throw new Malformed('a peer id of an Ed25519 key is `12D3KooW…`')
  const bytes = base58btc.baseDecode(text)
  const head = bytes.subarray(0, HEAD.length)
  if (!equalBytes(head, HEAD)) throw new Malformed('a peer id is not of an Ed25519 key')
  return didOf(bytes.slice(HEAD.length))
}

/** Whose address it is: its last part says so, and must. A dial without it would take anybody for the peer (FACTS 3.3). @throws Malformed */
export function peerOfAddress(address: string): Did {
  const id = /\/p2p\/([^/]+)$/.exec(address)?.[1]
  if (id === undefined) throw new Malformed('an address of a peer ends in `/p2p/<its id>`')
  return parsePeerId(id)
}
