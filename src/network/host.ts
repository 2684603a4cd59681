/**
 * One libp2p node with the options that were found to matter (FACTS 3.7), each
 * with its reason there. No service that nothing uses: identify because
 * gossipsub demands it, ping for round trip times and dead connections.
 */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { DIAL_TIMEOUT_MS, STREAM_WINDOW_BYTES_MAX } from '../core/limits.ts'
import type { Clock } from '../mesh/ports.ts'
import { Gossip, type GossipPorts } from './gossip.ts'
import { throttled } from './throttle.ts'

export interface HostOptions {
  /** 32 bytes. */
  readonly seed: Uint8Array
  readonly clock: Clock
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  /** Known bad, or everybody while isolated: refused before and after encryption. */
  banned(peer: PeerId): boolean
  /** Refuses what comes in before its key is known. */
  closed(): boolean
  readonly gossip: GossipPorts
  readonly validators: ConstructorParameters<typeof Gossip>[2]
}

export type Host = Awaited<ReturnType<typeof createHost>>

const PING_MS = 5_000

/** Not started. */
export async function createHost(options: HostOptions) {
  const { seed, clock, listen, announce, banned, closed } = options
  const muxer = yamux({ streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX } })
  return createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    // What an outsider learns through identify names no version.
    nodeInfo: { name: 'meshd', version: '1', userAgent: 'meshd' },
    addresses: { listen: [...listen], announce: [...announce] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [throttled(muxer, clock)],
    connectionGater: {
      denyDialPeer: banned,
      denyInboundConnection: closed,
      denyInboundEncryptedConnection: banned,
      denyOutboundEncryptedConnection: banned,
    },
    connectionManager: {
      inboundConnectionThreshold: 200,
      maxIncomingPendingConnections: 200,
      reconnectRetries: 0,
      dialTimeout: DIAL_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: 1_000,
      inboundStreamProtocolNegotiationTimeout: 1_000,
    },
    connectionMonitor: {
      pingInterval: PING_MS,
      pingTimeout: { minTimeout: PING_MS, maxTimeout: 2 * PING_MS },
    },
    services: {
      identify: identify(),
      ping: ping(),
      gossip: (components: ConstructorParameters<typeof Gossip>[0]) =>
        new Gossip(components, options.gossip, options.validators),
    },
  })
}
