/** The parts of a node that bring back what its disk had lost, and put back what was damaged. */
import { askLog } from './ask-log.ts'
import { Mend, type MendPorts } from './mend.ts'
import type { Deciding, Freshness, Knowledge, NodePorts } from './node-parts.ts'
import { Refetch } from './refetch.ts'
import { relearn } from './relearn.ts'

/** What brings back what this disk had lost. */
export function openRefetch(
  { clock, network, tell }: NodePorts,
  { log, announcer }: Knowledge,
  { boot }: Freshness,
  { nonces, executions }: Deciding,
): Refetch {
  const refetch = new Refetch({
    ...{ network, clock, log, boot },
    ask: (peer, request, signal) => askLog(network, peer, request, signal),
    relearn: (record) => relearn(record, clock.wallMs(), { nonces, executions }),
    problem: (what, error) => tell.problem(what, error),
  })
  announcer.onHeard((_, { node, timeMs }) => {
    if (node === network.self) refetch.heardSelf(timeMs)
  })
  return refetch
}

/** What puts back records that were damaged. */
export function openMend(
  { clock, network, store }: NodePorts,
  { log }: Knowledge,
  mended: MendPorts['mended'],
): Mend {
  const ask: MendPorts['ask'] = (peer, request, signal) => askLog(network, peer, request, signal)
  return new Mend({ clock, network, store, log, ask, mended })
}
