/** Giving up old records: what it would take away, and then that and nothing else. */
import type { PruneView } from '../client/search-types.ts'
import { LOG_RECORDS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import * as shape from '../core/shape.ts'
import { planPrune, prune } from '../mesh/prune.ts'
import { bodyOf } from './bodies.ts'
import { Gate } from './gate.ts'
import { ADMIN, type Ask, json, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView } from './view.ts'

const pruneBody = shape.object({
  before: shape.time,
  /** The end of the plan that was shown, for it to be carried out; null to be shown one. */
  to: shape.nullable(shape.integer(0, LOG_RECORDS_MAX)),
})

export function pruneRoutes(services: Services): readonly Route[] {
  const one = new Gate(1)
  return [
    {
      method: 'POST',
      path: '/v1/log/prune',
      roles: ADMIN,
      handle: async (ask) => {
        const view = await one.through(() => pruned(services, ask))
        return json(itemView('Prune', view, services.seenFrom()))
      },
    },
  ]
}

/** @throws MeshError USAGE, CONFLICT, NOT_READY */
async function pruned(services: Services, ask: Ask): Promise<PruneView> {
  const { node, clock } = services
  const { before, to } = bodyOf(ask, pruneBody)
  const retentionMs = services.retentionMs()
  if (before > clock.wallMs() - retentionMs)
    throw new MeshError('CONFLICT', `\`audit.retention\` keeps what is younger than that`, {
      hint: 'meshd config show, and name an earlier time',
    })
  const ports = {
    ...{ log: node.log, reader: node.reader },
    witnessedSize: () => node.records.witnessedSize,
  }
  const plan = await planPrune(ports, before)
  if (to !== null && to !== plan.to)
    throw new MeshError('CONFLICT', `it would be records below ${plan.to} now, not ${to}`, {
      hint: 'ask again',
    })
  if (to !== null && plan.to > plan.from) await prune(ports, plan, before, retentionMs)
  const { from, witnessed } = plan
  const done = to !== null
  return { from, to: plan.to, witnessed, size: node.reader.size, retentionMs, done }
}
