/** Planted bugs at the edges of a node: of what runs, of who asks, of who is outside, and of what is printed. */
import { edit, type Mutation } from './mutation.ts'

export const EDGES: readonly Mutation[] = [
  {
    id: 'N1',
    name: 'a revocation does not reach what runs',
    edits: [edit('mesh/executions.ts', 'return standing.recheck()', 'return null')],
    by: { checker: 'S23', seed: 1 },
    quick: true,
  },
  {
    id: 'N2',
    name: 'the outcome of what a former start left is not recorded',
    edits: [edit('mesh/executions.ts', 'await this.#tell()', 'await Promise.resolve()')],
    by: { checker: 'S23', seed: 1 },
    quick: false,
  },
  {
    id: 'N3',
    name: 'who is suspended is answered on, until its connection is looked at',
    edits: [
      edit(
        'mesh/standing.ts',
        "  if (freezes.get(scopeKey({ kind: 'node', did: node }))?.frozen === true) return false\n",
        '',
      ),
      edit('mesh/door.ts', 'if (banned) this.#bar(peer, envelope)', 'if (banned) void envelope'),
      edit(
        'network/links.ts',
        'greeter.member(peer) && !greeter.banned(peer)',
        'greeter.member(peer)',
      ),
    ],
    by: { checker: 'S15', seed: 26 },
    quick: true,
  },
  {
    id: 'N4',
    name: 'who was revoked is told nothing, and stays connected',
    edits: [
      edit('mesh/door.ts', 'if (banned) this.#bar(peer, envelope)', 'if (banned) void envelope'),
      edit(
        'network/links.ts',
        "if (greeter.banned(link.peer)) return 'suspended, revoked or distrusted'",
        "if (link.peer === this.#ports.self) return 'suspended, revoked or distrusted'",
      ),
      edit(
        'network/links.ts',
        "if (!greeter.member(link.peer)) return 'no longer a member'",
        "if (link.peer === this.#ports.self) return 'no longer a member'",
      ),
    ],
    by: { checker: 'S15', seed: 6 },
    quick: false,
  },
  {
    id: 'N5',
    name: 'who said no more than a hello is answered',
    edits: [
      edit(
        'network/links.ts',
        'return link?.greeted === true && this.#admitted(link) ? link.peer : null',
        'return link === undefined ? null : link.peer',
      ),
    ],
    by: { checker: 'S15', seed: 6 },
    quick: true,
  },
  {
    id: 'N6',
    name: 'who waits at the door is shown members, and where they are',
    edits: [edit('mesh/hello-answer.ts', "  if (result !== 'member') return shown\n", '')],
    by: { checker: 'S15', seed: 13 },
    quick: false,
  },
  {
    id: 'N7',
    name: 'a membership does not end',
    edits: [
      edit(
        'mesh/standing.ts',
        'member === undefined || nowMs >= member.expiresMs',
        'member === undefined || nowMs < 0',
      ),
    ],
    by: { checker: 'S15', seed: 15 },
    quick: false,
  },
  {
    id: 'N8',
    name: 'an invite is used up once the disk has it, and not before',
    edits: [
      edit('mesh/invites.ts', 'this.#invites.set(id, bound)\n    const done', 'const done'),
      edit(
        'mesh/invites.ts',
        'await this.#ports.persist([putOf(id, bound)])\n    assert',
        'await this.#ports.persist([putOf(id, bound)])\n    this.#invites.set(id, bound)\n    assert',
      ),
      edit(
        'mesh/invites.ts',
        'this.#redeeming.get(id) ?? this.#bind(id, invite, who)',
        'this.#bind(id, invite, who)',
      ),
    ],
    by: { checker: 'S24', seed: 34 },
    quick: true,
  },
  {
    id: 'N9',
    name: 'an invite does not expire',
    edits: [
      edit(
        'mesh/invites.ts',
        'if (taken === null && this.#ports.clock.wallMs() >= invite.expiresMs)',
        'if (taken === null && this.#ports.clock.wallMs() < 0)',
      ),
    ],
    by: { checker: 'S24', seed: 2 },
    quick: false,
  },
  {
    id: 'N10',
    name: 'who makes invites believes its disk, whatever the mesh knows',
    edits: [edit('mesh/invites.ts', 'invite.redeemedBy ?? this.#takenBy(id)', 'invite.redeemedBy')],
    by: {
      test: 'test/sim/join-invite.test.ts',
      name: 'an invite is used up after the redeemer was restored to the day before',
    },
    quick: false,
  },
  {
    id: 'N11',
    name: 'an invite makes a witness',
    edits: [edit('mesh/invites.ts', 'witnessEligible: false', 'witnessEligible: true')],
    by: { checker: 'S24', seed: 2 },
    quick: false,
  },
  {
    id: 'N20',
    name: 'a replay looks for the cause in the request alone',
    edits: [
      edit(
        'core/exhibit.ts',
        'request?.cause ?? invocation?.cause ?? null',
        'request?.cause ?? (invocation === null ? null : null)',
      ),
    ],
    by: { checker: 'S11', seed: 2 },
    quick: false,
  },
  {
    id: 'N21',
    name: 'a record does not say what stopped it on its way to the disk',
    edits: [
      edit(
        'core/decision-record.ts',
        'arriving.length === 0 ? {} : { arriving }',
        'arriving.length < 1e9 ? {} : { arriving }',
      ),
    ],
    by: { checker: 'S11', seed: 1 },
    quick: false,
  },
  {
    id: 'N22',
    name: 'a record does not say when it was judged',
    edits: [
      edit(
        'mesh/grouping.ts',
        "judged === head['time'] ? rest : draft",
        'judged !== null ? rest : draft',
      ),
    ],
    by: {
      test: 'test/unit/log.test.ts',
      name: 'a decision says when it was judged where it is written at another time, and there alone',
    },
    quick: false,
  },
  {
    id: 'N12',
    name: 'what the disk gives of statements at a start is believed',
    edits: [
      edit('mesh/kept.ts', 'if (!fresh && (', 'if (fresh && ('),
      edit('mesh/restore.ts', '&& !undecided) throw', '&& undecided && !undecided) throw'),
      edit('mesh/restore.ts', 'if (!chosen && !equalBytes', 'if (chosen && !equalBytes'),
    ],
    by: { checker: 'S6', seed: 51 },
    quick: false,
  },
  {
    id: 'N13',
    name: 'the lease that a permit asks for is not looked at',
    edits: [
      edit(
        'core/matter.ts',
        'if (stalenessMs === null || ref === undefined)',
        'if (stalenessMs !== -1)',
      ),
      edit('core/recheck.ts', 'if (stalenessMs === null) return', 'if (stalenessMs !== -1) return'),
    ],
    by: { checker: 'Q9', seed: 7 },
    quick: false,
  },
  {
    id: 'N14',
    name: 'the second look is at the lease of the root alone',
    edits: [
      edit('core/recheck.ts', 'if (stalenessMs === null) return', 'if (stalenessMs !== -1) return'),
    ],
    by: { checker: 'Q9', seed: 47 },
    quick: false,
  },
  {
    id: 'N15',
    name: 'what a permit asks for takes the place of what the root does',
    edits: [
      edit(
        'mesh/lease.ts',
        'Math.min(this.#boundMs(root), atMostMs)',
        'Number.isFinite(atMostMs) ? atMostMs : this.#boundMs(root)',
      ),
      edit(
        'core/matter.ts',
        'return own.held && (!asked.held || asked.untilMs < own.untilMs) ? asked : own',
        'return asked',
      ),
    ],
    by: { checker: 'Q9', seed: 1 },
    quick: false,
  },
  {
    id: 'N16',
    name: 'of the permits that an allow rests on the one that asks for least counts',
    edits: [edit('daemon/cedar-combine.ts', 'Math.min(...bounds)', 'Math.max(...bounds)')],
    by: { checker: 'Q9', seed: 100 },
    quick: false,
  },
  {
    id: 'N17',
    name: 'what a witness signed once counts for ever, whatever became of its disk',
    edits: [
      edit(
        'mesh/spread-view.ts',
        'return sinceMs <= last.sinceMs && askedMs >= last.sinceMs',
        'return sinceMs <= last.sinceMs || askedMs >= last.sinceMs',
      ),
    ],
    by: {
      test: 'test/unit/lease-spread.test.ts',
      name: 'the word of a witness whose disk was set back since makes no commit',
    },
    quick: false,
  },
  {
    id: 'N18',
    name: 'a bound is printed by the clock as it was at the commit',
    edits: [
      edit(
        'mesh/spread-view.ts',
        'committedAtMs = committed === null ? null : wallMsOf(committed, clock)',
        'committedAtMs = committed === null ? null : committed.wallMs',
      ),
    ],
    by: {
      test: 'test/unit/lease-spread.test.ts',
      name: 'a clock that was set since the commit moves the bound that is printed',
    },
    quick: false,
  },
  {
    id: 'N19',
    name: 'one witness makes a commit',
    edits: [
      edit(
        'mesh/spread-view.ts',
        'return words.length >= write && words.some((last) => held(last) >= write)',
        'return words.some((last) => held(last) >= Math.min(1, write))',
      ),
    ],
    by: { checker: 'Q7', seed: 2 },
    quick: false,
  },
  {
    id: 'N24',
    name: 'a bound is printed before the commit',
    edits: [
      edit(
        'mesh/spread-view.ts',
        'committedAtMs === null ? null : committedAtMs + stalenessMs + 2 * skewMs',
        '(committedAtMs ?? clock.wallMs()) + stalenessMs + 2 * skewMs',
      ),
    ],
    by: { checker: 'Q7', seed: 5 },
    quick: false,
  },
  {
    id: 'N31',
    name: 'who starts again is kept out until its old connection is found dead',
    edits: [
      edit(
        'network/election.ts',
        'if (older.boot !== newer.boot) return newer',
        'if (older.boot !== newer.boot) return older',
      ),
    ],
    by: { checker: 'L3', seed: 2 },
    quick: true,
  },
  {
    id: 'N32',
    name: 'the boot check begins once everybody ought to be there',
    edits: [
      edit(
        'mesh/boot.ts',
        'this.#startedMs = this.#ports.clock.monotonicMs()',
        'this.#startedMs = this.#ports.clock.monotonicMs()\n    await this.#ports.clock.sleep(8_000, signal)',
      ),
    ],
    by: { checker: 'L3', seed: 2 },
    quick: false,
  },
  {
    id: 'N33',
    name: 'who met a liar compares with nobody for a while',
    edits: [
      edit(
        'mesh/sync.ts',
        'return (this.#penalties.get(peer) ?? 0) >',
        'return Math.max(0 * peer.length, ...this.#penalties.values()) >',
      ),
    ],
    by: { checker: 'L6', seed: 12 },
    quick: false,
  },
  {
    id: 'N34',
    name: 'witnesses are asked one after the other',
    edits: [
      edit(
        'mesh/lease.ts',
        'for (const witness of this.#dueNow()) void this.#ask(witness, signal)',
        'for (const witness of this.#dueNow()) await this.#ask(witness, signal)',
      ),
    ],
    by: { checker: 'L6', seed: 1 },
    quick: true,
  },
  {
    id: 'N42',
    name: 'the bound that is printed is the time of the commit',
    edits: [
      edit('mesh/spread-view.ts', 'committedAtMs + stalenessMs + 2 * skewMs', 'committedAtMs'),
    ],
    by: { checker: 'Q7', seed: 2 },
    quick: false,
  },
]
