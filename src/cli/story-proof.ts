/**
 * The demonstration's last act: the log of a node as evidence, verified as a
 * stranger would, and judged again; then the same without one of its records.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCheckpoint } from '../core/checkpoint.ts'
import { CHECKPOINT } from '../core/evidence-bundle.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import { formatBundle, parseBundle, placePath, tilesOf } from '../core/tile.ts'
import type { Host } from './stage.ts'

export interface Proof {
  /** The evidence, unpacked. */
  readonly folder: string
  readonly trust: string
  readonly says: string
}

/** As much of what verify says as is shown. */
interface Item {
  readonly details: {
    readonly size: number
    readonly witnessed: number
    readonly replay: { readonly judged: number; readonly same: number }
  }
}

/** @param dir where its files go @throws MeshError when it does not follow from the trust root */
export async function proveDecisions(host: Host, dir: string): Promise<Proof> {
  const [folder, trust] = [join(dir, `${host.name}.evidence`), join(dir, 'root.json')]
  await host.do('root', 'show', '-f', trust)
  await host.do('audit', 'export', '--dir', folder)
  const verified = await host.ask<{ item: Item }>('verify', folder, '--trust', trust, '--replay')
  const { size, witnessed, replay } = verified.item.details
  const says = `${size} records, ${witnessed} witnessed; ${replay.judged} decisions judged again, ${replay.same} same`
  return { folder, trust, says }
}

/** Takes one record away and verifies again. @throws MeshError BUG when nobody notices */
export async function caughtWithoutOne(host: Host, { folder, trust }: Proof): Promise<string> {
  const { size } = readCheckpoint(readFileSync(join(folder, CHECKPOINT)))
  const [bundle] = tilesOf(size)
  if (bundle === undefined) throw new MeshError('BUG', 'the log of the demonstration is empty')
  const path = join(folder, placePath(bundle))
  const records = parseBundle(readFileSync(path))
  const at = Math.floor(records.length / 2)
  writeFileSync(path, formatBundle(records.toSpliced(at, 1)))
  const said = await host.run('verify', folder, '--trust', trust)
  if (said.status !== PROBLEMS.PROOF_INVALID.exit)
    throw new MeshError('BUG', 'a missing record was not noticed')
  return `record ${at} of ${size}: verification fails`
}
