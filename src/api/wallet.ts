/** The wallet: what is held for whom. A caller sees and changes its own, an administrator any. */
import type { HeldArtifactView } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import type { Denial } from '../core/reasons.ts'
import { describe, expiresS } from '../core/scope.ts'
import { formatTime } from '../core/shape.ts'
import { type Artifacts, readLine } from '../daemon/artifacts.ts'
import type { Held, Wallet } from '../daemon/wallet.ts'
import { artifactBody, bodyOf } from './bodies.ts'
import { type Ask, DECIDE, json, parameter, type Route } from './router.ts'
import { listView, type SeenFrom } from './view.ts'

export interface WalletRoutePorts {
  readonly wallet: Wallet
  readonly artifacts: Artifacts
  seenFrom(): SeenFrom
}

export function walletRoutes({ wallet, artifacts, seenFrom }: WalletRoutePorts): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/wallet',
      roles: DECIDE,
      handle: (ask) => {
        const name = whose(ask)
        const held = wallet.held.filter((each) => name === null || each.name === name)
        const items = held.map((each) => viewOf(each, artifacts.check(each.artifact)))
        return json(listView('HeldArtifactList', items, seenFrom()))
      },
    },
    {
      method: 'PUT',
      path: '/v1/wallet',
      roles: DECIDE,
      handle: async (ask) => {
        const artifact = readLine(bodyOf(ask, artifactBody).artifact)
        const caller = await artifacts.hold(artifact, ask.caller, ask.role === 'admin')
        return json({ caller, cid: artifact.cid })
      },
    },
    {
      method: 'DELETE',
      path: '/v1/wallet/{cid}',
      roles: DECIDE,
      handle: async (ask) => {
        const held = artifacts.find(parameter(ask, 'cid'), whose(ask))
        await artifacts.drop(held, ask.caller)
        return json({ caller: held.name, cid: held.artifact.cid })
      },
    },
  ]
}

/** Whose wallet is meant; null is everybody's, for an administrator alone. @throws MeshError NOT_FOUND, SOCKET_FORBIDDEN */
function whose({ role, caller, query }: Ask): string | null {
  const wanted = query.get('for')
  if (role === 'admin') return wanted
  if (caller.name === null || caller.principal === null) {
    throw new MeshError('NOT_FOUND', 'no key is kept here for this caller', {
      hint: 'meshd key create <name> --for uid=<uid>',
    })
  }
  if (wanted !== null && wanted !== caller.name) {
    throw new MeshError('SOCKET_FORBIDDEN', `the wallet of \`${wanted}\` is served on admin.sock`)
  }
  return caller.name
}

const STATES: Partial<Record<Denial['code'], HeldArtifactView['state']>> = {
  EXPIRED: 'expired',
  REPLAYED: 'expired',
  NOT_YET_VALID: 'not yet valid',
}

function viewOf({ name, artifact }: Held, denial: Denial | null): HeldArtifactView {
  const { links, cid } = artifact
  const scope = describe(links)
  return {
    cid,
    caller: name,
    principal: links.at(-1)?.aud ?? '',
    actions: scope.actions,
    resource: scope.resources.join(' and '),
    expiresAt: formatTime(expiresS(links) * 1000),
    // Whatever else is wrong with it, somebody took back what it rests on.
    state: denial === null ? 'valid' : (STATES[denial.code] ?? 'revoked'),
  }
}
