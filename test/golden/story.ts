/**
 * One moment of one mesh, as the daemon of atlas would answer: witnesses
 * atlas, borealis and cygnus, dorado a member that is down (INTERFACE 3).
 */
import type { PeerView } from '../../src/client/peer-types.ts'
import type {
  DoctorView,
  DriftView,
  GovernanceView,
  InviteView,
  ListView,
  RootView,
  StatusView,
  View,
} from '../../src/client/types.ts'
import { signerOf } from '../../src/core/keys.ts'

export const NOW = new Date('2026-11-23T14:15:12.000Z')
export const SEED = (n: number) => new Uint8Array(32).fill(n)
const didOf = (n: number) => signerOf(SEED(n)).did
export const DIDS = { atlas: didOf(1), borealis: didOf(2), cygnus: didOf(3), dorado: didOf(4) }
export const PLANNER = didOf(5)
export const ALICE = didOf(6)

export const id = (digits: string) => `sha256:${digits.padEnd(64, '0')}`
export const ago = (ms: number) => new Date(NOW.getTime() - ms).toISOString()
const MESH = id('77aa10bc5d02e4f10c9388d71b6ea042')
const DIGEST = '5c1e09aa'.padEnd(64, '0')

export const view = <Kind extends string, Body>(kind: Kind, item: Body): View<Kind, Body> => ({
  apiVersion: 'meshd/v1',
  kind,
  generatedAt: NOW.toISOString(),
  seenFrom: 'atlas',
  item,
})
export const listOf = <Kind extends string, Item>(
  kind: Kind,
  items: readonly Item[],
): ListView<Kind, Item> => {
  const { item: _, ...head } = view(kind, null)
  return { ...head, items }
}

const peer = (name: keyof typeof DIDS, rest: Partial<PeerView>): PeerView => ({
  did: DIDS[name],
  name,
  state: 'member',
  role: 'witness',
  keys: { log: didOf(20), witness: didOf(21) },
  link: null,
  rttMs: null,
  addresses: [],
  heard: null,
  witnessed: null,
  behind: null,
  expiresAt: '2026-12-20T00:00:00.000Z',
  labels: { env: 'prod' },
  evidence: [],
  lastSeenAt: null,
  lastError: null,
  ...rest,
})
const heard = (logSize: number, digest = DIGEST, clockOffsetMs = 1) => ({
  digest,
  size: 41,
  rootVersion: 3,
  logSize,
  epoch: 1,
  clockOffsetMs,
  at: ago(1000),
})
const witnessed = (size: number) => ({
  epoch: 1,
  size,
  by: [DIDS.atlas, DIDS.borealis, DIDS.cygnus],
  at: ago(1000),
})
const behindDigest = '0b1c2d3e'.padEnd(64, '0')

export const PEERS: readonly PeerView[] = [
  peer('atlas', {
    state: 'self',
    addresses: ['/ip4/10.0.0.4/tcp/4717'],
    witnessed: witnessed(88_104),
  }),
  peer('borealis', {
    link: { address: '/ip4/10.0.0.7/tcp/4717/p2p/12D3KooW', direction: 'out' },
    rttMs: 2,
    addresses: ['/ip4/10.0.0.7/tcp/4717'],
    heard: heard(40_260),
    witnessed: witnessed(40_260),
    behind: 0,
    lastSeenAt: ago(1000),
  }),
  peer('cygnus', {
    link: { address: '/ip4/10.1.0.3/tcp/4717/p2p/12D3KooW', direction: 'in' },
    rttMs: 31,
    heard: heard(12_077, behindDigest, -3),
    witnessed: witnessed(12_077),
    behind: 1,
    lastSeenAt: ago(1000),
  }),
  peer('dorado', {
    role: 'member',
    heard: heard(9_310, behindDigest),
    witnessed: witnessed(9_310),
    behind: 4,
    lastSeenAt: ago(7_200_000),
    lastError: 'connection refused on 10.2.0.9:4717',
  }),
]

const BUNDLES = [
  {
    bundle: 'agents',
    version: 7,
    mode: 'enforce',
    id: id('c0de07'),
    observing: null,
    revoked: null,
    conflict: null,
  },
  {
    bundle: 'ci',
    version: 4,
    mode: 'enforce',
    id: id('c0de04'),
    observing: null,
    revoked: null,
    conflict: null,
  },
] as const

const LEASE = {
  held: true,
  witnesses: 2,
  need: 2,
  of: 3,
  remainingMs: 58_400,
  stalenessMs: 60_000,
  skewMs: 2000,
  why: null,
  clockOffsetMs: 3,
  clockTrusted: true,
}

export const STATUS: StatusView = {
  node: {
    name: 'atlas',
    did: DIDS.atlas,
    pid: 4121,
    version: '0.1.0',
    startedAt: ago(270_000_000),
  },
  ready: true,
  notReady: [],
  alone: false,
  mesh: { id: MESH, name: 'prod' },
  root: { version: 3, id: id('d3ad03'), expiresAt: '2027-11-20T00:00:00.000Z' },
  governance: {
    digest: DIGEST,
    size: 41,
    revocations: 13,
    freezes: 0,
    bundles: BUNDLES,
    conflicts: 0,
    evidence: 0,
    pending: 1,
    disputed: [],
  },
  lease: LEASE,
  log: {
    origin: 'prod/atlas/1',
    epoch: 1,
    size: 88_104,
    published: 88_104,
    witnessed: 88_104,
    mirrored: 88_101,
    sealed: null,
    restored: 0,
    scrubbed: 88_104,
    low: false,
  },
  listen: ['/ip4/10.0.0.4/tcp/4717'],
  sockets: [{ path: '/run/meshd/meshd.sock', mode: '0660' }],
  peers: PEERS,
  isolated: false,
  executions: 2,
}

/** Freshly booted, nobody heard yet. */
export const STATUS_NOT_READY: StatusView = {
  ...STATUS,
  ready: false,
  notReady: ['GOVERNANCE_STALE: 1 of 2 witnesses confirmed this governance within 60 s'],
  lease: { ...LEASE, held: false, witnesses: 1, remainingMs: null, why: '1 of 2 witnesses' },
}

const role = (...keys: string[]) => ({ keys, threshold: 1 })
export const ROOT: RootView = {
  mesh: MESH,
  name: 'prod',
  version: 3,
  id: id('d3ad03'),
  previous: id('d3ad02'),
  issuedAt: '2026-11-20T09:00:00.000Z',
  expiresAt: '2027-11-20T00:00:00.000Z',
  roles: {
    root: { keys: [ALICE, didOf(7)], threshold: 2 },
    policy: role(ALICE),
    issuer: role(ALICE),
    revoker: role(ALICE),
    admitter: role(didOf(8)),
    breakglass: role(ALICE),
  },
  witnesses: [DIDS.atlas, DIDS.borealis, DIDS.cygnus],
  lease: { read: 2, write: 2, faults: 0, stalenessMs: 60_000, skewMs: 2000 },
  limits: { artifactTtlMs: 34_560_000_000 },
  history: [
    { version: 1, id: MESH, issuedAt: '2026-11-01T09:00:00.000Z', signatures: 1, message: null },
    {
      version: 2,
      id: id('d3ad02'),
      issuedAt: '2026-11-02T09:00:00.000Z',
      signatures: 1,
      message: 'three witnesses',
    },
    {
      version: 3,
      id: id('d3ad03'),
      issuedAt: '2026-11-20T09:00:00.000Z',
      signatures: 2,
      message: 'second root key',
    },
  ],
}

export const GOVERNANCE: GovernanceView = {
  mesh: MESH,
  meshName: 'prod',
  digest: DIGEST,
  size: 41,
  rootVersion: 3,
  bundles: BUNDLES,
  disputed: [],
  freezes: [],
  revocations: 13,
  pending: 1,
  opened: 3,
  bootCheck: null,
}

export const DRIFT: readonly DriftView[] = [
  {
    did: DIDS.cygnus,
    name: 'cygnus',
    missing: [id('5be2270f')],
    missingCount: 1,
    since: '2026-11-23T14:15:08.000Z',
    deniesFrom: '2026-11-23T14:16:12.000Z',
    cause: 'syncing',
  },
  {
    did: DIDS.dorado,
    name: 'dorado',
    missing: [id('c0de51ff'), id('0a77e4c1'), id('5be2270f')],
    missingCount: 4,
    since: '2026-11-23T12:03:10.000Z',
    deniesFrom: '2026-11-23T12:04:14.000Z',
    cause: 'unreachable',
  },
]

export const INVITE: InviteView = {
  id: '7f3a9c12',
  name: 'cygnus',
  expiresAt: '2026-11-23T14:32:00.000Z',
  state: 'open',
  redeemedBy: null,
  line: 'meshd-invite:1:eyJhZGRycyI6WyIvaXA0Zk3w',
}

export const DOCTOR: DoctorView = {
  groups: [
    {
      name: 'Daemon',
      findings: [{ level: 'ok', says: 'running 3 d, pid 4121, 0.1.0', fix: null }],
    },
    {
      name: 'Network',
      findings: [
        { level: 'ok', says: 'listening on 10.0.0.4:4717', fix: null },
        { level: 'error', says: 'dorado: connection refused', fix: 'meshd peer show dorado' },
      ],
    },
    {
      name: 'Kernel facts',
      findings: [{ level: 'warning', says: 'no exe digest of other users', fix: null }],
    },
  ],
}

export const CALLERS = [{ caller: 'uid=1001', name: 'planner', principal: PLANNER }]
