/**
 * What must hold, in plain words, and the tests that would fail if it did not.
 * Safety (S) holds always; what the lease promises (Q) with it; liveness (L) once the world lets it.
 * Those with a checker of that name are also checked over every simulated history (test/sim/checkers).
 */

export interface Invariant {
  readonly id: string
  readonly says: string
  /** In the simulation it is part of this checker; absent where the checker has its own name, or there is none. */
  readonly checker?: string
  /** Test files. */
  readonly tests: readonly string[]
  /** What of it nothing checks. */
  readonly gap?: string
}

const unit = (...names: string[]) => names.map((name) => `test/unit/${name}.test.ts`)
const of = (folder: string, ...names: string[]) =>
  names.map((name) => `test/${folder}/${name}.test.ts`)

export const SAFETY: readonly Invariant[] = [
  {
    id: 'S1',
    says: 'An allow has a record that was durable before it was answered, for ever.',
    tests: [...unit('authorizer', 'log'), ...of('e2e', 'storage'), ...of('long', 'kill')],
  },
  {
    id: 'S2',
    says: 'Nothing is allowed that a revocation or freeze covers which this node accepted before the answer.',
    tests: unit('authorizer', 'recheck', 'stops'),
  },
  {
    id: 'S3',
    says: 'Nothing is allowed without a lease.',
    tests: [...unit('lease', 'lease-quorum'), ...of('sim', 'lease')],
  },
  {
    id: 'S4',
    says: 'Evidence against a log is permanent and proves itself; nothing rests on a node of which there is any, and no honest node is ever one.',
    tests: [...unit('evidence-set', 'equivocation', 'evidence'), ...of('long', 'equivocation')],
  },
  {
    id: 'S5',
    says: 'A log is one sequence: what is at an index never changes, and no index is left out.',
    tests: [...unit('log', 'merkle'), ...of('ports', 'store')],
  },
  {
    id: 'S6',
    says: 'No byte that was not verified decides anything or is exported: damage is repaired, denied or seals the log.',
    tests: [...of('ports', 'store-damage'), ...unit('scrub', 'mend', 'mirror', 'refetch')],
  },
  {
    id: 'S7',
    says: 'Governance only moves forward, and equal sets of statements give equal governance, whatever the order.',
    tests: [...unit('fold', 'fold-roots', 'fold-bundles', 'fold-order'), ...of('sim', 'sync-disk')],
  },
  {
    id: 'S8',
    says: 'A threshold counts distinct keys in the role, of this mesh and this type of statement.',
    tests: unit('fold', 'fold-roots', 'statements-set'),
  },
  {
    id: 'S9',
    says: 'No honest node contradicts its own checkpoints; one whose disk was set back is told so and does not go on before a mirror brought back what is missing.',
    tests: [
      ...unit('boot', 'own-log', 'refetch'),
      ...of('sim', 'lease-mesh', 'refetch'),
      ...of('long', 'epoch', 'mirror'),
    ],
  },
  {
    id: 'S10',
    says: 'Doubt denies: what throws, is late, missing, unknown or too large is a deny with a code of the closed list.',
    tests: [...unit('authorizer', 'judge', 'decider'), ...of('ports', 'policy-engine')],
  },
  {
    id: 'S11',
    says: 'Every decision comes out the same when it is judged again from what was recorded.',
    tests: [...unit('replay', 'judge-remembered'), ...of('vectors', 'ed25519')],
  },
  {
    id: 'S12',
    says: 'Delegation only narrows: what a chain grants, each of its links grants.',
    tests: unit('narrowing', 'chain', 'delegation'),
  },
  {
    id: 'S13',
    says: 'What may be used once is used once on a node, also by a hundred at a time, also over a crash.',
    tests: unit('authorizer', 'nonces', 'relearn'),
  },
  {
    id: 'S14',
    says: 'The caller is who the kernel says, and what the artifact names.',
    tests: [
      ...unit('caller', 'facts', 'peer-credentials', 'peer-process', 'proc', 'in-toto'),
      ...of('e2e', 'callers', 'identity'),
    ],
  },
  {
    id: 'S15',
    says: 'Who is no admitted member gets no byte of governance or of the log.',
    tests: [
      ...of('sim', 'join'),
      ...of('e2e', 'stranger'),
      ...of('ports', 'network-libp2p'),
      ...unit('network-gossip-guard'),
    ],
  },
  {
    id: 'S16',
    says: 'Everything is bounded: memory, queues, handles, and what one peer, key or caller may take.',
    tests: [
      ...unit('burden', 'network-slots', 'revocation-quotas', 'statements-flood'),
      ...of('e2e', 'abuse'),
    ],
  },
  {
    id: 'S17',
    checker: 'S5',
    says: 'After the first storage error nothing more is acknowledged on that handle, and the next index comes from disk.',
    tests: [...of('ports', 'store-level'), ...unit('log'), ...of('e2e', 'storage-full')],
  },
  {
    id: 'S18',
    says: 'Secrets are in no output: an invite is never stored or told whole, keys are private files.',
    tests: [...unit('invite'), ...of('sim', 'join-invite'), ...of('lab', 'secrets')],
  },
  {
    id: 'S19',
    says: 'What is exported verifies elsewhere with the trust root alone; any changed bit is found, and nothing is printed that a terminal would obey.',
    tests: [...unit('verify-bundle', 'verify-receipt', 'cli-escapes'), ...of('e2e', 'evidence')],
  },
  {
    id: 'S20',
    says: 'Denials leave a trace: denied calls are recorded denials, or counted in the next record.',
    tests: unit('authorizer'),
  },
  {
    id: 'S21',
    says: 'What waits for signatures has no effect, and no flood of one signer takes the place of another.',
    tests: unit('pending', 'statements-set', 'statements-flood'),
  },
  {
    id: 'S22',
    says: 'What descends from another execution proves it: allowed, witnessed, of the same holder, not revoked.',
    tests: [...unit('lineage', 'decider-lineage', 'lineage-mesh'), ...of('e2e', 'lineage')],
  },
  {
    id: 'S23',
    says: 'A revocation, and a lost lease, end what already runs.',
    tests: [...unit('executions'), ...of('e2e', 'exec'), ...of('long', 'exec')],
  },
  {
    id: 'S24',
    says: 'Nobody joins by accident or twice: an invite admits one principal, by the node that made it, in its time.',
    tests: [...unit('invite'), ...of('sim', 'join-invite'), ...of('e2e', 'stranger')],
  },
  {
    id: 'S25',
    says: 'A witness persists, then cosigns, and never two heads of one log that contradict each other.',
    tests: unit('witness'),
  },
  {
    id: 'S26',
    says: 'What counts as witnessed was cosigned by a quorum before.',
    tests: [...unit('cosignature'), ...of('e2e', 'witnessing')],
  },
]

export const LEASE: readonly Invariant[] = [
  {
    id: 'Q1',
    says: 'No node allows what a revocation covers later than its commit + staleness + 2 × skew.',
    tests: of('sim', 'lease', 'lease-mesh'),
  },
  {
    id: 'Q2',
    says: 'A witness persists, then announces, and never goes back.',
    tests: unit('announce', 'statements-set'),
  },
  {
    id: 'Q3',
    checker: 'S3',
    says: 'A lease is counted from answers to its own questions alone, each no older than the staleness by both clocks.',
    tests: unit('lease', 'lease-quorum'),
  },
  {
    id: 'Q4',
    checker: 'S3',
    says: 'A lease is empty after a start, a pause and a step of the clock.',
    tests: [...unit('boot', 'lease', 'lease-clock'), ...of('long', 'clock')],
  },
  {
    id: 'Q5',
    checker: 'S3',
    says: 'Clocks can take a lease away, and never give or lengthen one.',
    tests: [...unit('lease-clock', 'lease-quorum'), ...of('long', 'clock')],
  },
  {
    id: 'Q6',
    says: 'Quorums meet, also from one trust root to the next.',
    tests: [...unit('lease-quorum', 'handover', 'statement'), ...of('sim', 'lease')],
  },
  {
    id: 'Q7',
    says: 'What is printed of the spread of a revocation is true: before the commit no bound is.',
    tests: unit('lease-spread', 'spread', 'cli-wait'),
  },
  {
    id: 'Q8',
    says: 'Break-glass leaves a scar.',
    tests: [],
    gap: 'There is no break-glass yet: its role and its type of statement are reserved, and nothing is allowed by them.',
  },
  {
    id: 'Q9',
    says: "A bundle's shorter staleness applies; it can never lengthen the root's.",
    tests: [...of('ports', 'policy-engine'), ...unit('lease-quorum', 'judge')],
  },
]

export const LIVENESS: readonly Invariant[] = [
  {
    id: 'L1',
    says: 'Once they reach each other, all nodes have one governance.',
    tests: [...of('sim', 'sync'), ...of('e2e', 'gossip')],
  },
  {
    id: 'L2',
    says: 'What any node accepted reaches all of them, within seconds.',
    tests: of('sim', 'sync'),
  },
  {
    id: 'L3',
    says: 'A node that crashed is ready soon after its start.',
    tests: of('long', 'kill'),
    gap: 'The time with a million records is measured by `npm run bench`, and no test holds it.',
  },
  {
    id: 'L4',
    says: 'With a quorum in reach valid requests are allowed.',
    tests: [...of('sim', 'lease'), ...of('e2e', 'mesh')],
  },
  {
    id: 'L5',
    says: 'Evidence that two nodes could make is held by all.',
    tests: [...unit('head-exchange', 'equivocation'), ...of('long', 'equivocation')],
  },
  {
    id: 'L6',
    says: 'One hostile peer does not hold up the others.',
    tests: [...unit('sync-liars'), ...of('sim', 'sync'), ...of('lab', 'strangers')],
    gap: 'What a hostile peer costs of a processor is not seen in the simulation, where no time passes while a node computes; the lab measures it.',
  },
  {
    id: 'L7',
    says: 'Every request is answered by its deadline, also while the disk hangs.',
    tests: unit('authorizer', 'deadlines'),
  },
  {
    id: 'L8',
    checker: 'L4',
    says: 'A sealed log comes back by the documented repair alone: from a mirror, or in a new epoch.',
    tests: [
      ...of('long', 'epoch', 'mirror'),
      ...of('sim', 'lease-mesh', 'refetch'),
      ...unit('mend'),
    ],
  },
]
