/** A log as it is on a disk, judged again by the program that `meshd audit verify --replay` is. */
import { concat } from '../../src/core/bytes.ts'
import {
  disclosureName,
  type Files,
  receiptName,
  tokenName,
} from '../../src/core/evidence-bundle.ts'
import { causeOf, readExhibit } from '../../src/core/exhibit.ts'
import type { Cid, RecordId } from '../../src/core/id.ts'
import { parseInvocation } from '../../src/core/invocation.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { parseRecord } from '../../src/core/record.ts'
import { formatBundle, placePath, TILE_WIDTH, tilesOf } from '../../src/core/tile.ts'
import { authorityOf } from '../../src/core/verify/authority.ts'
import type { EvidenceBundle } from '../../src/core/verify/evidence-bundle.ts'
import type { Head } from '../../src/core/verify/head.ts'
import { checkRecords } from '../../src/core/verify/records.ts'
import { type Replay, replay } from '../../src/core/verify/replay.ts'
import type { Made } from '../unit/statements.ts'
import type { Written } from './disk-state.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'
import { wholeOn } from './notary.ts'
import { engineOf } from './permits.ts'

/** null where there is nothing to judge. */
export function replayed(world: MeshWorld, { disk, did, keys }: Host): Replay | null {
  const { records, epoch, kept } = disk.state
  const [root] = world.laws.founding as [Made, ...Made[]]
  if (records.length === 0) return null
  const files = filesOf(records)
  const envelopes = [...kept].flatMap(([name, { bytes }]) =>
    name.startsWith('statement/') && wholeOn(bytes, world.laws.roots) ? [bytes] : [],
  )
  const authority = authorityOf([root.bytes], envelopes)
  const manifest = { origin: '', first: 0, of: null, files: new Map() }
  const log = { node: did, epoch, size: records.length }
  const head: Head = {
    ...{ node: did, epoch, logKey: keys.log.did, keyRetired: false, cosignatures: [] },
    checkpoint: { origin: '', size: records.length, rootHash: new Uint8Array() },
    ...{ under: authority.root, witnessed: false },
  }
  const bundle: EvidenceBundle = {
    ...{ authority, head, witnessed: head, manifest, tokens: new Set() },
    records: checkRecords(files, log, manifest),
  }
  return replay(files, bundle, engineOf(world.swarm.seed))
}

/** As an export has them, but for what proves the log itself. */
function filesOf(records: readonly Written[]): Files {
  const files = new Map<string, Uint8Array>()
  for (const place of tilesOf(records.length)) {
    const there = records.slice(place.n * TILE_WIDTH, place.n * TILE_WIDTH + place.width)
    if (place.level === 0) files.set(placePath(place), concat(...there.map(({ hash }) => hash)))
    if (place.level === null)
      files.set(placePath(place), formatBundle(there.map(({ bytes }) => bytes)))
  }
  for (const [index, { bytes, exhibit }] of records.entries()) {
    if (exhibit === undefined) continue
    const parts = readExhibit(exhibit)
    for (const [name, part] of parts) {
      const cause = name === 'receipt' ? causeIn(bytes, parts) : null
      if (cause !== null) files.set(receiptName(cause, index), part)
      else if (name === 'disclosure') files.set(disclosureName(index), part)
      else files.set(tokenName(name as Cid), part)
    }
  }
  return {
    names: [...files.keys()],
    read: (name) => {
      const bytes = files.get(name)
      if (bytes === undefined) throw new Malformed(`${name} is missing`)
      return bytes
    },
  }
}

function causeIn(bytes: Uint8Array, parts: ReadonlyMap<string, Uint8Array>): RecordId | null {
  const record = parseRecord(bytes)
  if (record.type !== 'decision') return null
  const closing = record.invocation === null ? undefined : parts.get(record.invocation)
  return causeOf(record, closing === undefined ? null : parseInvocation(closing))
}
