/** `meshd mesh status|drift`: quorums, what may be lost, and who lacks what since when. */
import type { PeerView } from '../client/peer-types.ts'
import type {
  DriftView,
  ListView,
  RootView,
  StatementView,
  StatusView,
  View,
} from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { TAGS } from './govern.ts'
import { forPeople, printItem, printList, tableStyle } from './output.ts'
import type { Command } from './spec.ts'
import { lastSeen } from './status.ts'
import { type Column, renderTable } from './table.ts'
import { clockTime, count, exactly, plural, shortDid, shortHash } from './text.ts'

export const meshStatus: Command = {
  name: 'mesh status',
  watch: true,
  group: 'MESH',
  says: "quorums, what may be lost, every node's governance state and log",
  examples: ['meshd mesh status'],
  run: async (context) => {
    const client = context.client('read')
    const [status, root] = await Promise.all([
      client.get<View<'Status', StatusView>>('/v1/status'),
      client.get<View<'Root', RootView>>('/v1/root'),
    ])
    printItem(context, {
      kind: 'MeshStatus',
      seenFrom: status.seenFrom,
      item: {
        root: root.item,
        governance: status.item.governance,
        lease: status.item.lease,
        peers: status.item.peers,
      },
      id: root.item.mesh,
      lines: () => lines(context, status.item, root.item),
    })
    return 0
  },
}

type Terms = Pick<RootView, 'witnesses' | 'lease'>

function lines(context: Context, status: StatusView, root: RootView): string[] {
  const { governance: g } = status
  const table = renderTable(status.peers, COLUMNS(status, root, context.now()), tableStyle(context))
  return [
    `${root.name}   root v${root.version}   governance ${g.digest.slice(0, 8)}, ${plural(g.size, 'statement')}   ${plural(g.conflicts, 'conflict')}   ${g.evidence} evidence`,
    context.style.symbols(`quorum   ${quorumText(root)}`),
    context.style.symbols(`may be lost   ${mayBeLost(root)}`),
    '',
    ...table,
  ]
}

export function quorumText({ witnesses, lease }: Terms): string {
  return `${plural(witnesses.length, 'witness', 'witnesses')} · lease read ${lease.read} · commit write ${lease.write} · faults ${lease.faults} · staleness ${exactly(lease.stalenessMs)} · skew ${exactly(lease.skewMs)}`
}

/** What the numbers tolerate, in words: read and write of n, less those that must answer. */
export function mayBeLost({ witnesses, lease }: Terms): string {
  const n = witnesses.length
  const of = (k: number) => plural(k, 'witness', 'witnesses')
  return `${of(n - lease.read)}, and nodes still allow · ${of(n - lease.write)}, and revocations still commit · ${lease.faults} lying ${lease.faults === 1 ? 'witness' : 'witnesses'}`
}

const COLUMNS = (status: StatusView, root: RootView, now: Date): readonly Column<PeerView>[] => [
  { head: 'NODE', cell: ({ name, did }) => name ?? shortDid(did) },
  { head: 'WITNESS', cell: ({ did }) => (root.witnesses.includes(did) ? 'yes' : 'no') },
  {
    head: 'GOVERNANCE',
    cell: (peer) =>
      peer.state === 'self'
        ? status.governance.digest.slice(0, 8)
        : peer.heard === null
          ? '-'
          : peer.heard.digest === status.governance.digest
            ? 'same'
            : 'differs !',
  },
  {
    head: 'LOG',
    right: true,
    cell: ({ heard, state }) =>
      state === 'self'
        ? count(status.log.size)
        : heard?.logSize == null
          ? '-'
          : count(heard.logSize),
  },
  {
    head: 'PUBLISHED',
    right: true,
    drop: 3,
    cell: ({ state }) => (state === 'self' ? count(status.log.published) : '-'),
  },
  {
    head: 'COSIGNED BY',
    drop: 4,
    cell: ({ witnessed }) =>
      witnessed?.by
        .map((did) => nameOf(status, did))
        .sort()
        .join(' ') ?? '-',
  },
  {
    head: 'CLOCK',
    right: true,
    drop: 2,
    cell: ({ heard, state }) =>
      state === 'self' || heard === null
        ? '-'
        : `${heard.clockOffsetMs >= 0 ? '+' : ''}${heard.clockOffsetMs} ms`,
  },
  {
    head: 'LAST SEEN',
    drop: 1,
    cell: (peer) => (peer.state === 'self' ? 'self' : lastSeen(peer, now)),
  },
]

function nameOf({ peers }: StatusView, did: string): string {
  return peers.find((peer) => peer.did === did)?.name ?? shortDid(did)
}

export const meshDrift: Command = {
  name: 'mesh drift',
  watch: true,
  group: 'MESH',
  says: 'who lacks which statements since when, and from when it denies by itself',
  examples: ['meshd mesh drift'],
  run: async (context) => {
    const view = await context.client('read').get<ListView<'DriftList', DriftView>>('/v1/drift')
    const now = context.now()
    const types = forPeople(context) ? await typesOf(context, view.items) : new Map()
    printList(context, {
      kind: 'DriftList',
      seenFrom: view.seenFrom,
      items: view.items,
      id: ({ did }) => did,
      empty: `no drift, as seen from ${view.seenFrom}`,
      columns: [
        { head: 'NODE', cell: ({ name, did }) => name ?? shortDid(did) },
        { head: 'MISSING', cell: (drift) => missingText(drift, types) },
        { head: 'SINCE', cell: ({ since }) => (since === null ? '-' : clockTime(since, now)) },
        {
          head: 'DENIES BY ITSELF AT THE LATEST FROM',
          cell: ({ deniesFrom }) => deniesText(deniesFrom, now),
        },
        { head: 'CAUSE', cell: ({ cause }) => cause },
      ],
    })
    if (forPeople(context) && view.items.length > 0) context.say(`as seen from ${view.seenFrom}`)
    return 0
  },
}

type Types = ReadonlyMap<string, StatementView['type']>
const MISSING_SHOWN = 2

/** What is missing is shown by its kind: a revocation is another matter than a member. */
async function typesOf(context: Context, drifts: readonly DriftView[]): Promise<Types> {
  const ids = new Set(drifts.flatMap(({ missing }) => missing.slice(0, MISSING_SHOWN)))
  const types = await Promise.all([...ids].map((id) => typeOf(context, id)))
  return new Map([...ids].flatMap((id, i) => (types[i] == null ? [] : [[id, types[i]] as const])))
}

async function typeOf(context: Context, id: string): Promise<StatementView['type'] | null> {
  const path = `/v1/statements/${encodeURIComponent(id)}`
  try {
    return (await context.client('read').get<View<'Statement', StatementView>>(path)).item.type
  } catch (error) {
    // Its kind is an ornament; the view itself is whole without.
    if (error instanceof MeshError) return null
    throw error
  }
}

function missingText({ missing, missingCount }: DriftView, types: Types): string {
  if (missingCount === null) return 'unknown'
  if (missingCount === 0) return '-'
  const shown = missing.slice(0, MISSING_SHOWN).map((id) => {
    const type = types.get(id)
    return type === undefined ? shortHash(id) : shortId(TAGS[type], id)
  })
  return [
    ...shown,
    ...(missingCount > shown.length ? [`+${missingCount - shown.length}`] : []),
  ].join(' ')
}

function deniesText(iso: string | null, now: Date): string {
  if (iso === null) return '-'
  return `${clockTime(iso, now)}${Date.parse(iso) <= now.getTime() ? ' (now)' : ''}`
}
