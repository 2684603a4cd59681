/** Planted bugs beside the planned ones: of decisions, leases, lineage and witnesses; some of them have happened. */
import { edit, type Mutation } from './mutation.ts'

export const MORE: readonly Mutation[] = [
  {
    id: 'M1',
    name: 'a failed write is taken for a good one',
    edits: [
      edit(
        'mesh/log.ts',
        'for (const { waiter } of group.waiters) waiter.reject(why)',
        'for (const { waiter, appended } of group.waiters) waiter.resolve(appended)',
      ),
      // The look at the seal before the answer would hide it: the failure sealed the log.
      edit(
        'mesh/authorizer.ts',
        'this.#unwritable() ?? call.recheck(judgement, record.id)',
        'call.recheck(judgement, record.id)',
      ),
    ],
    by: { checker: 'S1', seed: 15 },
    quick: true,
  },
  {
    id: 'M2',
    name: 'the second look does not see revocations',
    edits: [
      edit(
        'core/recheck.ts',
        '    coveringDenial(governance, { ...coverage, executions }, nowMs)',
        '    null',
      ),
    ],
    by: { checker: 'S2', seed: 13 },
    quick: true,
  },
  {
    id: 'M3',
    name: 'nothing is allowed to be revoked: check 11 sees no revocation',
    edits: [
      edit(
        'core/checks/revocation.ts',
        'for (const each of found) if (each !== null) yield each',
        'for (const each of found) if (each === undefined) yield each',
      ),
    ],
    by: { checker: 'S2', seed: 1 },
    quick: true,
  },
  {
    id: 'M4',
    name: 'a denied record is a parent',
    edits: [
      edit(
        'core/lineage.ts',
        "if (record.type !== 'decision' || record.effect !== 'allow' || root === null)",
        "if (record.type !== 'decision' || root === null)",
      ),
    ],
    by: { checker: 'S22', seed: 11 },
    quick: false,
  },
  {
    id: 'M5',
    name: 'anybody may descend from anybody',
    edits: [
      edit(
        'core/lineage.ts',
        'if (principal === null || !chain.includes(principal))',
        'if (principal === null)',
      ),
    ],
    by: { checker: 'S22', seed: 11 },
    quick: true,
  },
  {
    id: 'M6',
    name: 'what is above it may be revoked',
    edits: [
      edit(
        'core/checks/revocation.ts',
        'for (const each of found) if (each !== null && nowMs < each.untilMs) return revoked(each)',
        'for (const each of found) if (each === undefined) return revoked(each)',
      ),
    ],
    by: { checker: 'S2', seed: 15 },
    quick: false,
  },
  {
    id: 'M7',
    name: 'a witness signs before it persists',
    edits: [
      edit(
        'mesh/witness.ts',
        "if (!(await this.#keep(key, seen))) return refused('unready')",
        'void this.#keep(key, seen)',
      ),
    ],
    by: { checker: 'S25', seed: 1 },
    quick: true,
  },
  {
    id: 'M8',
    name: 'one witness is taken for a quorum',
    edits: [
      edit('mesh/cosigning.ts', 'counted.size < governance.root.lease.write', 'counted.size < 1'),
    ],
    by: { checker: 'S26', seed: 1 },
    quick: true,
  },
  {
    id: 'M9',
    name: 'a node goes on though it knows the evidence against it',
    edits: [
      edit(
        'core/checks/governance.ts',
        'const evidence = distrusted.get(self)',
        'const evidence = undefined',
      ),
    ],
    by: { checker: 'S4', seed: 19 },
    quick: false,
  },
  {
    id: 'M10',
    name: 'an answer counts though its node is not checked yet',
    edits: [edit('mesh/lease.ts', 'if (!answer.checked) return false', '')],
    by: { checker: 'S3', seed: 6 },
    quick: true,
  },
  {
    id: 'M11',
    name: 'what was used is not written',
    edits: [edit('mesh/authorizer.ts', '      ...uses,\n', '')],
    by: { checker: 'S13', seed: 6 },
    quick: false,
  },
  {
    id: 'M12',
    name: 'what was used is not read again at a start',
    edits: [
      edit('mesh/nonces.ts', 'used.set(cid, time(textOf(value), cid))', 'time(textOf(value), cid)'),
    ],
    by: { checker: 'S13', seed: 6 },
    quick: false,
  },
  {
    id: 'M13',
    name: 'a lease outlives pauses and steps of the clock',
    edits: [edit('mesh/lease.ts', 'if (why !== null) this.reset(why)', '')],
    by: { checker: 'S3', seed: 2 },
    quick: true,
  },
  {
    id: 'M14',
    name: 'a voice counts before its state is held here',
    edits: [edit('mesh/lease.ts', '      await challenges.reach(answered.answer, signal)\n', '')],
    by: { checker: 'S3', seed: 10 },
    quick: true,
  },
  {
    id: 'M15',
    name: 'an answer under another root counts',
    edits: [
      edit(
        'mesh/lease.ts',
        'if (answer.root !== root.version || answer.opened !== currentEra(roots).from) return false',
        '',
      ),
    ],
    by: { checker: 'S3', seed: 6 },
    quick: false,
  },
  {
    id: 'M16',
    name: 'a decision waits for its record as long as that takes',
    edits: [
      edit(
        'mesh/authorizer.ts',
        'return this.#deadlines.within(promise, receivedMs + DECISION_DEADLINE_MS)',
        'return this.#deadlines.within(promise, receivedMs + 100 * DECISION_DEADLINE_MS)',
      ),
    ],
    by: { checker: 'L7', seed: 1 },
    quick: false,
  },
  {
    id: 'M17',
    name: 'whatever was used once, everything was',
    edits: [
      edit(
        'mesh/nonces.ts',
        'return this.#used.has(cid)',
        'return this.#used.size > 0 && cid.length > 0',
      ),
    ],
    by: { checker: 'S10', seed: 1 },
    quick: true,
  },
  {
    id: 'M18',
    name: 'evidence that others made is not taken',
    edits: [
      edit(
        'mesh/statements.ts',
        '    if (bytes.length > STATEMENT_BYTES_MAX) return TOO_LONG\n',
        "    if (bytes.length > STATEMENT_BYTES_MAX) return TOO_LONG\n    if (statement.type === 'evidence' && via !== 'local') return TOO_LONG\n",
      ),
    ],
    by: { checker: 'L5', seed: 9 },
    quick: false,
  },
  {
    id: 'M19',
    name: 'who said no hello is answered, and given gossip',
    edits: [
      edit(
        'network/links.ts',
        'return link?.greeted === true && this.#admitted(link) ? link.peer : null',
        'return link === undefined ? null : link.peer',
      ),
    ],
    by: {
      test: 'test/ports/network-libp2p.test.ts',
      name: 'libp2p: who skips the hello gets no byte of gossip or answers, and is cut in time',
    },
    quick: false,
  },
  {
    id: 'M20',
    name: 'one signature is enough where two are needed',
    edits: [
      edit(
        'core/force.ts',
        'if (counting.length < role.threshold) {',
        'if (counting.length < 1) {',
      ),
    ],
    by: { checker: 'S8', seed: 4 },
    quick: false,
  },
  {
    id: 'M21',
    name: 'a signature under the name of a key in the role is not verified',
    edits: [
      edit(
        'core/admission.ts',
        'named.filter((each) => isGood(each, message, hash))',
        'named.filter((each) => isGood(each, message, hash) || each.key !== null)',
      ),
    ],
    by: { checker: 'S8', seed: 1 },
    quick: false,
  },
  {
    id: 'M22',
    name: 'the second signature takes the place of the first',
    edits: [edit('mesh/admission.ts', 'read(() => mergeSignatures(known, good))', 'good')],
    by: { checker: 'S21', seed: 4 },
    quick: false,
  },
  {
    id: 'M23',
    name: 'one signer that floods takes the places of others',
    edits: [
      edit(
        'mesh/pending.ts',
        'const kept = this.#kept(owner, one)\n',
        "const kept = this.#kept('here', one)\n",
      ),
    ],
    by: { checker: 'S21', seed: 4 },
    quick: false,
  },
  {
    id: 'M24',
    name: 'denials without a record are counted nowhere',
    edits: [
      edit(
        'mesh/authorizer.ts',
        'const draft = call.draft(judgement, denial, supersedes, unrecorded)',
        'const draft = call.draft(judgement, denial, supersedes, 0 * unrecorded)',
      ),
    ],
    by: { checker: 'S20', seed: 1 },
    quick: false,
  },
  {
    id: 'R1',
    name: 'a bundle whose newest version lost its signers cannot be published again',
    edits: [
      edit(
        'mesh/submission.ts',
        '  if (conflict !== null) return unlessAfter(what, policy.version, newest)\n',
        '',
      ),
    ],
    by: {
      test: 'test/unit/statements-submit.test.ts',
      name: 'a version that lost its signers with a root is followed by the next one, signed anew',
    },
    quick: false,
  },
  {
    id: 'R2',
    name: 'what a peer showed of the own log is forgotten when it goes away before its state is held',
    edits: [
      edit(
        'mesh/boot.ts',
        'would be forgotten.\n      if (answer.yours !== null) await this.#show(answer.yours)\n',
        'would be forgotten.\n',
      ),
    ],
    by: {
      test: 'test/unit/boot.test.ts',
      name: 'what a peer showed of this log counts though its state was never held whole',
    },
    quick: false,
  },
  {
    id: 'R3',
    name: 'a rollback that a peer showed is forgotten with the next start',
    edits: [
      edit(
        'mesh/boot.ts',
        "await this.#ports.persist([{ space: 'governance', key: 'rollback', value }])",
        'await this.#ports.persist([])',
      ),
    ],
    by: {
      test: 'test/unit/boot.test.ts',
      name: 'a rollback that was shown is known at the next start, whoever is away then',
    },
    quick: false,
  },
  {
    id: 'R4',
    name: 'what a peer shows while the boot check waits for another one is not heeded',
    edits: [
      edit(
        'mesh/node-parts.ts',
        'const rollback = note === null ? null : await own.check(note)',
        'const rollback = note === null || !boot.done ? null : await own.check(note)',
      ),
    ],
    by: {
      test: 'test/sim/boot-mesh.test.ts',
      name: 'a witness whose disk was slow tells of the newer log after it was asked: the boot check heeds it',
    },
    quick: false,
  },
  {
    id: 'R5',
    name: 'a lease with less than a millisecond left is judged otherwise when it is judged again',
    edits: [
      edit(
        'core/verify/rejudge.ts',
        '(record.lease.remainingMs ?? 0) + 1 : 0',
        '(record.lease.remainingMs ?? 0) : 0',
      ),
    ],
    by: {
      test: 'test/unit/replay.test.ts',
      name: 'a lease that had less than a millisecond left was held',
    },
    quick: false,
  },
]
