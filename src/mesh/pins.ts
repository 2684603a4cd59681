/**
 * What an operator has pinned, out of band and for ever, under two keys of the
 * space `governance`:
 *
 *     mesh   sha256:9c0e…                 the mesh that this node belongs to
 *     pins   ["sha256:447f…"]             roots chosen where two of one version contradict each other
 */
import { textOf, utf8 } from '../core/bytes.ts'
import { isSha256Id, type StatementId } from '../core/id.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import { PINS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { id, list } from '../core/shape.ts'
import { damaged } from './damaged.ts'

export const MESH_KEY = 'mesh'
export const PINS_KEY = 'pins'

const PINS_BYTES_MAX = 128 * PINS_MAX
const READ_PINS = list(id, PINS_MAX)

/** null while no mesh is pinned. @throws MeshError LOG_DAMAGED */
export function readMesh(cursors: ReadonlyMap<string, Uint8Array>): StatementId | null {
  const bytes = cursors.get(MESH_KEY)
  if (bytes === undefined) return null
  const mesh = textOf(bytes)
  if (!isSha256Id(mesh)) throw damaged('the pinned mesh is no id of a statement')
  return mesh
}

/** @throws Malformed */
export function readPins(cursors: ReadonlyMap<string, Uint8Array>): readonly StatementId[] {
  const bytes = cursors.get(PINS_KEY)
  return bytes === undefined ? [] : READ_PINS(parseCanonical(bytes, PINS_BYTES_MAX), 'pins')
}

/** @throws MeshError CONFLICT when it is another one than the node is bound to */
export function checkSame(bound: StatementId, mesh: StatementId): void {
  if (bound === mesh) return
  throw new MeshError('CONFLICT', `this node belongs to the mesh \`${bound}\`, for ever`, {
    hint: 'a node of another mesh needs a data directory of its own',
  })
}

export function formatPins(pins: readonly StatementId[]): Uint8Array {
  return utf8(formatJson(pins))
}
