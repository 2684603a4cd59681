/** `meshd status`: this node, its peers, what is wrong, what to do. */
import { stripVTControlCharacters } from 'node:util'
import type { PeerView } from '../client/peer-types.ts'
import type { StatusView, View } from '../client/types.ts'
import { PROBLEMS } from '../core/problems.ts'
import type { Context } from './context.ts'
import { forPeople, printItem, tableStyle } from './output.ts'
import type { Command } from './spec.ts'
import { type Column, renderTable } from './table.ts'
import { count, duration, plural, shortDid } from './text.ts'

const PEERS_SHOWN_MAX = 20
const JOIN = 'meshd peer join <multiaddr|invite>, or meshd init --mesh <name>'

export const status: Command = {
  name: 'status',
  watch: true,
  group: 'GET GOING',
  says: 'this node, its peers, what is wrong, what to do',
  examples: ['meshd status', 'meshd status -q && echo ready', 'meshd status --json'],
  run: async (context) => {
    const view = await context.client('read').get<View<'Status', StatusView>>('/v1/status')
    const { item } = view
    if (!context.globals.quiet)
      printItem(context, {
        kind: 'Status',
        seenFrom: view.seenFrom,
        item,
        id: item.node.did,
        lines: () => lines(context, item),
      })
    if (forPeople(context))
      for (const line of advice(item)) context.say(context.style.symbols(line))
    return item.ready === true ? 0 : PROBLEMS.NOT_READY.exit
  },
}

function lines(context: Context, item: StatusView): string[] {
  const { style } = context
  const state = item.ready === true ? style.good('READY') : style.bad('NOT READY')
  const who = `${item.mesh?.name ?? 'no mesh'} · ${item.node.name} · ${state}`
  const rest = governance(item)
  const line = [who, ...rest].join('   ')
  // Where it does not fit, it is two lines that do.
  const room = context.io.stdout.isTTY === true ? (context.io.stdout.columns ?? null) : null
  const narrow = room !== null && stripVTControlCharacters(line).length > room
  const first = narrow ? [who, `  ${rest.join('   ')}`] : [line]
  return [...first.map(style.symbols), '', ...rows(context, item)]
}

function governance({ root, governance: g, lease, log, alone }: StatusView): string[] {
  if (root === null) return []
  const bundles = g.bundles.map(({ bundle, version }) => `${bundle}@${version ?? '-'}`).join(' ')
  const held = lease.held
    ? `lease ${voices(lease)}, ${duration(lease.remainingMs ?? 0)} left`
    : `no lease: ${lease.witnesses} of ${lease.need}`
  return [
    `root v${root.version}`,
    bundles === '' ? 'no policy' : bundles,
    plural(g.revocations, 'revocation'),
    plural(g.freezes, 'freeze'),
    alone ? `${held}  ALONE` : held,
    ...(log.mirrored === null ? [] : [`mirrored ${count(log.mirrored)} of ${count(log.size)}`]),
  ]
}

/** `2 of 2`; when more than are needed agree, both numbers are said in words. */
function voices({ witnesses, need }: StatusView['lease']): string {
  return witnesses > need ? `${witnesses} witnesses, ${need} needed` : `${witnesses} of ${need}`
}

const COLUMNS = (item: StatusView, now: Date): readonly Column<PeerView>[] => [
  { head: 'NODE', cell: (peer) => peer.name ?? shortDid(peer.did) },
  { head: 'ROLE', cell: ({ role, state }) => role ?? state },
  { head: 'LINK', cell: linkText, drop: 3 },
  {
    head: 'RTT',
    cell: ({ rttMs }) => (rttMs === null ? '-' : duration(rttMs)),
    right: true,
    drop: 4,
  },
  { head: 'GOVERNANCE', cell: (peer) => governanceText(peer, item) },
  {
    head: 'LOG',
    cell: (peer) => logText(peer, item),
    right: true,
    drop: 2,
  },
  {
    head: 'WITNESSED',
    cell: ({ witnessed }) => (witnessed === null ? '-' : count(witnessed.size)),
    right: true,
    drop: 5,
  },
  { head: 'LAST SEEN', cell: (peer) => lastSeen(peer, now), drop: 1 },
]

function rows(context: Context, item: StatusView): string[] {
  const troubled = item.peers.toSorted((a, b) => Number(a.link !== null) - Number(b.link !== null))
  const shown =
    item.peers.length > PEERS_SHOWN_MAX ? troubled.slice(0, PEERS_SHOWN_MAX) : item.peers
  const table = renderTable(shown, COLUMNS(item, context.now()), tableStyle(context))
  const more = item.peers.length - shown.length
  return more === 0 ? table : [...table, `and ${more} more: meshd peer list`]
}

function linkText({ state, link }: PeerView): string {
  if (state === 'self') return 'self'
  if (link === null) return '-'
  const [, , host, , port] = link.address.split('/')
  return `${host}:${port} ${link.direction}`
}

function governanceText(peer: PeerView, item: StatusView): string {
  if (peer.state === 'self') return item.governance.digest.slice(0, 8)
  if (peer.heard === null) return '-'
  if (peer.heard.digest === item.governance.digest) return 'same'
  return peer.behind === null || peer.behind === 0 ? 'differs !' : `${peer.behind} behind !`
}

function logText({ state, heard }: PeerView, { log }: StatusView): string {
  const size = state === 'self' ? log.size : heard?.logSize
  return size == null ? '-' : count(size)
}

export function lastSeen({ state, link, lastSeenAt }: PeerView, now: Date): string {
  if (state === 'self' || link !== null) return 'now'
  return lastSeenAt === null ? 'never !' : `${duration(now.getTime() - Date.parse(lastSeenAt))} !`
}

function advice(item: StatusView): string[] {
  const lost = item.peers.filter(({ link, state }) => link === null && state === 'member')
  return [
    ...item.notReady.map((why) => `! ${why}`),
    ...(item.notReady.length === 0 ? [] : [`next: ${item.mesh === null ? JOIN : 'meshd doctor'}`]),
    ...(item.alone ? ['! ALONE: one witness, this node; nobody else confirms its state'] : []),
    ...(item.log.restored === 0
      ? []
      : [
          `! ${plural(item.log.restored, 'record')} had been lost or damaged on this disk and came back from a mirror      try: meshd doctor`,
        ]),
    ...(item.isolated ? ['! isolated: all connections are refused until it is lifted'] : []),
    ...lost.map(
      (peer) =>
        `! ${peer.name ?? peer.did} unreachable${peer.lastError === null ? '' : `: ${peer.lastError}`}      try: meshd doctor --with ${peer.name ?? peer.did}`,
    ),
    ...item.governance.bundles
      .filter((b) => b.conflict !== null)
      .map((b) => `! bundle ${b.bundle} denies everything: ${b.conflict}`),
    ...item.governance.bundles
      .filter((b) => b.revoked !== null)
      .map((b) => `! ${b.bundle}@${b.version} is revoked: nothing that it permits is allowed`),
    ...(item.governance.pending === 0
      ? []
      : [
          `${plural(item.governance.pending, 'statement')} ${item.governance.pending === 1 ? 'waits' : 'wait'} for signatures: meshd sign`,
        ]),
    ...(item.peers.some(({ state }) => state === 'pending')
      ? ['a node waits for admission: meshd peer list']
      : []),
  ]
}
