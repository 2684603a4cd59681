/** The envelope of every list and item of the control API: what it is, when and where it was seen from. */
import type { ListView, View } from '../client/types.ts'
import { formatTime } from '../core/shape.ts'

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
