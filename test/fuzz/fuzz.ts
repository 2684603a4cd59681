/**
 * What must hold for every parser and every input: it gives a value or its
 * declared refusal, in bounded time and size; and what it accepts is the one
 * spelling of what it says, so no changed byte leaves the value as it was.
 */
import { inputOf } from './mutate.ts'
import { Random } from './random.ts'
import { spelledRight, type Target } from './target.ts'

export interface Fault {
  readonly target: string
  readonly seed: number
  readonly at: number
  readonly says: string
  readonly input: Uint8Array
}

export interface Outcome {
  readonly target: string
  readonly inputs: number
  readonly accepted: number
  readonly refused: number
  readonly slowestMs: number
  readonly faults: readonly Fault[]
}

/** Of one input, of the processor's time, the best of several tries: what takes the square of 100 KB takes seconds. */
const INPUT_MS_MAX = 200
const TRIES = 5
/** What a value may weigh: so much for each byte of its input, and a little. */
const WEIGHT_PER_BYTE = 64
const WEIGHT_LEAST = 8192
const FAULTS_MAX = 5

/** @param from where in the run of this seed to begin */
export function fuzz(target: Target, inputs: number, seed: number, from = 0): Outcome {
  const faults: Fault[] = []
  let [accepted, slowestMs] = [0, 0]
  for (let at = from; at < from + inputs && faults.length < FAULTS_MAX; at += 1) {
    const input = inputOf(target, new Random(seed, at))
    const looked = look(target, input)
    accepted += looked.accepted ? 1 : 0
    slowestMs = Math.max(slowestMs, looked.ms)
    if (looked.says !== null)
      faults.push({ target: target.name, seed, at, says: looked.says, input })
  }
  return { target: target.name, inputs, accepted, refused: inputs - accepted, slowestMs, faults }
}

export interface Look {
  readonly accepted: boolean
  readonly ms: number
  /** What is wrong; null for nothing. */
  readonly says: string | null
}

export function look(target: Target, input: Uint8Array): Look {
  const before = input.slice()
  const start = performance.now()
  try {
    const read = target.read(input)
    let ms = performance.now() - start
    const most = target.msMax ?? INPUT_MS_MAX
    if (ms > most) ms = again(target, input, most)
    const says = ms > most ? `took ${ms.toFixed(0)} ms` : null
    if (Buffer.compare(before, input) !== 0)
      return { accepted: true, ms, says: 'it changed its input' }
    if (read === null) return { accepted: false, ms, says }
    if (!spelledRight(read, input)) return { accepted: true, ms, says: 'a second spelling' }
    const weightMax = WEIGHT_PER_BYTE * input.length + WEIGHT_LEAST
    const heavy = weightOf(read.value, weightMax) > weightMax
    return { accepted: true, ms, says: heavy ? 'the value is larger than its input allows' : says }
  } catch (error) {
    return { accepted: false, ms: performance.now() - start, says: `threw ${String(error)}` }
  }
}

function again(target: Target, input: Uint8Array, most: number): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < TRIES && best > most; i += 1) {
    const before = process.threadCpuUsage()
    target.read(input)
    const { user, system } = process.threadCpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

/** Roughly its bytes; no more is counted than there may be. */
function weightOf(value: unknown, max: number): number {
  let weight = 0
  const left: unknown[] = [value]
  while (left.length > 0 && weight <= max) {
    const each = left.pop()
    weight += 8
    if (typeof each === 'string') weight += each.length
    else if (each instanceof Uint8Array) weight += each.length
    else if (each instanceof Map) for (const pair of each) left.push(pair[0], pair[1])
    else if (typeof each === 'object' && each !== null)
      for (const [key, inner] of Object.entries(each)) left.push(key, inner)
  }
  return weight
}
