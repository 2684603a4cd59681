/** Where events come from that are no records: what is told, and what is looked at. */
import { toHex } from '../core/bytes.ts'
import { type Checkpoint, readCheckpoint } from '../core/checkpoint.ts'
import type { Logger } from '../daemon/logger.ts'
import { EventHub } from './event-hub.ts'
import type { Look } from './event-stream.ts'
import { executionView } from './executions.ts'
import type { Services } from './services.ts'
import { leaseView } from './status.ts'

export interface EventSources {
  readonly hub: EventHub
  looks(): readonly Look[]
}

export function eventSources(services: Services, logger: Pick<Logger, 'onTrouble'>): EventSources {
  const { node, clock, network } = services
  const hub = new EventHub(node)
  node.executions.onChange((execution) => {
    const data = executionView(execution, clock.monotonicMs())
    hub.offer({ type: 'execution', data, owner: execution.owner })
  })
  network.onPeer((did, greeted) => {
    const why = greeted ? null : network.lastError(did)
    const data = { did, name: services.nameOf(did), state: greeted ? 'greeted' : 'gone', why }
    hub.offer({ type: 'peer', data, owner: null })
  })
  logger.onTrouble((data) => hub.offer({ type: 'problem', data, owner: null }))
  return { hub, looks: () => [leaseNow(services), ...checkpointsNow(services)] }
}

function leaseNow({ node, clock }: Services): Look {
  const data = leaseView(node.lease.status(), node.statements.governance, clock.monotonicMs())
  const { held, witnesses, need, of, why, clockTrusted } = data
  const key = JSON.stringify([held, witnesses, need, of, why, clockTrusted])
  return { name: 'lease', key, live: { type: 'lease', data, owner: null } }
}

/** The newest that was published, and the newest that a quorum cosigned. */
function checkpointsNow({ node }: Services): readonly Look[] {
  const published = node.publisher.checkpoint
  const witnessed = node.records.checkpoint?.checkpoint ?? null
  return [
    ...(published === null ? [] : [checkpointLook('published', readCheckpoint(published))]),
    ...(witnessed === null ? [] : [checkpointLook('witnessed', witnessed)]),
  ]
}

function checkpointLook(state: 'published' | 'witnessed', checkpoint: Checkpoint): Look {
  const { origin, size } = checkpoint
  const data = { state, origin, size, rootHash: toHex(checkpoint.rootHash) }
  return { name: state, key: `${origin} ${size}`, live: { type: 'checkpoint', data, owner: null } }
}
