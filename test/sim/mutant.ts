/**
 * A mutant is loaded beside the program: its modules are the shipped ones but
 * for the edits. In this process for a seed of the simulation, under names of
 * its own; in a process of its own for a test that must fail with it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { registerHooks } from 'node:module'
import type { Outcome } from './mesh-run.ts'
import type { Edit, Mutation } from './mutation.ts'

const SRC = new URL('../../src/', import.meta.url)
const SIM = new URL('./', import.meta.url)
const ROOT = new URL('../../', import.meta.url)

/** A test that does not end fails. */
const TEST_MS_MAX = 120_000
/** Names the mutation to a process that loads with it. */
export const MUTANT = 'MESHD_MUTANT'

/** Of what is loaded while this is registered: the edits, and which of them were made. */
function edits(edits: readonly Edit[], suffix: string) {
  const made = new Set<Edit>()
  const load: Parameters<typeof registerHooks>[0]['load'] = (url, context, next) => {
    const loaded = next(url, context)
    const here = edits.filter(({ file }) => url === `${new URL(file, SRC).href}${suffix}`)
    if (here.length === 0) return loaded
    let source = String(loaded.source)
    for (const each of here) {
      assert.equal(source.split(each.from).length, 2, `\`${each.from}\` is in ${each.file} once`)
      source = source.replace(each.from, () => each.to)
      made.add(each)
    }
    return { ...loaded, source }
  }
  return { made, load }
}

/** For every module that this process loads from now on. */
export function mutate({ edits: planned }: Mutation): void {
  registerHooks({ load: edits(planned, '').load })
}

/** Loads the simulation with the mutation in it, and gives what runs a seed of it. */
export async function planted(mutation: Mutation): Promise<(seed: number) => Promise<Outcome>> {
  const suffix = `?bug=${encodeURIComponent(mutation.id)}`
  const { made, load } = edits(mutation.edits, suffix)
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const own = resolved.url.startsWith(SRC.href) || resolved.url.startsWith(SIM.href)
      const inside = context.parentURL?.endsWith(suffix) === true
      if (!inside || !own || resolved.url.includes('?')) return resolved
      return { ...resolved, url: `${resolved.url}${suffix}` }
    },
    load,
  })
  try {
    const url = `${new URL('mesh-run.ts', SIM).href}${suffix}`
    const { runSeed } = (await import(url)) as typeof import('./mesh-run.ts')
    for (const each of mutation.edits)
      assert.ok(made.has(each), `${each.file} is part of what runs`)
    return (seed) => runSeed(seed, { once: true })
  } finally {
    hooks.deregister()
  }
}

/** The first of these seeds in which the checker finds it; null when none does. */
export async function firstOf(
  run: (seed: number) => Promise<Outcome>,
  checker: string,
  seeds: Iterable<number>,
): Promise<number | null> {
  for (const each of seeds) {
    const { findings } = await run(each)
    if (findings.some(({ id }) => id === checker)) return each
  }
  return null
}

/** The seeds from 1 on. */
export function upTo(seeds: number): number[] {
  return Array.from({ length: seeds }, (_, at) => at + 1)
}

/** How the named test of a file ends, with a mutation or as it is. */
export function verdictOf(
  { test, name }: { readonly test: string; readonly name: string },
  mutation: Mutation | null,
): Promise<'passes' | 'fails' | 'is not there'> {
  const hook = new URL('mutant-hook.ts', SIM).href
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const child = spawn(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', '--test-reporter=tap', '--import', hook],
      ...[`--test-name-pattern=${escaped}$`, test],
    ],
    {
      cwd: ROOT,
      env: { ...env, [MUTANT]: mutation?.id ?? '' },
      timeout: TEST_MS_MAX,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(read(said, name)))
  })
}

/** From TAP: the one test that ran. */
function read(said: string, name: string): 'passes' | 'fails' | 'is not there' {
  const found = said
    .split('\n')
    .map((line) => /^ *(not ok|ok) \d+ - (.*)$/.exec(line))
    .find((match) => match?.[2]?.replaceAll('\\#', '#') === name)
  if (found == null) return 'is not there'
  return found[1] === 'ok' ? 'passes' : 'fails'
}
