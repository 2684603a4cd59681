/** Governance on disk is not what was made durable. */
import { MeshError } from '../core/problems.ts'

export function damaged(what: string): MeshError {
  return new MeshError('LOG_DAMAGED', what, {
    hint: 'restore the data directory, or join the mesh again with a new one',
  })
}
