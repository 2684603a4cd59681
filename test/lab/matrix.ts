/**
 * The fault matrix: 144 faults and attacks, each with the invariants that it attacks and what is measured.
 *
 * A test that runs one says so by `row` (row.ts). A row that cannot run names its reason here;
 * one with neither a test nor a reason makes `npm run lab` fail.
 */

export interface Row {
  readonly id: number
  /** What is injected. */
  readonly title: string
  /** The invariants of docs/reliability.md that it attacks. */
  readonly attacks: string
  /** What is counted or timed. */
  readonly metric: string
  /** Why it cannot run on one machine. */
  readonly reason?: string
}

type Line = readonly [title: string, attacks: string, metric: string, reason?: string]

const PROCESS: readonly Line[] = [
  ['kill -9 at random times under load', 'S1 S5 L3', 'lost acknowledgements, ready p99'],
  ['kill at every file operation of a workload', 'S1 S5 S17', 'failures per operation'],
  ['kill between fsync and reply', 'S1 S13', 'duplicates'],
  ['kill between accepting a revocation and gossiping it', 'S2 L2', 'seconds to converge'],
  ['kill during compaction and during recovery', 'S1 S6', 'opens'],
  ['kill during init, key creation, root update', 'S7', 'reruns that succeed'],
  ['crash loop, ten restarts in ten seconds', 'S9 Q4 L3', 'allows before renewal'],
  ['SIGSTOP in the middle of a decision', 'S3 Q4', 'stale allows'],
  ['SIGTERM with 1,000 requests in flight', 'S1 L7', 'unanswered, seconds to exit'],
  ['throw or reject inside every handler', 'S10', 'denies'],
  ['event loop blocked for 3 s', 'S3 L7 S16', 'DEADLINE denies'],
  [
    'old binary on new data, and reverse; mixed versions',
    'S7 S11',
    'refused or same decisions',
    'there is one version so far',
  ],
]

const STORAGE: readonly Line[] = [
  ['power loss: what was not synced is dropped', 'S1 S6', 'acknowledged lost'],
  ['power loss: torn tail, garbage tail', 'S1 S6', 'acknowledged lost'],
  ['block snapshot with journal replay', 'S1 S5', 'acknowledged lost'],
  ['lying fsync', 'S6 S9', 'undetected'],
  ['bit flips in the log', 'S6 L8', 'silent'],
  ['bit flips in table, MANIFEST, CURRENT', 'S6', 'wrong reads'],
  ['deleted log file, CURRENT, database, head file, marker', 'S9', 'allows'],
  ['older copy of the data directory', 'S9 S4 S7 Q4', 'contradictions'],
  ['same data directory on two hosts', 'S5', 'seconds to detect'],
  ['disk full, then freed', 'S17 S1', 'acknowledged lost'],
  ['disk full for good, and during a rename', 'S17 S10', 'reserve used'],
  ['EIO once at every operation, and for ever', 'S17', 'acknowledged lost, reopens'],
  ['fsync fails once, then succeeds', 'S17', 'acknowledged after the error'],
  ['fsync takes 100 ms to 5 s, or hangs', 'L7 S16', 'p99, queue bound'],
  ['file system turns read-only', 'S10', 'denies, restarts'],
  ['no file descriptors left', 'S10 L4', 'recovers'],
  ['two daemons on one data directory', 'S5', 'exit status of the second'],
  ['symlink, hard link, FIFO, owner, mode in data, keys, socket, config', 'S14 S18', 'refused'],
  ['path traversal in ids and names', 'S16', 'escapes'],
  [
    'a member fills the disk with statements, announcements, cosigning',
    'S16 S17',
    'bytes per principal',
  ],
]

const RESOURCES: readonly Line[] = [
  ['150 MB memory limit under load', 'S16 L7 S3', 'RSS slope, kills'],
  ['64 MB heap with 100,000 revocations', 'S16', 'heap'],
  ['CPU quota of 10 %', 'L7 S3', 'DEADLINE denies'],
  ['1 M revocations, 10,000 policies, 10,000 members', 'S16 L3', 'decide p99, boot s'],
  ['flood of invalid signatures', 'S16', 'honest p99'],
  ['wall clock -1 h, +5 d, -10 y, +10 y while running', 'Q5 S7', 'wrong allows'],
  ['drift x1.1 and x10 between the clocks', 'Q3 Q5', 'wrong allows'],
  ['boot with the wall clock before the last durable time', 'Q5', 'allows'],
  ['a witness five minutes wrong', 'Q3 Q5', 'share denied'],
  ['nbf and exp at the boundary, 2038, > 2^53', 'S10 S11', 'vectors'],
  ['suspend and resume', 'Q4', 'allows before renewal'],
]

const NETWORK: readonly Line[] = [
  ['full, half, random partition, bridge, isolated one', 'Q1 S2 L1', 'stale allows, converge s'],
  ['one-way link', 'S3 L1', 'stale allows'],
  ['loss of 5, 30, 60 %', 'L1 L2', 'p99'],
  ['delay of 50 and 500 ms with jitter', 'L1 L2', 'p99'],
  ['30 % duplicates, 10 % reordered', 'S5 S13', 'double effects'],
  ['1 kB/s peer, zero-window peer', 'S16 L6', 'queue bytes'],
  ['1 % random RST', 'L1', 'reconnect s'],
  ['half-open: a peer vanishes without FIN', 'L1', 'seconds to notice'],
  ['MTU 576, fragments, one-byte segments', 'S6', 'same parse'],
  ['link flaps, 1 s up and 1 s down', 'L1', 'CPU %'],
  ['200 joins in 5 s; 20 processes at once', 'L1 S16', 'ready s'],
  ['churn of 10 % a second for 5 min', 'L1 L2 S16', 'converge s'],
  ['rolling restart of all', 'L4', 'availability'],
  ['all known addresses dead, DNS fails', 'S10 L1', 'availability'],
]

const GOVERNANCE: readonly Line[] = [
  ['unknown key, wrong mesh, no membership, raw client', 'S15', 'bytes leaked'],
  ['suspended or revoked peer reconnects, keeps a stream', 'S15', 'seconds to close'],
  ['freeze attack: old announcements for ever', 'Q1 Q3', 'stale allows'],
  ['rollback: older root, policy, statement subset', 'S7', 'accepted'],
  ['fast-forward: huge version by a compromised key', 'S7', 'accepted'],
  ['mix and match of root, policies, revocations', 'S7', 'accepted'],
  ['endless data, oversize, slow drip on sync', 'S16', 'bytes, seconds'],
  ['fewer than k, k duplicates, other role, other mesh', 'S8', 'accepted'],
  ['root rotation: gap, skip, self-signed, two roots', 'S7', 'accepted'],
  ['a node signs two records for one index', 'S4 L5', 'detect s, allows after'],
  ['a node rewrites its tail and shows two roots', 'S4 S5', 'detect s'],
  ['proofs too short, long, swapped, size 0, 2^63', 'S6', 'wrong verdicts'],
  ['a witness withholds; k - 1 collude', 'L4 Q1', 'allowed share'],
  ['a peer drops revocations only', 'L2', 'p99'],
  ['eclipse: 90 % hostile neighbours', 'Q1', 'seconds to deny'],
  ['1,000 identities at the door', 'S15', 'RSS'],
  ['cold boot, covert flash, attack at dawn, one address', 'L2 L6', 'delivered in time'],
  ['gossip flood, IHAVE and IWANT spam, 5,000 subscriptions', 'S16 L6', 'heap, loop delay'],
  ['DER length bomb in identify', 'S16', 'loop delay'],
  ['revoke everything, the root keys, a 1 MB list', 'S2 S8 S16', 'RSS'],
  ['key compromise drills', 'S7 S8', 'minutes'],
  ['slowloris, half frames, 1,000 streams', 'S16', 'handles'],
  ['window abuse, ping flood, 100 connects a second', 'S16', 'handles'],
]

const PARSING: readonly Line[] = [
  ['malleable and small-order signatures', 'S8 S11', 'accepted'],
  ['unknown algorithm, key type swap, other domain', 'S8 S10', 'accepted'],
  ['JSON that two parsers read differently', 'S10', 'accepted'],
  ['CBOR that is not canonical, or 100,000 deep', 'S10', 'accepted'],
  ['Unicode look-alikes, bidi, NUL in ids', 'S10 S19', 'accepted'],
  ['__proto__ and constructor as keys, __entity, __extn', 'S10', 'accepted'],
  ['chain 10,000 deep, wide, cyclic, self-delegated', 'S12', 'microseconds'],
  ['child widens command, resource, time, audience', 'S12', 'escapes'],
  ['nonce replay, 100 concurrent uses', 'S13', 'allows'],
  ['artifact of another runtime, container, uid, image', 'S14', 'allows'],
  ['policy error, missing attribute, wrong type', 'S10', 'allows'],
  ['permit and forbid, empty set, 10,000 policies', 'S10 S11', 'p99'],
  ['policy text through names and templates', 'S10', 'texts built'],
  ['authorize X, execute Y: path, query, %2e, //', 'S14', 'mismatches'],
  ['decision cache poisoned or stale', 'S2', 'stale allows'],
]

const LOCAL: readonly Line[] = [
  ['other uid, other group, wrong token, none', 'S14', 'EACCES, 401'],
  ['DNS rebinding Host, any Origin, simple POST', 'S14', '403'],
  ['slow HTTP, 10,000 connections, CL/TE, 1 GB body', 'S16', 'honest p99'],
  ['token timing', 'S18', '|t|'],
  ['every regular expression with 100 KB hostile text', 'S16', 'ms'],
  ['CR LF, OSC 8 and 52, CSI in names and reasons', 'S19', 'raw control bytes'],
  ['canary secrets in logs, ps, environ, core, heap', 'S18', 'hits'],
  ['symlink race on socket, pid, export; umask 000', 'S14', 'refused'],
  ['unknown config key, NODE_OPTIONS, --inspect, SIGUSR1', 'S10', 'ports open'],
  ['lockfile drift, install scripts, version floors', 'S10', 'build fails'],
  ['hostile dependency at run time', 'S18', 'denied'],
  ['export changed, reordered, cut, spliced', 'S19', 'detected'],
  ['CLI against a hostile daemon', 'S19 S16', 'caps held'],
]

const LEASE: readonly Line[] = [
  ['deciding node cut off during a revocation', 'Q1', 'last allow against the printed bound'],
  ['witness restarted from an older image, peers up', 'Q2 Q4', 'late allows'],
  ['the same with peers down; n = 2 with the other off', 'Q2 Q4', 'late allows'],
  ['root replaces one, then all witnesses, partitioned', 'Q6', 'late allows'],
  ['root shortens T, lengthens T', 'Q6 Q7', 'printed bound true'],
  ['read + write = n, duplicate witness, no member', 'Q6', 'accepted'],
  ['delayed announcements and a slow clock on one node', 'Q5', 'late allows'],
  ['announcement dated in the future', 'Q3 Q5', 'late allows'],
  ['older announcement replayed after the newer one', 'Q1 Q3', 'late allows'],
  ['one lying witness, two states to two halves', 'Q1', 'detect s'],
  ['statements change every 100 ms, other order each', 'L4', 'false denies'],
  ['witness announces a digest that it will not serve', 'L4', 'availability'],
  ['revoke --wait: dead witness, no quorum, killed', 'Q7', 'false bounds'],
  ['image restored, unwitnessed tail gone', 'S9 S4', 'framed'],
]

/** Nothing that could be used, restored or withheld: the statement itself is refused. */
const NO_BREAK_GLASS =
  'there is no break-glass: its type is reserved, and refused by name (test/unit/dsse.test.ts)'

const EDGES: readonly Line[] = [
  ['one invite redeemed twice', 'S24', 'principals'],
  ['invite seen, expired, guessed', 'S24', 'joins'],
  ['joiner shown an old root chain by retired keys', 'S24 S7', 'joins'],
  ['10,000 join requests with look-alike names', 'S16 S19', 'RSS'],
  ['pending flood; garbage signatures on a real one', 'S21', 'evicted of others'],
  ['two drafts of one version signed by one honest key', 'S8', 'honest keys lost'],
  ['a link issuer signs 1 M links and revokes each', 'S16', 'set growth'],
  ['revocation by a stranger, a later issuer, of an unseen link', 'S12', 'digests equal'],
  ['revocation back-dated by a removed key', 'S7', 'digests equal'],
  ['a removed key had signed the newest policy', 'S7', 'allows'],
  ['sync peer lies: false hash, ids it cannot serve', 'S16', 'rounds'],
  ['ground prefixes, forged fingerprint', 'S16', 'rounds'],
  ['evidence from damage, another mesh, consistent pair', 'S4', 'framed'],
  ['1 M true pairs of one equivocator', 'S16', 'kept'],
  ['break-glass: second use, other node, restored, clock back', 'Q8', 'allows', NO_BREAK_GLASS],
  ["break-glass's record withheld later", 'Q8', 'allows', NO_BREAK_GLASS],
  ['parent receipt: unwitnessed, of a deny, loop, depth + 1', 'S22', 'allows'],
  ['execution revoked while descendants start elsewhere', 'S22 S23', 's to last stop'],
  ['child ignores SIGTERM, daemonises, watcher killed', 'S23', 'orphans'],
  ['wallet: other caller, exe changed after connect', 'S14', 'allows'],
  ['request brings .meshd facts; facts change', 'S14', 'allows'],
  ['observe-mode bundle that forbids, errors, is alone', 'S10', 'allows'],
]

/** All of them, in the order of their numbers: 1 to 144. */
export const MATRIX: readonly Row[] = [
  ...[PROCESS, STORAGE, RESOURCES, NETWORK, GOVERNANCE, PARSING, LOCAL, LEASE, EDGES].flat(),
].map(([title, attacks, metric, reason], index) => ({
  ...{ id: index + 1, title, attacks, metric },
  ...(reason === undefined ? {} : { reason }),
}))
