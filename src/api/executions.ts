/**
 * Executions: decide and open, look, long-poll, close (INTERFACE 6). Only the
 * caller that opened one may watch and close it; to others it is not there.
 */
import type { ExecutionView } from '../client/types.ts'
import { isSha256Id } from '../core/id.ts'
import { EXECUTION_POLL_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { ownerOf } from '../daemon/caller.ts'
import type { Execution, Executions } from '../mesh/executions.ts'
import { bodyOf, outcomeBody, requestOf } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { type Ask, integerQuery, json, parameter, REMOTE, type Route } from './router.ts'

export interface ExecutionRoutePorts {
  readonly deciding: Deciding
  readonly executions: Executions
  readonly monotonicMs: () => number
}

export function executionRoutes(ports: ExecutionRoutePorts): readonly Route[] {
  const { deciding, executions, monotonicMs } = ports
  const show = (execution: Execution) => json(executionView(execution, monotonicMs()))
  return [
    {
      method: 'POST',
      path: '/v1/executions',
      roles: REMOTE,
      // A deny, of a malformed request too, is an answer and no HTTP error.
      handle: async (ask) => json(await deciding.decide(ask, requestOf(ask), true)),
    },
    {
      method: 'GET',
      path: '/v1/executions/{id}',
      roles: REMOTE,
      handle: (ask) => show(own(executions, ask)),
    },
    {
      method: 'GET',
      path: '/v1/executions/{id}/watch',
      roles: REMOTE,
      handle: async (ask) => {
        const { id } = own(executions, ask)
        const ms = integerQuery(ask, 'ms', EXECUTION_POLL_MS, EXECUTION_POLL_MS)
        return show(await executions.watch(id, ms, ask.signal))
      },
    },
    {
      method: 'POST',
      path: '/v1/executions/{id}/outcome',
      roles: REMOTE,
      handle: async (ask) => {
        const { id } = own(executions, ask)
        return json({ id: await executions.end(id, bodyOf(ask, outcomeBody)) })
      },
    },
  ]
}

/** @throws MeshError NOT_FOUND, also for somebody else's */
function own(executions: Executions, ask: Ask): Execution {
  const id = parameter(ask, 'id')
  const execution = isSha256Id(id) ? executions.get(id) : null
  if (execution === null || (ask.role !== 'admin' && execution.owner !== ownerOf(ask.caller))) {
    throw new MeshError('NOT_FOUND', `no execution \`${id}\` runs here`)
  }
  return execution
}

export function executionView(execution: Execution, monotonicMs: number): ExecutionView {
  const { id, state, leaseUntilMs, stop, outcome } = execution
  return {
    id,
    state,
    leaseRemainingMs:
      leaseUntilMs === null ? null : Math.max(0, Math.floor(leaseUntilMs - monotonicMs)),
    stop: stop === null ? null : { code: stop.code, detail: stop.detail, statement: null },
    outcome,
  }
}
