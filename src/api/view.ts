/** The envelope of every list and item of the control API: what it is, when and where it was seen from. */
import type { ListView, RecordView, View } from '../client/types.ts'
import { committedIn, type Disclosed, NOTHING_DISCLOSED } from '../core/disclosure.ts'
import type { JsonObject } from '../core/json.ts'
import { formatTime } from '../core/shape.ts'
import type { Found } from '../mesh/record-search.ts'
import type { RecordStanding } from '../mesh/record-states.ts'

export interface SeenFrom {
  /** Name of this node. */
  readonly name: string
  readonly wallMs: number
}

export function itemView<K extends string, T>(
  kind: K,
  item: T,
  { name, wallMs }: SeenFrom,
): View<K, T> {
  return { apiVersion: 'meshd/v1', kind, generatedAt: formatTime(wallMs), seenFrom: name, item }
}

export function listView<K extends string, T>(
  kind: K,
  items: readonly T[],
  { name, wallMs }: SeenFrom,
): ListView<K, T> {
  return { apiVersion: 'meshd/v1', kind, generatedAt: formatTime(wallMs), seenFrom: name, items }
}

/** @param states how far each record is; null for one that the log does not have @param disclosed of what it commits to */
export function recordView(
  { id, leaf }: Found,
  states: { of(index: number): RecordStanding | null },
  disclosed: Disclosed = NOTHING_DISCLOSED,
): RecordView {
  const index = Number(leaf['index'])
  const standing = states.of(index)
  const [time, type] = [String(leaf['time']), String(leaf['type']) as RecordView['type']]
  return {
    ...{ id, index, epoch: Number(leaf['epoch']), time, type },
    state: standing?.state ?? 'durable',
    witnesses:
      standing === null
        ? null
        : { cosigned: standing.cosigned, need: standing.need, of: standing.of },
    mirrors: standing?.mirrors ?? null,
    leaf,
    ...committedView(leaf, disclosed),
  }
}

function committedView(leaf: JsonObject, disclosed: Disclosed): Pick<RecordView, 'committed'> {
  const places = committedIn(leaf)
  if (places.length === 0) return {}
  const redacted = places.filter((place) => !disclosed.has(place))
  return { committed: { disclosed: Object.fromEntries(disclosed), redacted } }
}

/** `0660`. */
export function modeText(mode: number): string {
  return `0${mode.toString(8)}`
}
