/** The envelope of every list and item of the control API: what it is, when and where it was seen from. */
import type { ListView, RecordView, View } from '../client/types.ts'
import { formatTime } from '../core/shape.ts'
import type { Found } from '../daemon/records.ts'

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

/** @param publishedSize records below it are under a published checkpoint */
export function recordView({ id, leaf }: Found, publishedSize: number): RecordView {
  const index = Number(leaf['index'])
  const state = index < publishedSize ? 'published' : 'durable'
  const [time, type] = [String(leaf['time']), String(leaf['type']) as RecordView['type']]
  return { id, index, epoch: Number(leaf['epoch']), time, type, state, leaf }
}

/** `0660`. */
export function modeText(mode: number): string {
  return `0${mode.toString(8)}`
}
