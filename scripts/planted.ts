/**
 * `npm run sim:planted`: every planted bug, and whether what must find it does.
 *
 *     node scripts/planted.ts                all of them, one on each core
 *     node scripts/planted.ts B7 B22         these
 *     node scripts/planted.ts --seeds 200    how many seeds are tried for one, from 1 on
 *     node scripts/planted.ts --keep         the first seeds are written into the tables
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { firstOf, planted, upTo, verdictOf } from '../test/sim/mutant.ts'
import type { Mutation } from '../test/sim/mutation.ts'
import { MUTATIONS } from '../test/sim/mutations.ts'
import { numberOf, optionsOf } from './options.ts'

const { values, positionals } = optionsOf(import.meta.filename, {
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '100' },
    keep: { type: 'boolean', default: false },
    /** Of a child: the one that it plants. */
    one: { type: 'string' },
  },
})
const self = fileURLToPath(import.meta.url)

/** What one child says of its bug. */
interface Outcome {
  readonly found: boolean
  readonly says: string
  /** The first one from 1 on; null where none is drawn, or none found it. */
  readonly seed: number | null
}

/** From seed 1 on, so that the number says how hard it is to find; then the one that is known. */
async function hunt(mutation: Mutation): Promise<Outcome> {
  const { by } = mutation
  if ('test' in by) {
    const [as, mutated] = [await verdictOf(by, null), await verdictOf(by, mutation)]
    if (as !== 'passes') return { found: false, says: `without it the test ${as}`, seed: null }
    const found = mutated === 'fails'
    return { found, says: found ? '' : `the test ${mutated}`, seed: null }
  }
  const run = await planted(mutation)
  const seeds = numberOf('seeds', values.seeds)
  const first = await firstOf(run, by.checker, upTo(seeds))
  if (first !== null) return { found: true, says: `seed ${first}`, seed: first }
  const known = await firstOf(run, by.checker, [by.seed])
  const says = `none of seeds 1 to ${seeds}`
  return {
    found: known !== null,
    says: known === null ? says : `seed ${known}; ${says}`,
    seed: null,
  }
}

/** In a process of its own: a mutant stays loaded. */
async function apart({ id }: Mutation): Promise<Outcome> {
  const args = ['--disable-warning=ExperimentalWarning', self, '--one', id, '--seeds', values.seeds]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8')) said += text
  return said === '' ? { found: false, says: 'it did not end well', seed: null } : JSON.parse(said)
}

function row(mutation: Mutation, { found, says }: Outcome, seconds: number): string {
  const { id, name, by } = mutation
  const catcher = 'test' in by ? by.test : by.checker
  const cells = [found ? '✓' : '✗', id.padEnd(3), `${seconds.toFixed(1)} s`.padStart(7)]
  return [...cells, catcher.padEnd(38), says.padEnd(10), name].join('  ')
}

/** In the table that has it. */
function keep({ id }: Mutation, seed: number): void {
  for (const name of ['mutations', 'more-mutations', 'edge-mutations', 'asker-mutations']) {
    const file = new URL(`../test/sim/${name}.ts`, import.meta.url)
    const source = readFileSync(file, 'utf8')
    const at = new RegExp(`(id: '${id}',(?:(?!\\bid:)[^])*?seed: )\\d+`)
    writeFileSync(
      file,
      source.replace(at, (_, before: string) => before + seed),
    )
  }
}

async function all(mutations: readonly Mutation[]): Promise<readonly Mutation[]> {
  const waiting = [...mutations]
  const found: Mutation[] = []
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const began = performance.now()
      const outcome = await apart(next)
      console.log(row(next, outcome, (performance.now() - began) / 1000))
      if (outcome.found) found.push(next)
      if (values.keep && outcome.seed !== null) keep(next, outcome.seed)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return found
}

function counted(of: (mutation: Mutation) => boolean, found: readonly Mutation[]): string {
  return `${found.filter(of).length} of ${wanted.filter(of).length}`
}

const one = MUTATIONS.find(({ id }) => id === values.one)
const wanted = MUTATIONS.filter(({ id }) => positionals.length === 0 || positionals.includes(id))
if (one !== undefined) console.log(JSON.stringify(await hunt(one)))
else {
  const found = await all(wanted)
  const planned = ({ id }: Mutation) => id.startsWith('B')
  const others = (each: Mutation) => !planned(each)
  console.log(`found: ${counted(planned, found)} planned bugs, ${counted(others, found)} others`)
  if (wanted.length === 0 || found.length < wanted.length) process.exitCode = 1
}
