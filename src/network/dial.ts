/**
 * One dial to a peer, and one hello on what it opened.
 */
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Did } from '../core/keys.ts'
import { ADDRESSES_PER_PEER_MAX, DIAL_TIMEOUT_MS } from '../core/limits.ts'
import { peerOfAddress } from '../core/peer-id.ts'
import { MeshError } from '../core/problems.ts'
import { meshErrorOf } from './errors.ts'
import type { Host } from './host.ts'
import type { Link, Links } from './links.ts'

export interface Dialling {
  readonly host: Host
  readonly links: Links<Connection>
}

/**
 * True when greeted, false when answered otherwise.
 * @throws MeshError TIMEOUT when nobody answered in time: asking again may help; else UNREACHABLE
 */
export async function dial(
  from: Dialling,
  peer: Did,
  addresses: readonly string[],
): Promise<boolean> {
  try {
    const link = await open(from, addresses)
    // libp2p gives what the peer opened, too: where the peer's own hello on it came to nothing, this node's is still to be said.
    if (link.direction === 'inbound' && !(await letIn(link)))
      return await (await open(from, addresses, true)).outcome.promise
    return await link.outcome.promise
  } catch (error) {
    const { code, message, cause } = meshErrorOf(error, peer)
    if (code === 'TIMEOUT') throw new MeshError(code, message, { cause })
    const hint = 'is meshd running there, and does its port let this host in?'
    throw new MeshError('UNREACHABLE', message, { cause, hint })
  }
}

/** @param anew whether what is open will not do */
async function open({ host, links }: Dialling, addresses: readonly string[], anew = false) {
  const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
  const connection = await host.dial(addresses.map(multiaddr), { signal, force: anew })
  // A dial that resolves means nothing yet: a listener that refuses closes a moment later.
  const link = links.of(connection)
  if (link === null) throw new Error('the connection ended')
  return link
}

/** Whether its hello let the peer in; one that ended before it did not. */
function letIn({ outcome }: Link<Connection>): Promise<boolean> {
  return outcome.promise.catch(() => false)
}

/** The addresses that demand this very peer; a dial to others would take anybody for it. */
export function usable(peer: Did, addresses: readonly string[]): readonly string[] {
  return addresses
    .filter((address) => {
      try {
        multiaddr(address)
        return peerOfAddress(address) === peer
      } catch {
        // Not an address, or not of this peer: it comes from afar, and the others may be good.
        return false
      }
    })
    .slice(0, ADDRESSES_PER_PEER_MAX)
}
