/** `GET /v1/status`: this node, what it holds, whom it knows, and why it fails closed, if it does. */
import type { BundleView, LeaseView, StatusView } from '../client/types.ts'
import type { BundleState, Governance, Revocations } from '../core/governance.ts'
import type { LeaseStatus } from '../core/lease.ts'
import { formatTime } from '../core/shape.ts'
import { peerViews } from './peers.ts'
import { ANY, json, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView, modeText } from './view.ts'

export function statusRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/status',
      roles: ANY,
      handle: ({ role }) => {
        const status = statusOf(services)
        // Who may ask for decisions learns how this node stands, and nothing of the others.
        const shown = role === 'decide' ? { ...status, peers: [], listen: [], sockets: [] } : status
        return json(itemView('Status', shown, services.seenFrom()))
      },
    },
  ]
}

export function statusOf(services: Services): StatusView {
  const { node, network, clock } = services
  const { governance } = node.statements
  const { root, mesh } = governance
  const notReady = node.notReady()
  return {
    node: {
      name: services.name,
      did: node.self,
      pid: services.pid,
      version: services.version,
      startedAt: formatTime(services.startedAtMs),
    },
    ready: notReady.length === 0,
    notReady: notReady.map(({ code, detail }) => `${code}: ${detail}`),
    alone: root?.witnesses.length === 1 && root.witnesses[0] === node.self,
    mesh: mesh === null || root === null ? null : { id: mesh, name: root.mesh },
    root:
      root === null
        ? null
        : { version: root.version, id: root.id, expiresAt: formatTime(root.expiresMs) },
    governance: governanceOf(services, governance),
    lease: leaseView(node.lease.status(), governance, clock.monotonicMs()),
    log: logOf(services),
    listen: network.addresses(),
    sockets: services.sockets().map(({ path, mode }) => ({ path, mode: modeText(mode) })),
    peers: peerViews(services),
    isolated: services.isolated(),
    executions: node.executions.count,
  }
}

function governanceOf({ node, clock }: Services, governance: Governance): StatusView['governance'] {
  const bundles = bundleViews(governance, clock.wallMs())
  return {
    digest: governance.digest,
    size: governance.size,
    revocations: governance.revocations.size,
    freezes: [...governance.freezes.values()].filter(({ frozen }) => frozen).length,
    bundles,
    conflicts: bundles.filter(({ conflict }) => conflict !== null).length,
    evidence: governance.evidence.size,
    pending: node.pendingCount(),
    disputed: governance.disputed,
  }
}

export function bundleViews(
  { bundles, revocations }: Governance,
  nowMs: number,
): readonly BundleView[] {
  return [...bundles.values()]
    .map((each) => bundleView(each, revocations, nowMs))
    .sort((a, b) => (a.bundle < b.bundle ? -1 : 1))
}

function bundleView(
  { bundle, inForce, observed, conflict }: BundleState,
  revocations: Revocations,
  nowMs: number,
): BundleView {
  const found = inForce === null ? null : revocations.policy(bundle, inForce.version)
  return {
    bundle,
    version: inForce?.version ?? null,
    mode: inForce?.mode ?? observed?.mode ?? null,
    id: inForce?.id ?? null,
    observing: observed?.version ?? null,
    revoked: found !== null && nowMs < found.untilMs ? found.id : null,
    conflict,
  }
}

export function leaseView(
  lease: LeaseStatus,
  { root }: Governance,
  monotonicMs: number,
): LeaseView {
  return {
    held: lease.held,
    witnesses: lease.witnesses.length,
    need: lease.need,
    of: lease.of,
    remainingMs: lease.held ? Math.max(0, Math.floor(lease.untilMs - monotonicMs)) : null,
    stalenessMs: root?.lease.stalenessMs ?? 0,
    skewMs: root?.lease.skewMs ?? 0,
    why: lease.why,
    clockOffsetMs: lease.clockOffsetMs,
    clockTrusted: lease.clockTrusted,
  }
}

function logOf({ node }: Services): StatusView['log'] {
  const { log, publisher, scrub } = node
  const { restored } = node.refetch
  return {
    origin: node.origin(),
    epoch: log.epoch,
    size: log.tree.size,
    published: publisher.size,
    witnessed: node.records.witnessedSize,
    mirrored: node.mirroring.wanted === 0 ? null : node.records.mirroredSize,
    sealed: log.sealed,
    restored:
      restored === null
        ? node.mend.mended.length
        : restored.to - restored.from + node.mend.mended.length,
    scrubbed: scrub.percent,
    low: node.low !== null,
  }
}
