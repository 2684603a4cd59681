/** How things stand at a scrape, read from the daemon. */
import type { Daemon } from '../daemon/daemon.ts'
import type { MetricsSnapshot } from './metrics.ts'

const NOTHING: Omit<MetricsSnapshot, 'version'> = {
  ready: false,
  leaseRemainingMs: 0,
  leaseWitnesses: 0,
  statements: [],
  policies: [],
  evidence: 0,
  peers: {},
  executions: { running: 0, stopped: 0 },
  logSize: 0,
  logPublishedSize: 0,
  logWitnessedSize: 0,
  logMirroredSize: 0,
  copies: { logs: 0, bytes: 0 },
  logQueue: 0,
  diskReserveBytes: 0,
  clockOffsetMs: null,
}

/** @param daemon null while it opens */
export function snapshotOf(daemon: Daemon | null, version: string): MetricsSnapshot {
  if (daemon === null) return { ...NOTHING, version }
  const { node, network, clock } = daemon
  const lease = node.lease.status()
  const executions = node.executions.list()
  const running = executions.filter(({ state }) => state === 'running').length
  return {
    ready: node.notReady().length === 0,
    leaseRemainingMs: lease.held ? Math.max(0, lease.untilMs - clock.monotonicMs()) : 0,
    leaseWitnesses: lease.witnesses.length,
    statements: statementCounts(daemon),
    policies: [...node.statements.governance.bundles.values()].flatMap(({ bundle, inForce }) =>
      inForce === null ? [] : [{ bundle, version: inForce.version }],
    ),
    evidence: node.statements.governance.evidence.size,
    peers: {
      connected: network.peers().length,
      member: node.statements.governance.members.size,
      pending: node.door.pending().length,
    },
    executions: { running, stopped: executions.length - running },
    logSize: node.log.tree.size,
    logPublishedSize: node.publisher.size,
    logWitnessedSize: node.records.witnessedSize,
    logMirroredSize: node.records.mirroredSize,
    copies: node.mirror.held,
    logQueue: node.log.waiting,
    diskReserveBytes: node.low === null ? daemon.reserveBytes : 0,
    clockOffsetMs: lease.clockOffsetMs,
    version,
  }
}

function statementCounts({ node }: Daemon): MetricsSnapshot['statements'] {
  const counts = new Map<string, number>()
  for (const { statement, state } of node.statements.all()) {
    const key = `${statement.type} ${state}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts].map(([key, count]) => {
    const [type = '', state = ''] = key.split(' ')
    return { type, state, count }
  })
}
