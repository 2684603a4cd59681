/** Changes inside of a tree of JSON or CBOR: what comes out is spelled right, and says something else. */
import type { Random } from './random.ts'
import type { Codec } from './target.ts'

const TEXTS = ['', 'a', '*', '..', 'a/../b', '__proto__', 'constructor', '\u202e', 'é', 'e\u0301']
const NUMBERS = [0, 1, -1, 0.5, 1e-7, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 253402300799]
const SCALARS: readonly unknown[] = [
  ...[null, true, false, [], Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER],
  ...[...TEXTS, ...NUMBERS],
]
const NESTED_MAX = 40

/** null where the bytes hold no tree, or the change cannot be printed. */
export function changeTree(codec: Codec, bytes: Uint8Array, random: Random): Uint8Array | null {
  try {
    let tree = codec.open(bytes)
    const times = 1 + random.below(2)
    for (let i = 0; i < times; i += 1) tree = changed(tree, random)
    return codec.close(tree, bytes)
  } catch {
    // The mutator is not under test: what it cannot open or print it leaves to the changes of bytes.
    return null
  }
}

function changed(value: unknown, random: Random): unknown {
  const deeper = random.below(4) > 0
  if (Array.isArray(value)) return deeper ? inList(value, random) : changedList(value, random)
  if (isObject(value)) return deeper ? inObject(value, random) : changedObject(value, random)
  return changedLeaf(value, random)
}

function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function inList(list: readonly unknown[], random: Random): unknown {
  if (list.length === 0) return changedList(list, random)
  const at = random.below(list.length)
  return list.map((each, i) => (i === at ? changed(each, random) : each))
}

function inObject(object: Record<string, unknown>, random: Random): unknown {
  const keys = Object.keys(object)
  if (keys.length === 0) return changedObject(object, random)
  const at = random.pick(keys)
  return objectOf(keys.map((key) => [key, key === at ? changed(object[key], random) : object[key]]))
}

function changedList(list: readonly unknown[], random: Random): unknown {
  const at = random.below(list.length)
  switch (random.below(6)) {
    case 0:
      return list.filter((_, i) => i !== at)
    case 1:
      return [...list, list[at] ?? random.pick(SCALARS)]
    case 2:
      return list.toReversed()
    case 3:
      return Array.from({ length: 300 }, () => list[at] ?? null)
    case 4:
      return nested(list, random)
    default:
      return random.pick(SCALARS)
  }
}

function changedObject(object: Record<string, unknown>, random: Random): unknown {
  const entries = Object.entries(object)
  const at = random.below(entries.length)
  switch (random.below(6)) {
    case 0:
      return objectOf(entries.filter((_, i) => i !== at))
    case 1:
      return objectOf([...entries, [random.pick(TEXTS), random.pick(SCALARS)]])
    case 2:
      return objectOf(entries.map(([key, each], i) => [i === at ? random.pick(TEXTS) : key, each]))
    case 3: {
      // Two fields change places.
      const other = random.below(entries.length)
      const value = (i: number) => entries[i]?.[1]
      const swapped = (i: number) => (i === at ? other : i === other ? at : i)
      return objectOf(entries.map(([key], i) => [key, value(swapped(i))]))
    }
    case 4:
      return nested(object, random)
    default:
      return random.pick(SCALARS)
  }
}

/** Without a prototype, so that `__proto__` is a key like any other. */
function objectOf(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = Object.create(null)
  for (const [key, value] of entries) object[key] = value
  return object
}

function nested(value: unknown, random: Random): unknown {
  let inner = value
  for (let i = random.below(NESTED_MAX); i >= 0; i -= 1)
    inner = random.below(2) ? [inner] : objectOf([['a', inner]])
  return inner
}

function changedLeaf(value: unknown, random: Random): unknown {
  if (random.below(3) === 0) return random.pick(SCALARS)
  if (typeof value === 'string') return changedText(value, random)
  if (typeof value === 'number') return random.below(2) ? value + 1 : random.pick(NUMBERS)
  if (typeof value === 'boolean') return !value
  if (!(value instanceof Uint8Array) || value.length === 0) return random.pick(SCALARS)
  const bytes = value.slice()
  const at = random.below(bytes.length)
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
  return random.below(4) === 0 ? bytes.subarray(0, at) : bytes
}

function changedText(text: string, random: Random): string {
  const at = random.below(text.length)
  const [before, after] = [text.slice(0, at), text.slice(at + 1)]
  switch (random.below(6)) {
    case 0:
      return before + after
    case 1:
      return (
        before + String.fromCharCode((text.charCodeAt(at) || 0x40) ^ (1 << random.below(6))) + after
      )
    case 2:
      return before + random.pick(TEXTS) + text.slice(at)
    case 3:
      return text.toUpperCase()
    case 4:
      return text + text
    default:
      return before + random.pick(['0', 'f', '/', ':', ' ', '\n', '=', 'A']) + after
  }
}
