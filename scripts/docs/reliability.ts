/** docs/reliability.md: what must hold, which tests say so, and what they find when it does not. */
import { type Invariant, LEASE, LIVENESS, SAFETY } from '../../test/lab/invariants.ts'
import { INVARIANTS } from '../../test/sim/checkers/checkers.ts'
import type { Mutation } from '../../test/sim/mutation.ts'
import { MUTATIONS } from '../../test/sim/mutations.ts'
import { matrix } from './matrix.ts'
import { linked, row } from './reasons.ts'

const CHECKED = new Map(INVARIANTS.map(({ id, says }) => [id, says]))

const ALSO_NOT: readonly string[] = [
  'Real disks that lie, and power that is really cut: the lab makes both out of the system calls, on one machine.',
  'Networks of more than one machine: distance is emulated.',
  'Many nodes under all faults at once in more than few worlds: twelve, twenty and fifty of them run in three.',
  "Node's permission flags: the launcher sets none, and an addon and ffi, which the daemon needs, would get around them. That no program is started is held by nothing: a collector is one (row 106).",
  'A machine that sleeps: the lab lets the monotonic clock of one process stand still while it is stopped (row 43).',
  'A million revocations: a mesh takes 250,000 statements, and the lab brings 100,000 of them (rows 34 and 36).',
  'A link that stands below two others, taken back by one chain after somebody took back too much below that one: it is denied on the nodes that took it first, and stays valid by the other chain elsewhere (row 129).',
  'A quick start with very many statements: each signature and key is looked at anew, 57 s of processor time for 100,000 revocations, 10,000 members and 10,000 policies; L3 is about records (row 36).',
  'Two hundred daemons: twenty of them start and join at once, and the two hundred that join are peers in one process (row 54).',
  'Two roots of one version in a simulated world: the fold alone is shown them, in every order (row 66).',
  'macOS: the tests that need Linux are skipped there, visibly.',
  'Anything that holds of this program only because its dependencies do what they say.',
]

export function reliabilityPage(): string {
  return [
    '# Reliability',
    '',
    'This page says what must hold, which tests would fail if it did not, and what they find when a bug is planted.',
    'It is made by `npm run docs` from those tests, and a test holds it to them.',
    '',
    'Safety (S) must hold always: under any loss and delay of messages, any partition, crash, pause or error of a disk,',
    'with any number of hostile outsiders, and of hostile members that are no witnesses. What the lease promises (Q)',
    'holds with it. Liveness (L) is promised once nodes reach each other again. Who may be compromised, and what',
    'still holds then, is in the [threat model](threat-model.md).',
    '',
    ...part('Safety', SAFETY),
    ...part('The lease', LEASE),
    ...part('Liveness', LIVENESS),
    ...AGAIN,
    ...plantedBugs(),
    ...matrix(),
    '## What is not covered',
    '',
    ...[...SAFETY, ...LEASE, ...LIVENESS].flatMap(({ id, gap }) =>
      gap ? [`- ${id}: ${gap}`] : [],
    ),
    ...ALSO_NOT.map((each) => `- ${each}`),
    '',
  ].join('\n')
}

/** The checker that each one has in the simulation, if it has one, and its tests. */
function part(title: string, invariants: readonly Invariant[]): readonly string[] {
  return [
    `## ${title}`,
    '',
    '| | what must hold | checked over every simulated history | tests |',
    '|---|---|---|---|',
    ...invariants.map(({ id, says, checker, tests }) =>
      row(id, says, checked(checker ?? id, id), tests.map(linked).join(', ')),
    ),
    '',
  ]
}

function checked(checker: string, id: string): string {
  const says = CHECKED.get(checker) ?? ''
  return checker === id ? says : `${checker}: ${says}`
}

const AGAIN: readonly string[] = [
  '## How to run it again',
  '',
  'Each test by itself: `node --test` with its file. All that is quick, in a minute or so: `npm test`;',
  'real networks and daemons, and what takes minutes: `npm run slow`. `npm run ci` is both, the lab, 20,000 simulated',
  'worlds and every planted bug: an hour and a half on two cores.',
  '',
  'The simulation runs whole nodes, as they ship, on a virtual clock, network and disks. A seed draws how many there',
  'are, what goes wrong and when, and says the same each time:',
  '',
  '```sh',
  'npm run sim -- --seeds 20000               # worlds of all sizes, and how often each check had something to check',
  'npm run sim -- --seed 18 --trace           # one of them, every event',
  'npm run sim -- --size whole --seeds 200    # of one size: whole, small or long',
  'npm run sim:lease -- --seeds 100000        # the bound of the lease, and that it breaks where a rule is left out',
  'npm run sim:planted                        # every planted bug, and what finds it',
  'npm run lab -- --rows 1-29                 # rows of the fault matrix, with what they measure',
  '```',
  '',
  'A seed that finds something is made smaller, fault by fault and request by request, and printed with the line that',
  'shows it again. Every fiftieth runs twice, on two threads, and must say the same. What is checked and never comes',
  'up in a long run fails it. In one of a hundred the signatures are Ed25519 and Cedar decides; in the others a hash',
  'does, and ten lines.',
  '',
  'Every kind of fault may be drawn for a world of any size. A *small* one is five virtual seconds of three nodes at',
  'which everything comes thicker, and nothing is mended: 97 of a hundred in a run of all sizes. A *whole* one has one',
  'to seven nodes, twenty seconds of faults and twenty of mending, after which all must be well again: one of fifty,',
  'and every one that a planted bug is sought in. In some, once all is well, one node crashes again, or turns hostile',
  'and stays so, for six seconds more. A *long* one is two minutes of five nodes, with a lease of twenty seconds: one',
  'of two hundred.',
  '',
  'Some of its checkers also look at what real nodes left: logs that they exported, and what their callers were told.',
  'The tests that kill daemons and cut them off end with that, and anybody may do it',
  '([check-history.ts](../scripts/check-history.ts) says what it reads):',
  '',
  '```sh',
  'node scripts/check-history.ts folder-with-logs',
  '```',
  '',
  'Seeds that ever found something are kept in [seeds.txt](../test/sim/seeds.txt), with what it was.',
  '',
]

function plantedBugs(): readonly string[] {
  const table = (letter: string) =>
    MUTATIONS.filter(({ id }) => id.startsWith(letter)).map((each) =>
      row(each.id, each.name, ...foundBy(each)),
    )
  const head = ['| | what is wrong | found by | first by seed |', '|---|---|---|---|']
  return [
    '## Planted bugs',
    '',
    'A check that never failed proves nothing. Each of these is an edit of the source that is loaded beside the program',
    '([mutations.ts](../test/sim/mutations.ts)); the check that is named must find it. The seed is the first one that',
    'did, counted from 1. Where a second defence hides a bug, that one is taken out as well.',
    '',
    ...head,
    ...table('B'),
    '',
    'Others, beside those that were planned:',
    '',
    ...head,
    ...table('M'),
    ...table('N'),
    ...table('A'),
    '',
    'And some that were found in this program, put back:',
    '',
    ...head,
    ...table('R'),
    '',
  ]
}

function foundBy({ by }: Mutation): readonly string[] {
  if ('checker' in by) return [`${by.checker}, in the simulation`, String(by.seed)]
  return [`${linked(by.test)}: ${by.name}`, '']
}
