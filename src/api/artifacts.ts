/** Artifacts: recorded when made, handed on with the caller's key, verified as they stand. */
import { formatArtifact } from '../core/artifact.ts'
import { type Artifacts, readLine } from '../daemon/artifacts.ts'
import { artifactBody, bodyOf, delegateBody, recordBody } from './bodies.ts'
import { ADMIN, ANY, DECIDE, json, type Route } from './router.ts'

export interface ArtifactRoutePorts {
  readonly artifacts: Artifacts
  /** Revocations that an artifact was looked up in. */
  revocations(): number
}

export function artifactRoutes({ artifacts, revocations }: ArtifactRoutePorts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/artifacts/record',
      roles: ADMIN,
      handle: async (ask) => {
        const { artifact, event } = bodyOf(ask, recordBody)
        return json({ id: await artifacts.record(readLine(artifact), event, ask.caller) }, 201)
      },
    },
    {
      method: 'POST',
      path: '/v1/artifacts/delegate',
      roles: DECIDE,
      handle: async (ask) => {
        const { artifact, ...handing } = bodyOf(ask, delegateBody)
        const made = await artifacts.delegate(readLine(artifact), handing, ask.caller)
        return json({ artifact: formatArtifact(made.artifact), id: made.id }, 201)
      },
    },
    {
      method: 'POST',
      path: '/v1/artifacts/verify',
      roles: ANY,
      handle: (ask) => {
        const denial = artifacts.check(readLine(bodyOf(ask, artifactBody).artifact))
        const { code = null, detail = 'its links are good here, now' } = denial ?? {}
        return json({ valid: denial === null, code, detail, revocations: revocations() })
      },
    },
  ]
}
