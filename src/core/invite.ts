/**
 * An invite: one line that admits one new node, redeemed at the node that made it.
 *
 *     meshd-invite:1:<base64url of canonical JSON>
 *     {"addrs":["/ip4/10.0.0.4/tcp/4717/p2p/12D3KooW…"],"mesh":"sha256:77aa…",
 *      "root":3,"secret":"<base64 of 32 bytes>"}
 *
 * The secret is a private key. Its maker keeps the public one alone, and who
 * redeems it proves that it has it without saying it. `root` is the version of
 * the trust root that the maker knew: an older one is no answer (row 125).
 */
import { assert } from './assert.ts'
import { fromBase64Url, toBase64, toBase64Url, utf8 } from './bytes.ts'
import { type StatementId, sha256Hex } from './id.ts'
import { formatJson, parseCanonical } from './json.ts'
import { type Did, publicKeyOf } from './keys.ts'
import { ADDRESS_BYTES_MAX, ADDRESSES_PER_PEER_MAX, INVITE_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { peerOfAddress } from './peer-id.ts'
import { base64, id, integer, list, object, text } from './shape.ts'

export interface Invite {
  /** Of the node that made it, each with /p2p/; at least one. */
  readonly addresses: readonly string[]
  readonly mesh: StatementId
  /** The lowest version of the trust root that is acceptable. */
  readonly root: number
  /** The seed of a key, 32 bytes. */
  readonly secret: Uint8Array
}

const HEAD = 'meshd-invite:'
const VERSION = '1:'
const SECRET_BYTES = 32
const fields = object({
  addrs: list(text(ADDRESS_BYTES_MAX), ADDRESSES_PER_PEER_MAX),
  mesh: id,
  root: integer(1, Number.MAX_SAFE_INTEGER),
  secret: base64,
})

export function isInvite(line: string): boolean {
  return line.startsWith(HEAD)
}

export function formatInvite({ addresses, mesh, root, secret }: Invite): string {
  assert(addresses.length > 0, 'an invite says where it is redeemed')
  const json = formatJson({ addrs: addresses, mesh, root, secret: toBase64(secret) })
  return HEAD + VERSION + toBase64Url(utf8(json))
}

/** The exact inverse of formatInvite. @throws Malformed */
export function parseInvite(line: string): Invite {
  if (!line.startsWith(HEAD)) throw new Malformed('an invite begins with `meshd-invite:`')
  if (!line.startsWith(HEAD + VERSION))
    throw new Malformed('the invite is of a version that is not known here')
  if (line.length > INVITE_BYTES_MAX) throw new Malformed('the invite is too long')
  const bytes = fromBase64Url(line.slice(HEAD.length + VERSION.length))
  const { addrs, mesh, root, secret } = fields(parseCanonical(bytes, INVITE_BYTES_MAX), 'invite')
  if (secret.length !== SECRET_BYTES) throw new Malformed('the secret of an invite has 32 bytes')
  makerOf(addrs)
  return { addresses: addrs, mesh, root, secret }
}

/** The one node that all its addresses name. @throws Malformed */
export function makerOf(addresses: readonly string[]): Did {
  const [maker, ...others] = new Set(addresses.map(peerOfAddress))
  if (maker === undefined) throw new Malformed('the invite has no address')
  if (others.length > 0) throw new Malformed('the addresses of an invite are of one node')
  return maker
}

/** What an invite is called: 8 hex digits, from the public key of its secret. */
export function inviteId(key: Did): string {
  return sha256Hex(publicKeyOf(key)).slice(0, 8)
}

/** The words in a member statement that say by which invite it came to be. */
export function inviteMessage(invite: string): string {
  return `invite ${invite}`
}
