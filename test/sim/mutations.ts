/**
 * Bugs that are planted to see whether they are found: the twenty-four of the
 * plan, each by its number, and others that are like what really happened.
 * Each is a few named edits of the source, of texts that are there exactly
 * once, so that none can rot in silence (mutant.ts).
 *
 * Where a second defence hides a bug, the second one is taken out with it, and
 * its name says so: `…, and …`.
 */
import { ASKERS } from './asker-mutations.ts'
import { EDGES } from './edge-mutations.ts'
import { MORE } from './more-mutations.ts'
import { edit, type Mutation } from './mutation.ts'
import { RARE } from './rare-mutations.ts'

const PLANNED: readonly Mutation[] = [
  {
    id: 'B1',
    name: 'an append is answered before it is durable',
    edits: [
      edit(
        'mesh/log.ts',
        '      await store.persist(group)\n',
        '      for (const { waiter, appended } of group.waiters) waiter.resolve(appended)\n      await store.persist(group)\n',
      ),
    ],
    by: { checker: 'S1', seed: 1 },
    quick: true,
  },
  {
    id: 'B2',
    name: 'after a storage error the handle is used on, by the database and by the store',
    edits: [
      edit(
        'storage/database.ts',
        "    this.#failure ??= failed('storage failed', error)\n    return this.#failure\n",
        "    return failed('storage failed', error)\n",
      ),
      edit(
        'storage/level.ts',
        "    this.#failure = database.poison(failed('storage failed', error))\n    if (/the disk is full/.test(this.#failure.message)) this.#reserve.release()\n    return this.#failure\n",
        "    return database.poison(failed('storage failed', error))\n",
      ),
    ],
    by: {
      test: 'test/ports/store-level.test.ts',
      name: 'a failed write is followed by nothing but errors, until it is opened again',
    },
    quick: false,
  },
  {
    id: 'B3',
    name: 'nothing is looked at again after the record is durable',
    edits: [
      edit(
        'mesh/authorizer.ts',
        'const late = this.#unwritable() ?? call.recheck(judgement, record.id)',
        'const late = null as Denial | null',
      ),
    ],
    by: { checker: 'S2', seed: 13 },
    quick: true,
  },
  {
    id: 'B4',
    name: 'policies that err are passed over, as Cedar itself does',
    edits: [
      edit(
        'daemon/cedar-bundle.ts',
        "    if (answer.errors.length > 0) return { kind: 'error', errors: answer.errors }\n",
        '',
      ),
    ],
    by: {
      test: 'test/ports/policy-engine.test.ts',
      name: 'cedar: a bundle whose forbid reads a missing attribute never allows',
    },
    quick: false,
  },
  {
    id: 'B5',
    name: "signatures are verified as noble does by default, which is ZIP 215's rule",
    edits: [
      edit(
        'core/keys.ts',
        '  return verify(null, message, key, signature)\n',
        '  return key !== null && ed25519.verify(signature, message, admit(did).publicKey)\n',
      ),
    ],
    by: {
      test: 'test/vectors/ed25519.test.ts',
      name: 'refused: R with a point of order 8: holds with cofactor only',
    },
    quick: false,
  },
  {
    id: 'B6',
    name: 'a voice ages by wall clocks alone',
    edits: [
      edit(
        'core/lease-quorum.ts',
        'return Math.min(sentMs + stalenessMs, monotonicMs + wallLeftMs)',
        'return sentMs < 0 ? 0 : monotonicMs + wallLeftMs',
      ),
    ],
    by: { checker: 'S3', seed: 1 },
    quick: false,
  },
  {
    id: 'B7',
    name: 'a voice ages by the monotonic clock alone, and no step of the wall clock empties the lease',
    edits: [
      edit(
        'core/lease-quorum.ts',
        'return Math.min(sentMs + stalenessMs, monotonicMs + wallLeftMs)',
        'return sentMs + stalenessMs + 0 * wallLeftMs * monotonicMs',
      ),
      edit('mesh/lease.ts', 'if (why !== null) this.reset(why)', ''),
    ],
    by: { checker: 'S3', seed: 2 },
    quick: false,
  },
  {
    id: 'B8',
    name: 'a database that is gone is made anew, and nobody misses what it held',
    edits: [
      edit(
        'storage/level.ts',
        'await Database.open(join(directory, FILES.database))',
        'await Database.open(join(directory, FILES.database), true)',
      ),
    ],
    by: {
      test: 'test/ports/store-level.test.ts',
      name: 'a lost CURRENT is damage, never a new database',
    },
    quick: false,
  },
  {
    id: 'B9',
    name: 'a version of a bundle may leave others out',
    edits: [
      edit(
        'core/fold-bundles.ts',
        'ids.get(each) === version - 1',
        '(ids.get(each) ?? 0) < version',
      ),
    ],
    by: {
      test: 'test/unit/fold-bundles.test.ts',
      name: 'fast-forward: a version without the one before it stays pending',
    },
    quick: false,
  },
  {
    id: 'B10',
    name: 'evidence is not kept over a restart',
    edits: [
      edit(
        'mesh/statements.ts',
        '      [{ id, bytes }, ...evicted',
        "      [{ id, bytes: statement.type === 'evidence' ? null : bytes }, ...evicted",
      ),
    ],
    by: {
      test: 'test/unit/evidence-set.test.ts',
      name: 'it is not forgotten by a restart, and neither is who is distrusted (B10)',
    },
    quick: false,
  },
  {
    id: 'B11',
    name: 'one key counts as often as it signs',
    edits: [edit('core/roles.ts', '[...new Set(signers)]', '[...signers]')],
    by: { test: 'test/unit/fold.test.ts', name: 'the same key under two signatures counts once' },
    quick: false,
  },
  {
    id: 'B12',
    name: 'what a policy said is remembered without which policy it was',
    edits: [
      edit(
        'daemon/cedar-bundle.ts',
        'JSON.stringify([this.#key, type, id, action, resource.type, resource.id])',
        'JSON.stringify([this.name, type, id, action, resource.type, resource.id])',
      ),
    ],
    by: {
      test: 'test/ports/policy-engine.test.ts',
      name: 'cedar: a later load replaces an earlier one whole',
    },
    quick: false,
  },
  {
    id: 'B13',
    name: 'there is no boot check',
    edits: [
      edit('mesh/boot.ts', 'if (overruling === null && !this.#tally().complete) return false', ''),
    ],
    by: { checker: 'Q1', seed: 27 },
    quick: true,
  },
  {
    id: 'B14',
    name: 'statements are applied, and announced, before they are durable',
    edits: [
      edit(
        'mesh/kept.ts',
        '        return this.#putsOf(changes, waiters)\n',
        '        for (const { apply } of waiters) apply()\n        return this.#putsOf(changes, waiters)\n',
      ),
    ],
    by: { checker: 'Q2', seed: 1 },
    quick: true,
  },
  {
    id: 'B15',
    name: 'single use is looked at, and not reserved',
    edits: [edit('mesh/nonces.ts', '      this.#used.set(cid, expiresMs)\n', '')],
    by: { checker: 'S13', seed: 1 },
    quick: true,
  },
  {
    id: 'B16',
    name: 'nobody compares by itself: gossip alone',
    edits: [edit('mesh/sync.ts', '    this.#wanted.add(peer)\n', '')],
    by: {
      test: 'test/sim/sync.test.ts',
      name: 'a healed partition converges without gossip, both halves having learned (L1)',
    },
    quick: false,
  },
  {
    id: 'B17',
    name: 'a root may say read + write = n',
    edits: [
      edit(
        'core/lease-quorum.ts',
        'read + write > witnesses + faults',
        'read + write >= witnesses + faults',
      ),
    ],
    by: {
      test: 'test/unit/lease-quorum.test.ts',
      name: 'quorums meet exactly when any two of their sizes share more than the liars',
    },
    quick: false,
  },
  {
    id: 'B18',
    name: 'new witnesses speak without a handover',
    edits: [
      edit(
        'mesh/handover.ts',
        'return before === undefined || this.#closersOf(before, era, closed) >= closersNeeded(before)',
        'return before === undefined || this.#closersOf(before, era, closed) >= 0',
      ),
    ],
    by: { checker: 'Q6', seed: 5 },
    quick: false,
  },
  {
    id: 'B19',
    name: "a peer's checkpoint is known before it is durable here",
    edits: [
      edit(
        'mesh/checkpoints.ts',
        "        await persist([{ space: 'checkpoint', key, value: utf8(kept.note) }])\n        this.#known.set(key, kept)\n",
        "        this.#known.set(key, kept)\n        await persist([{ space: 'checkpoint', key, value: utf8(kept.note) }])\n",
      ),
    ],
    by: {
      test: 'test/unit/lease-checkpoints.test.ts',
      name: 'a checkpoint is known only once it is durable',
    },
    quick: false,
  },
  {
    id: 'B20',
    name: 'after a failed write the next index comes from memory',
    edits: [
      edit(
        'mesh/log.ts',
        '        await store.reopen()\n        this.#tree = store.tree\n',
        '        await store.reopen()\n',
      ),
    ],
    by: { checker: 'L4', seed: 7 },
    quick: false,
  },
  {
    id: 'B21',
    name: 'a bundle falls back to the version before when its newest one lost its signers',
    edits: [
      edit(
        'core/fold-bundles.ts',
        'const blocking = blockingOf(bundle, carried, top, chain)',
        'const blocking: readonly Policy[] = blockingOf(bundle, [], top, chain)',
      ),
    ],
    by: { checker: 'S7', seed: 9 },
    quick: false,
  },
  {
    id: 'B22',
    name: 'an answer dated in the future counts, when it comes and ever after',
    edits: [
      edit(
        'mesh/lease.ts',
        '    if (timeMs > clock.wallMs() + root.lease.skewMs) return false\n',
        '',
      ),
      edit('core/lease-quorum.ts', '  if (timeMs > wallMs + terms.skewMs) return 0\n', ''),
    ],
    by: {
      test: 'test/unit/lease-quorum.test.ts',
      name: 'a date in the future does not count, an old one shortens',
    },
    quick: false,
  },
  {
    id: 'B23',
    name: 'who was not greeted is given gossip',
    edits: [
      edit(
        'network/gossip-guard.ts',
        "if (!this.#admit(connection)) return stream.abort(new Error('not greeted'))",
        '',
      ),
    ],
    by: {
      test: 'test/unit/network-gossip-guard.test.ts',
      name: 'a connection that is not admitted gets no gossip in either direction',
    },
    quick: false,
  },
  {
    id: 'B24',
    name: 'what waits for signatures has one quota for all signers',
    edits: [
      edit(
        'mesh/pending.ts',
        'const kept = this.#kept(owner, one)\n',
        "const kept = this.#kept('here', one)\n",
      ),
    ],
    by: {
      test: 'test/unit/pending.test.ts',
      name: 'a flood of one signer evicts nothing of another (S21)',
    },
    quick: false,
  },
]

export const MUTATIONS: readonly Mutation[] = [...PLANNED, ...MORE, ...EDGES, ...ASKERS, ...RARE]
