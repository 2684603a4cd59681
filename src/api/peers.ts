/** Peers: whom this node knows, how it becomes known, and whom it forgets. */
import type { PeerState, PeerView } from '../client/peer-types.ts'
import type { Did } from '../core/keys.ts'
import { ARTIFACT_BYTES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import * as shape from '../core/shape.ts'
import { scopeKey } from '../core/statement/freeze.ts'
import type { PendingPeer } from '../mesh/pending-peers.ts'
import type { PeerLink } from '../mesh/ports.ts'
import { bodyOf } from './bodies.ts'
import { ADMIN, json, parameter, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView, listView } from './view.ts'

const joinBody = shape.object({
  target: shape.text(ARTIFACT_BYTES_MAX),
  mesh: shape.nullable(shape.id),
})

export function peerRoutes(services: Services): readonly Route[] {
  const { node } = services
  return [
    {
      method: 'GET',
      path: '/v1/peers',
      roles: READ,
      handle: () => json(listView('PeerList', peerViews(services), services.seenFrom())),
    },
    {
      method: 'GET',
      path: '/v1/peers/{node}',
      roles: READ,
      handle: (ask) =>
        json(itemView('Peer', peerNamed(services, parameter(ask, 'node')), services.seenFrom())),
    },
    {
      method: 'POST',
      path: '/v1/peers',
      roles: ADMIN,
      // @throws MeshError UNREACHABLE, TIMEOUT, WRONG_MESH, CONFLICT, NOT_ADMITTED, USAGE, INVALID_ANSWER
      handle: async (ask) => {
        const { target, mesh } = bodyOf(ask, joinBody)
        return json(await node.join(target, { mesh }))
      },
    },
    {
      method: 'DELETE',
      path: '/v1/peers/{node}',
      roles: ADMIN,
      handle: async (ask) => {
        const { did, state } = peerNamed(services, parameter(ask, 'node'))
        if (state === 'self')
          throw new MeshError('USAGE', 'a node does not forget itself', { hint: 'meshd peer list' })
        await node.addresses.remove(did as Did)
        return json({ did })
      },
    },
  ]
}

/** By name where exactly one bears it, or by did:key. @throws MeshError NOT_FOUND, AMBIGUOUS */
export function peerNamed(services: Services, text: string): PeerView {
  const found = peerViews(services).filter(({ did, name }) => did === text || name === text)
  const [first] = found
  if (first === undefined)
    throw new MeshError('NOT_FOUND', `no node here is called \`${text}\``, {
      hint: 'meshd peer list',
    })
  if (found.length > 1)
    throw new MeshError('AMBIGUOUS', `\`${text}\` is ${found.map(({ did }) => did).join(' or ')}`)
  return first
}

/** This node first, then members by name, then who waits at the door. */
export function peerViews(services: Services): readonly PeerView[] {
  const { node, network } = services
  const links = new Map(network.peers().map((link) => [link.peer, link]))
  const waiting = new Map(node.door.pending().map((pending) => [pending.peer, pending]))
  const members = node.statements.governance.members.keys()
  const dids = new Set<Did>([node.self, ...members, ...waiting.keys()])
  const views = [...dids].map((did) =>
    peerView(services, did, links.get(did) ?? null, waiting.get(did) ?? null),
  )
  const [self, ...rest] = views
  const sorted = rest.sort((a, b) => ((a.name ?? a.did) < (b.name ?? b.did) ? -1 : 1))
  return self === undefined ? [] : [self, ...sorted]
}

function peerView(
  services: Services,
  did: Did,
  link: PeerLink | null,
  waiting: PendingPeer | null,
): PeerView {
  const { node, network } = services
  const { governance } = node.statements
  const member = governance.members.get(did) ?? null
  const state = stateOf(services, did, waiting !== null)
  const witness = governance.root?.witnesses.includes(did) === true
  const keys = member ?? waiting
  return {
    did,
    name: state === 'self' ? services.name : (member?.name ?? waiting?.name ?? null),
    state,
    role: member === null ? null : witness ? 'witness' : 'member',
    keys: keys === null ? null : { log: keys.log, witness: keys.witness },
    link: link === null ? null : { address: link.address, direction: link.direction },
    rttMs: link?.rttMs ?? null,
    addresses: state === 'self' ? network.addresses() : node.addresses.of(did),
    heard: heardOf(services, did),
    witnessed: witnessedOf(services, did),
    behind: node.behind(did),
    expiresAt: member === null ? null : shape.formatTime(member.expiresMs),
    labels: Object.fromEntries(member?.labels ?? []),
    evidence: evidenceOf(services, did),
    lastSeenAt: seenAt(services, did),
    lastError: link === null && state !== 'self' ? network.lastError(did) : null,
  }
}

function stateOf({ node, clock }: Services, did: Did, waiting: boolean): PeerState {
  if (did === node.self) return 'self'
  const { governance } = node.statements
  const revoked =
    governance.revocations.did('node', did) ?? governance.revocations.did('principal', did)
  if (revoked !== null && clock.wallMs() < revoked.untilMs) return 'revoked'
  if (governance.freezes.get(scopeKey({ kind: 'node', did }))?.frozen === true) return 'suspended'
  if (governance.distrusted.has(did)) return 'distrusted'
  if (governance.members.has(did)) return 'member'
  return waiting ? 'pending' : 'unknown'
}

function evidenceOf({ node }: Services, did: Did): PeerView['evidence'] {
  return [...node.statements.governance.evidence.values()]
    .filter(({ evidence }) => evidence.node === did)
    .map(({ evidence: { id, epoch, firstSize, secondSize }, lifted }) => ({
      ...{ id, epoch, lifted },
      sizes: [firstSize, secondSize] as const,
    }))
    .sort((a, b) => b.epoch - a.epoch)
}

function heardOf({ node, clock }: Services, did: Did): PeerView['heard'] {
  if (did === node.self) return ownWord(node, clock.wallMs())
  const word = node.heard.last(did)
  if (word === null) return null
  const { digest, size, rootVersion, logSize, epoch, clockOffsetMs, atMs } = word
  const at = shape.formatTime(Math.floor(atMs))
  return { digest, size, rootVersion, logSize, epoch, clockOffsetMs: Math.round(clockOffsetMs), at }
}

function witnessedOf({ node }: Services, did: Did): PeerView['witnessed'] {
  const newest = did === node.self ? node.records.checkpoint : node.cosigned.newest(did)
  if (newest === null) return null
  const { epoch, checkpoint, cosignatures } = newest
  return {
    ...{ epoch, size: checkpoint.size },
    by: cosignatures.map(({ witness }) => witness).sort(),
    at: shape.formatTime(Math.max(...cosignatures.map(({ timeMs }) => timeMs))),
  }
}

function ownWord({ statements, log }: Services['node'], wallMs: number): PeerView['heard'] {
  const { digest, size, root } = statements.governance
  return {
    digest,
    size,
    rootVersion: root?.version ?? 0,
    logSize: log.tree.size,
    epoch: log.epoch,
    clockOffsetMs: 0,
    at: shape.formatTime(Math.floor(wallMs)),
  }
}

function seenAt({ node }: Services, did: Did): string | null {
  const word = node.heard.last(did)
  return word === null ? null : shape.formatTime(Math.floor(word.atMs))
}
