/**
 * Executions: decide and open, list, look, long-poll, close (INTERFACE 6). Only
 * the caller that opened one may watch and close it; to others it is not there.
 * Whoever may read everything sees which there are.
 */
import type { RunningView } from '../client/execution-types.ts'
import type { ExecutionView } from '../client/types.ts'
import { isSha256Id } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { EXECUTION_POLL_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { ownerOf } from '../daemon/caller.ts'
import type { Execution, Executions } from '../mesh/executions.ts'
import { bodyOf, outcomeBody, processBody, requestOf } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import {
  ANY,
  type Ask,
  DECIDE,
  integerQuery,
  json,
  parameter,
  REMOTE,
  type Route,
} from './router.ts'
import { listView, type SeenFrom } from './view.ts'

export interface ExecutionRoutePorts {
  readonly deciding: Deciding
  readonly executions: Executions
  readonly monotonicMs: () => number
  nameOf(did: Did): string | null
  seenFrom(): SeenFrom
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
      path: '/v1/executions',
      roles: ANY,
      handle: (ask) => {
        const shown = executions.list().filter((each) => sees(ask, each))
        const items = shown.map((each) => runningView(each, ports))
        return json(listView('ExecutionList', items, ports.seenFrom()))
      },
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
      path: '/v1/executions/{id}/process',
      roles: DECIDE,
      handle: (ask) => {
        const { id } = own(executions, ask)
        executions.started(id, bodyOf(ask, processBody))
        return json({ id })
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
  if (execution === null || !sees(ask, execution)) {
    throw new MeshError('NOT_FOUND', `no execution \`${id}\` runs here`)
  }
  return execution
}

function sees({ role, caller }: Ask, { owner }: Execution): boolean {
  return role === 'admin' || role === 'read' || owner === ownerOf(caller)
}

export function runningView(
  {
    id,
    state,
    about,
    openedMs,
    leaseUntilMs,
    process,
  }: Omit<Execution, 'owner' | 'stop' | 'outcome'>,
  { monotonicMs, nameOf }: Pick<ExecutionRoutePorts, 'monotonicMs' | 'nameOf'>,
): RunningView {
  const { principal, action, resource } = about
  const nowMs = monotonicMs()
  return {
    ...{ id, state, principal, action, resource, process },
    principalName: principal === null ? null : nameOf(principal),
    ageMs: Math.max(0, Math.floor(nowMs - openedMs)),
    leaseRemainingMs: leftMs(leaseUntilMs, nowMs),
  }
}

function leftMs(untilMs: number | null, nowMs: number): number | null {
  return untilMs === null ? null : Math.max(0, Math.floor(untilMs - nowMs))
}

export function executionView(execution: Execution, monotonicMs: number): ExecutionView {
  const { id, state, leaseUntilMs, stop, outcome } = execution
  return {
    id,
    state,
    leaseRemainingMs: leftMs(leaseUntilMs, monotonicMs),
    stop: stop === null ? null : { code: stop.code, detail: stop.detail, statement: null },
    outcome,
  }
}
