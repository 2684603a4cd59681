/**
 * `npm run fuzz`: every parser against so many inputs, on two workers.
 *
 *     node scripts/fuzz.ts --inputs 1000000                  all targets
 *     node scripts/fuzz.ts --target receipt,note --seed 7    these
 *     node scripts/fuzz.ts --target note --seed 7 --at 4711  one input again
 *     node scripts/fuzz.ts --target note --hex 0a0b          these bytes
 *
 * Exit 1: an input was found for which a parser does what it must not.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Fault, fuzz, look, type Outcome } from '../test/fuzz/fuzz.ts'
import type { Target } from '../test/fuzz/target.ts'
import { TARGETS } from '../test/fuzz/targets.ts'
import { numberOf, optionsOf } from './options.ts'

const HEX_SHOWN = 2_000
/** What a worker does before it takes the next piece: long targets do not keep the other waiting. */
const PIECE = 100_000

interface Piece {
  readonly name: string
  readonly from: number
  readonly inputs: number
  readonly seed: number
}

interface Done extends Outcome {
  readonly seconds: number
}

const { values } = optionsOf(import.meta.filename, {
  options: {
    inputs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    at: { type: 'string' },
    hex: { type: 'string' },
    workers: { type: 'string', default: '2' },
  },
})

function targetOf(name: string): Target {
  const found = TARGETS.find((each) => each.name === name)
  if (found === undefined)
    throw new Error(`no target \`${name}\`: ${TARGETS.map((each) => each.name).join(', ')}`)
  return found
}

function tell({ target, seed, at, says, input }: Fault): void {
  const hex = Buffer.from(input).toString('hex')
  console.log(`✗ ${target}: ${says}`)
  console.log(`  ${hex.slice(0, HEX_SHOWN)}${hex.length > HEX_SHOWN ? '…' : ''}`)
  console.log(`  npm run fuzz -- --target ${target} --seed ${seed} --at ${at}`)
}

function work({ name, from, inputs, seed }: Piece): Done {
  const start = performance.now()
  const outcome = fuzz(targetOf(name), inputs, seed, from)
  return { ...outcome, seconds: (performance.now() - start) / 1000 }
}

const print = (...columns: readonly (string | number)[]) =>
  console.log(
    columns
      .map((each, i) => (i === 0 ? String(each).padEnd(22) : String(each).padStart(11)))
      .join(''),
  )

/** Gives each worker the next piece when it is done with one. */
async function all(names: readonly string[], inputs: number, seed: number): Promise<boolean> {
  const pieces = names.flatMap((name) =>
    Array.from({ length: Math.ceil(inputs / PIECE) }, (_, i): Piece => {
      const from = i * PIECE
      return { name, from, inputs: Math.min(PIECE, inputs - from), seed }
    }),
  )
  const left = new Map(
    names.map((name) => [name, pieces.filter((each) => each.name === name).length]),
  )
  const done = new Map<string, Done[]>(names.map((name) => [name, []]))
  let good = true
  print('target', 'inputs', 'accepted', 'refused', 'seconds', 'slowest ms')
  const take = (worker: Worker) => {
    const piece = pieces.shift()
    if (piece === undefined) void worker.terminate()
    else worker.postMessage(piece)
  }
  const ended = (each: Done) => {
    const of = [...(done.get(each.target) ?? []), each]
    done.set(each.target, of)
    for (const fault of each.faults) tell(fault)
    if (each.faults.length > 0) good = false
    if (of.length === left.get(each.target)) total(each.target, of)
  }
  const workers = Array.from({ length: numberOf('workers', values.workers) }, () => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: true,
      argv: process.argv.slice(2),
    })
    worker.on('message', (each: Done) => {
      ended(each)
      take(worker)
    })
    return worker
  })
  const exits = workers.map(
    (worker) => new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject)),
  )
  for (const worker of workers) take(worker)
  await Promise.all(exits)
  return good
}

function total(name: string, of: readonly Done[]): void {
  const sum = (count: (each: Done) => number) => of.reduce((total, each) => total + count(each), 0)
  const slowest = Math.max(...of.map(({ slowestMs }) => slowestMs))
  const counts = [
    sum(({ inputs }) => inputs),
    sum(({ accepted }) => accepted),
    sum(({ refused }) => refused),
  ]
  print(name, ...counts, sum(({ seconds }) => seconds).toFixed(1), slowest.toFixed(1))
}

async function main(): Promise<void> {
  const names = values.target?.split(',') ?? TARGETS.map(({ name }) => name)
  const [seed, inputs] = [numberOf('seed', values.seed), numberOf('inputs', values.inputs)]
  const [first = ''] = names
  let good = true
  if (values.hex !== undefined) {
    const { says, accepted, ms } = look(
      targetOf(first),
      Uint8Array.from(Buffer.from(values.hex, 'hex')),
    )
    console.log(says ?? `${accepted ? 'accepted' : 'refused'} in ${ms.toFixed(1)} ms`)
    good = says === null
  } else if (values.at !== undefined) {
    const { faults, accepted } = fuzz(targetOf(first), 1, seed, numberOf('at', values.at))
    for (const fault of faults) tell(fault)
    if (faults.length === 0) console.log(accepted > 0 ? 'accepted' : 'refused')
    good = faults.length === 0
  } else good = await all(names, inputs, seed)
  if (!good) process.exitCode = 1
}

if (isMainThread) await main()
else if (workerData === true)
  parentPort?.on('message', (piece: Piece) => parentPort?.postMessage(work(piece)))
