/**
 * Memory of pure answers, bounded: what was used lately stays. Forgetting
 * costs time and never changes an answer.
 */

export function recall<K, V>(memory: Map<K, V>, key: K): V | undefined {
  const value = memory.get(key)
  if (value === undefined) return undefined
  // A Map keeps the order of insertion: its first key is the one used longest ago.
  memory.delete(key)
  memory.set(key, value)
  return value
}

export function remember<K, V>(memory: Map<K, V>, key: K, value: V, max: number): void {
  memory.delete(key)
  memory.set(key, value)
  for (const oldest of memory.keys()) {
    if (memory.size <= max) break
    memory.delete(oldest)
  }
}
