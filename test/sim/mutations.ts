/**
 * Bugs that are planted to see whether they are found: named edits of the
 * source, each of a text that is there exactly once, so that none can rot in
 * silence (FAULTS.md section 6). A mutant is loaded beside the program, in the
 * same process: its modules are the shipped ones but for the edit.
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
  /** Seeds that find it, and the checker that does. */
  readonly seeds: readonly number[]
  readonly by: string
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'an append is answered before it is durable (B1)',
    file: 'mesh/log.ts',
    from: '      await store.persist(group)\n',
    to: '      for (const { waiter, appended } of group.waiters) waiter.resolve(appended)\n      await store.persist(group)\n',
    seeds: [1],
    by: 'S1',
  },
  {
    name: 'a failed write is taken for a good one (B2)',
    file: 'mesh/log.ts',
    from: 'for (const { waiter } of group.waiters) waiter.reject(why)',
    to: 'for (const { waiter, appended } of group.waiters) waiter.resolve(appended)',
    seeds: [1],
    by: 'S1',
  },
  {
    name: 'nothing is looked at again after the record is durable (B3)',
    file: 'mesh/authorizer.ts',
    from: 'const late = call.recheck(judgement, record.id)',
    to: 'const late = null as Denial | null',
    seeds: [1],
    by: 'S2',
  },
  {
    name: 'the second look does not see revocations',
    file: 'core/recheck.ts',
    from: '    coveringDenial(governance, { ...coverage, executions }, nowMs)',
    to: '    null',
    seeds: [1],
    by: 'S2',
  },
  {
    name: 'nothing is allowed to be revoked: check 11 sees no revocation',
    file: 'core/checks/revocation.ts',
    from: 'for (const each of found) if (each !== null) yield each',
    to: 'for (const each of found) if (each === undefined) yield each',
    seeds: [1],
    by: 'S2',
  },
  {
    name: 'there is no boot check (B13)',
    file: 'mesh/boot.ts',
    from: 'if (overruling === null && !this.#tally().complete) return false',
    to: '',
    seeds: [1],
    by: 'S9',
  },
  {
    name: 'a log that was set back goes on',
    file: 'mesh/boot.ts',
    from: 'if (this.rollback !== null) return false',
    to: '',
    seeds: [1],
    by: 'S9',
  },
  {
    name: 'an answer counts though its node is not checked yet',
    file: 'mesh/lease.ts',
    from: 'if (!answer.checked) return false',
    to: '',
    seeds: [1],
    by: 'S3',
  },
  {
    name: 'statements are applied before they are durable (B14)',
    file: 'mesh/kept.ts',
    from: '    try {\n      await this.#ports.persist([',
    to: '    for (const { apply } of waiters) apply()\n    try {\n      await this.#ports.persist([',
    seeds: [1],
    by: 'Q2',
  },
  {
    name: 'single use is not reserved (B15)',
    file: 'mesh/nonces.ts',
    from: '      this.#used.set(cid, expiresMs)\n',
    to: '',
    seeds: [1],
    by: 'S13',
  },
  {
    name: 'what was used is not written',
    file: 'mesh/authorizer.ts',
    from: '      ...uses,\n',
    to: '',
    seeds: [1],
    by: 'S13',
  },
  {
    name: 'what was used is not read again at a start',
    file: 'mesh/nonces.ts',
    from: 'used.set(cid, time(textOf(value), cid))',
    to: 'time(textOf(value), cid)',
    seeds: [1],
    by: 'S13',
  },
  {
    name: 'there is no anti-entropy, only gossip and pushes (B16)',
    file: 'mesh/sync.ts',
    from: '    this.#wanted.add(peer)\n',
    to: '',
    seeds: [1],
    by: 'L1',
  },
  {
    name: 'a new witness speaks without handover (B18)',
    file: 'mesh/handover.ts',
    from: 'return before === undefined || this.#closersOf(before, era, closed) >= closersNeeded(before)',
    to: 'return before !== null && closed >= 0 && era !== null',
    seeds: [1],
    by: 'Q1',
  },
  {
    name: 'a voice ages by wall clocks alone (B6)',
    file: 'core/lease-quorum.ts',
    from: 'return Math.min(sentMs + stalenessMs, monotonicMs + wallLeftMs)',
    to: 'return sentMs < 0 ? 0 : monotonicMs + wallLeftMs',
    seeds: [1],
    by: 'S3',
  },
  {
    name: 'a voice ages by the monotonic clock alone (B7)',
    file: 'core/lease-quorum.ts',
    from: 'return Math.min(sentMs + stalenessMs, monotonicMs + wallLeftMs)',
    to: 'return wallLeftMs === 0 ? 0 : sentMs + stalenessMs',
    seeds: [1],
    by: 'S3',
  },
  {
    name: 'a lease outlives pauses and steps of the clock',
    file: 'mesh/lease.ts',
    from: 'if (why !== null) this.reset(why)',
    to: '',
    seeds: [1],
    by: 'S3',
  },
  {
    name: 'a voice counts before its state is held here',
    file: 'mesh/lease.ts',
    from: '      await challenges.reach(answered.answer, signal)\n',
    to: '',
    seeds: [1],
    by: 'S3',
  },
  {
    name: 'an answer under another root counts',
    file: 'mesh/lease.ts',
    from: 'if (answer.root !== root.version || answer.opened !== currentEra(roots).from) return false',
    to: '',
    seeds: [1],
    by: 'S3',
  },
  {
    name: 'a date in the future is believed (B22)',
    file: 'mesh/lease.ts',
    from: 'if (timeMs > clock.wallMs() + root.lease.skewMs) return false',
    to: '',
    seeds: [1],
    by: 'S3',
  },
  {
    name: 'after a failed write the next index comes from memory (B20)',
    file: 'mesh/log.ts',
    from: '        await store.reopen()\n        this.#tree = store.tree\n',
    to: '        await store.reopen()\n',
    seeds: [1],
    by: 'P',
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
