/**
 * Bugs that are planted to see whether they are found: named edits of the
 * source, each of a text that is there exactly once, so that none can rot in
 * silence (FAULTS.md section 6). A mutant is loaded beside the program, in the
 * same process: its modules are the shipped ones but for the edit.
 *
 * Not here, because a second defence hides them: sync without timers (a lease
 * pulls what it was answered), voices that age by the monotonic clock alone (a
 * step empties the lease), dates in the future (looked at twice), a rollback that
 * the next start forgets (witnesses bear evidence).
 */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './mesh-run.ts'

export interface Mutation {
  readonly name: string
  /** Under src/. */
  readonly file: string
  readonly from: string
  readonly to: string
  /** A seed that found it, tried first, and the checker that did. The program changes what a seed brings about. */
  readonly seed: number
  readonly by: string
  /** Whether that is soon enough for every run of the tests. */
  readonly quick: boolean
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'an append is answered before it is durable (B1)',
    file: 'mesh/log.ts',
    from: '      await store.persist(group)\n',
    to: '      for (const { waiter, appended } of group.waiters) waiter.resolve(appended)\n      await store.persist(group)\n',
    seed: 2,
    by: 'S1',
    quick: true,
  },
  {
    name: 'a failed write is taken for a good one (B2)',
    file: 'mesh/log.ts',
    from: 'for (const { waiter } of group.waiters) waiter.reject(why)',
    to: 'for (const { waiter, appended } of group.waiters) waiter.resolve(appended)',
    seed: 7,
    by: 'S1',
    quick: true,
  },
  {
    name: 'nothing is looked at again after the record is durable (B3)',
    file: 'mesh/authorizer.ts',
    from: 'const late = call.recheck(judgement, record.id)',
    to: 'const late = null as Denial | null',
    seed: 2,
    by: 'S2',
    quick: true,
  },
  {
    name: 'the second look does not see revocations',
    file: 'core/recheck.ts',
    from: '    coveringDenial(governance, { ...coverage, executions }, nowMs)',
    to: '    null',
    seed: 2,
    by: 'S2',
    quick: true,
  },
  {
    name: 'nothing is allowed to be revoked: check 11 sees no revocation',
    file: 'core/checks/revocation.ts',
    from: 'for (const each of found) if (each !== null) yield each',
    to: 'for (const each of found) if (each === undefined) yield each',
    seed: 3,
    by: 'S2',
    quick: true,
  },
  {
    name: 'a denied record is a parent',
    file: 'core/lineage.ts',
    from: "if (record.type !== 'decision' || record.effect !== 'allow' || root === null)",
    to: "if (record.type !== 'decision' || root === null)",
    seed: 6,
    by: 'S22',
    quick: true,
  },
  {
    name: 'anybody may descend from anybody',
    file: 'core/lineage.ts',
    from: 'if (principal === null || !chain.includes(principal))',
    to: 'if (principal === null)',
    seed: 2,
    by: 'S22',
    quick: true,
  },
  {
    name: 'what is above it may be revoked',
    file: 'core/checks/revocation.ts',
    from: 'for (const each of found) if (each !== null && nowMs < each.untilMs) return revoked(each)',
    to: 'for (const each of found) if (each === undefined) return revoked(each)',
    seed: 2,
    by: 'S2',
    quick: true,
  },
  {
    name: 'a witness signs before it persists',
    file: 'mesh/witness.ts',
    from: "if (!(await this.#keep(key, seen))) return refused('unready')",
    to: 'void this.#keep(key, seen)',
    seed: 1,
    by: 'S25',
    quick: true,
  },
  {
    name: 'one witness is taken for a quorum',
    file: 'mesh/cosigning.ts',
    from: 'counted.size < governance.root.lease.write',
    to: 'counted.size < 1',
    seed: 2,
    by: 'S26',
    quick: true,
  },
  {
    name: 'a node goes on though it knows the evidence against it (B10)',
    file: 'core/checks/governance.ts',
    from: 'const evidence = distrusted.get(self)',
    to: 'const evidence = undefined',
    seed: 19,
    by: 'S4',
    quick: true,
  },
  {
    name: 'there is no boot check (B13)',
    file: 'mesh/boot.ts',
    from: 'if (overruling === null && !this.#tally().complete) return false',
    to: '',
    seed: 27,
    by: 'Q1',
    quick: true,
  },
  {
    name: 'an answer counts though its node is not checked yet',
    file: 'mesh/lease.ts',
    from: 'if (!answer.checked) return false',
    to: '',
    seed: 6,
    by: 'S3',
    quick: true,
  },
  {
    name: 'statements are applied before they are durable (B14)',
    file: 'mesh/kept.ts',
    from: '    try {\n      await this.#ports.persist([',
    to: '    for (const { apply } of waiters) apply()\n    try {\n      await this.#ports.persist([',
    seed: 1,
    by: 'Q2',
    quick: true,
  },
  {
    name: 'single use is not reserved (B15)',
    file: 'mesh/nonces.ts',
    from: '      this.#used.set(cid, expiresMs)\n',
    to: '',
    seed: 3,
    by: 'S13',
    quick: true,
  },
  {
    name: 'what was used is not written',
    file: 'mesh/authorizer.ts',
    from: '      ...uses,\n',
    to: '',
    seed: 13,
    by: 'S13',
    quick: false,
  },
  {
    name: 'what was used is not read again at a start',
    file: 'mesh/nonces.ts',
    from: 'used.set(cid, time(textOf(value), cid))',
    to: 'time(textOf(value), cid)',
    seed: 13,
    by: 'S13',
    quick: false,
  },
  {
    name: 'a voice ages by wall clocks alone (B6)',
    file: 'core/lease-quorum.ts',
    from: 'return Math.min(sentMs + stalenessMs, monotonicMs + wallLeftMs)',
    to: 'return sentMs < 0 ? 0 : monotonicMs + wallLeftMs',
    seed: 7,
    by: 'S3',
    quick: false,
  },
  {
    name: 'a lease outlives pauses and steps of the clock',
    file: 'mesh/lease.ts',
    from: 'if (why !== null) this.reset(why)',
    to: '',
    seed: 2,
    by: 'S3',
    quick: true,
  },
  {
    name: 'a voice counts before its state is held here',
    file: 'mesh/lease.ts',
    from: '      await challenges.reach(answered.answer, signal)\n',
    to: '',
    seed: 10,
    by: 'S3',
    quick: true,
  },
  {
    name: 'an answer under another root counts',
    file: 'mesh/lease.ts',
    from: 'if (answer.root !== root.version || answer.opened !== currentEra(roots).from) return false',
    to: '',
    seed: 103,
    by: 'S3',
    quick: true,
  },
  {
    name: 'after a failed write the next index comes from memory (B20)',
    file: 'mesh/log.ts',
    from: '        await store.reopen()\n        this.#tree = store.tree\n',
    to: '        await store.reopen()\n',
    seed: 15,
    by: 'L4',
    quick: false,
  },
]

const SRC = new URL('../../src/', import.meta.url)
const SIM = new URL('./', import.meta.url)

/** Loads the simulation with the mutation in it, and gives what runs a seed of it. */
export async function planted(mutation: Mutation): Promise<(seed: number) => Promise<Outcome>> {
  const bug = encodeURIComponent(mutation.name)
  const target = new URL(mutation.file, SRC).href
  let edited = 0
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const own = resolved.url.startsWith(SRC.href) || resolved.url.startsWith(SIM.href)
      const inside = context.parentURL?.endsWith(`?bug=${bug}`) === true
      if (!inside || !own || resolved.url.includes('?')) return resolved
      return { ...resolved, url: `${resolved.url}?bug=${bug}` }
    },
    load(url, context, next) {
      const loaded = next(url, context)
      if (url !== `${target}?bug=${bug}`) return loaded
      const source = String(loaded.source)
      const { from, to, file } = mutation
      assert.equal(source.split(from).length, 2, `\`${from}\` is in ${file} exactly once`)
      edited += 1
      return { ...loaded, source: source.replace(from, () => to) }
    },
  })
  try {
    const url = `${new URL('mesh-run.ts', SIM).href}?bug=${bug}`
    const { runSeed } = (await import(url)) as typeof import('./mesh-run.ts')
    assert.equal(edited, 1, `${fileURLToPath(target)} is part of what runs`)
    return (seed) => runSeed(seed, { once: true })
  } finally {
    hooks.deregister()
  }
}

/** The first seed in which the checker finds it: the one that did before, then from 1 on; null when none does. */
export async function firstOf(
  run: (seed: number) => Promise<Outcome>,
  { seed, by }: Mutation,
  seeds: number,
): Promise<number | null> {
  for (const each of [seed, ...Array.from({ length: seeds }, (_, at) => at + 1)]) {
    const { findings } = await run(each)
    if (findings.some(({ id }) => id === by)) return each
  }
  return null
}
