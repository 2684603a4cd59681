/**
 * What the node does, told to the operator's log and counted: ids and states,
 * never contents. Evidence is in the node's own log; this is for whoever looks.
 */
import type { Daemon } from '../daemon/daemon.ts'
import type { Logger } from '../daemon/logger.ts'
import type { Learned } from '../mesh/learned.ts'
import type { Metrics } from './metrics.ts'

export function keepJournal(daemon: Daemon, logger: Logger, metrics: Metrics): void {
  const { node, network, clock } = daemon
  network.onPeer((peer, greeted) => {
    if (greeted) logger.info('peer greeted', { peer })
    else logger.info('peer gone', { peer, why: network.lastError(peer) })
  })
  let { digest } = node.statements.governance
  node.statements.onChange((learned) => {
    logger.info('statement', fieldsOf(learned))
    if (learned.digest !== digest) metrics.digestChanged()
    digest = learned.digest
    if (learned.statement.type === 'revocation' && learned.state === 'effective')
      metrics.revocationApplied(Math.max(0, clock.wallMs() - learned.statement.issuedMs))
  })
  node.boot.onDone(() => logger.info('boot check done', { epoch: node.log.epoch }))
  node.log.onSealed((why) => {
    metrics.storageFailed()
    logger.error('the log is sealed', { why })
  })
  node.log.onDurable((records) => {
    for (const { type } of records) metrics.appended(type)
  })
}

function fieldsOf({ id, statement, state, from, via }: Learned) {
  return { id, type: statement.type, state, from, via }
}
