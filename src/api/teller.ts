/** What the node tells: to the operator's log, and counted. */
import type { Logger } from '../daemon/logger.ts'
import type { NodeTeller } from '../mesh/node.ts'
import type { Metrics } from './metrics.ts'

export function tellerOf(logger: Logger, metrics: Metrics): NodeTeller {
  return {
    problem: (what, error) =>
      logger.warning(what, {
        error: error instanceof Error ? error.message : JSON.stringify(error),
      }),
    // Counted where it is answered, with the adapter that asked (deciding.ts).
    decided: () => {},
    gossiped: (topic, { verdict }) => metrics.gossiped(topic, verdict),
    cosigned: (side, answer) =>
      metrics.cosigned(side, answer.say === 'refused' ? answer.why : answer.say),
    committed: (records, ms) => metrics.committed(records, ms),
    synced: ({ sentBytes, receivedBytes }, failure) =>
      metrics.synced(failure === null ? 'ok' : 'failed', sentBytes + receivedBytes),
  }
}
