/** `meshd peer list|show|join|remove`: known nodes, and how this one becomes known. */
import type { PeerView } from '../client/peer-types.ts'
import type { ListView, View } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import { type Context, terminal } from './context.ts'
import { forPeople, printItem, printList } from './output.ts'
import { despite } from './patience.ts'
import { type Command, flagOption, textOption } from './spec.ts'
import { lastSeen } from './status.ts'
import { clockTime, count, duration, shortDid } from './text.ts'
import { waitReady } from './wait.ts'

export const peerList: Command = {
  name: 'peer list',
  watch: true,
  group: 'MESH',
  aliases: ['ls'],
  says: 'known nodes: link, state, addresses, what they last said',
  examples: ['meshd peer list', 'meshd peer list -o wide'],
  run: async (context) => {
    const view = await context.client('read').get<ListView<'PeerList', PeerView>>('/v1/peers')
    const now = context.now()
    printList(context, {
      kind: 'PeerList',
      seenFrom: view.seenFrom,
      items: view.items,
      id: ({ did }) => did,
      empty: 'no peers yet: meshd invite create, or meshd peer join <multiaddr>',
      columns: [
        { head: 'NODE', cell: ({ name, did }) => name ?? shortDid(did) },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'ROLE', cell: ({ role }) => role ?? '-' },
        { head: 'LINK', cell: ({ link }) => (link === null ? '-' : link.direction) },
        {
          head: 'RTT',
          cell: ({ rttMs }) => (rttMs === null ? '-' : duration(rttMs)),
          right: true,
          drop: 3,
        },
        { head: 'LAST SEEN', cell: (peer) => lastSeen(peer, now), drop: 2 },
        {
          head: 'PRINCIPAL',
          cell: ({ did }) => (context.globals.output === 'wide' ? did : shortDid(did)),
          drop: 1,
        },
        { head: 'ADDRESSES', cell: ({ addresses }) => addresses.join(' '), wide: true },
      ],
    })
    const waiting = view.items.filter(({ state }) => state === 'pending')
    if (forPeople(context))
      for (const { did } of waiting) context.say(`waits for admission: meshd peer approve ${did}`)
    return 0
  },
}

export const peerShow: Command = {
  name: 'peer show',
  group: 'MESH',
  args: ['<node>'],
  says: 'one node: keys, labels, addresses, what it last said',
  examples: ['meshd peer show borealis'],
  run: async (context, [node = '']) => {
    const view = await context
      .client('read')
      .get<View<'Peer', PeerView>>(`/v1/peers/${encodeURIComponent(node)}`)
    const { item } = view
    printItem(context, {
      kind: 'Peer',
      seenFrom: view.seenFrom,
      item,
      id: item.did,
      lines: () => peerLines(item, context.now()),
    })
    return 0
  },
}

function peerLines(peer: PeerView, now: Date): string[] {
  const labels = Object.entries(peer.labels).map(([key, value]) => `${key}=${value}`)
  const { heard, keys, state, role } = peer
  const what = role === 'witness' || state !== 'member' ? [state, role] : [role]
  return [
    `${peer.name ?? '(no name)'}   ${what.filter((each) => each !== null).join(', ')}`,
    `  principal   ${peer.did}`,
    `  log key     ${keys?.log ?? '-'}`,
    `  witness key ${keys?.witness ?? '-'}`,
    `  link        ${peer.link === null ? (peer.lastError ?? 'none') : `${peer.link.address} ${peer.link.direction}`}`,
    `  addresses   ${peer.addresses.join(' ') || '-'}`,
    `  labels      ${labels.join(' ') || '-'}`,
    `  member      ${peer.expiresAt === null ? '-' : `until ${clockTime(peer.expiresAt, now)}`}`,
    ...peer.evidence.map(evidenceLine),
    `  heard       ${heard === null ? 'nothing yet' : `governance ${heard.digest.slice(0, 8)} (${count(heard.size)} statements), root v${heard.rootVersion}, log ${heard.logSize === null ? '-' : count(heard.logSize)}, at ${clockTime(heard.at, now)}`}`,
  ]
}

/** `evidence    evd_5c1e09aa   log epoch 1 has two histories, at 7 and 9 records   lifted` */
function evidenceLine({ id, epoch, sizes, lifted }: PeerView['evidence'][number]): string {
  const [first, second] = sizes
  const where = first === second ? count(first) : `${count(first)} and ${count(second)}`
  const what = `log epoch ${epoch} has two histories, at ${where} records`
  return `  evidence    ${shortId('evd', id)}   ${what}${lifted ? '   lifted' : ''}`
}

/** The answer of POST /v1/peers. */
interface Joined {
  readonly result: 'admitted' | 'pending' | 'unconfirmed'
  readonly mesh: string
  readonly meshName: string
  readonly rootVersion: number
  readonly peer: string
  readonly peerName: string | null
  readonly address: string
  readonly rttMs: number | null
  readonly name: string | null
  readonly self: string
}

export const peerJoin: Command = {
  name: 'peer join',
  group: 'MESH',
  args: ['<multiaddr-or-invite>'],
  says: 'dial, say hello, pin the mesh, ask for admission',
  examples: [
    'meshd peer join -',
    'meshd peer join meshd-invite:1:eyJh…',
    'meshd peer join /ip4/10.0.0.4/tcp/4717/p2p/12D3Koo… --mesh sha256:77aa…',
  ],
  options: [
    { flags: '--mesh <id>', says: 'the mesh to pin, when there is no invite' },
    { flags: '--wait', says: 'wait until this node is ready' },
  ],
  run: async (context, [target = ''], options) => {
    const text =
      target === '-' ? new TextDecoder().decode(context.read('-', 64 * 1024)).trim() : target
    const invited = text.startsWith('meshd-invite:')
    await started(context)
    const mesh = textOption(options, 'mesh')
    const looked = terminal(context.io, context.globals) && !context.globals.yes
    if (!invited && mesh === null && !looked) await requirePinned(context)
    const joined = await join(context, { target: text, mesh })
    const rtt = joined.rttMs === null ? '' : `  ${duration(joined.rttMs)}`
    tell(
      context,
      `✓ connected   ${joined.peerName ?? shortDid(joined.peer)}  ${joined.address}${rtt}`,
    )
    const final = joined.result === 'unconfirmed' ? await confirmed(context, joined, text) : joined
    if (!forPeople(context))
      printItem(context, {
        kind: 'Join',
        seenFrom: '',
        item: final,
        id: final.mesh,
        lines: () => [],
      })
    return await told(context, final, invited, flagOption(options, 'wait') || invited)
  },
}

/** A line of how far it came; where a program reads, what it reads is the answer alone. */
function tell(context: Context, line: string): void {
  if (forPeople(context)) context.print(context.style.symbols(line))
}

interface JoinAsk {
  readonly target: string
  readonly mesh: string | null
}

/** A peer that has much to do may give no answer in time. */
function join(context: Context, ask: JoinAsk): Promise<Joined> {
  return despite(context, 'TIMEOUT', () => context.client('admin').post('/v1/peers', ask))
}

/** `meshd start & meshd peer join …`: the daemon may be starting still. @throws MeshError UNREACHABLE */
async function started(context: Context): Promise<void> {
  await despite(context, 'UNREACHABLE', () => context.client('admin').get('/v1/status'))
}

/** Where nobody compares a fingerprint, a first contact needs a pin from somewhere; --yes compares nothing. */
async function requirePinned(context: Context): Promise<void> {
  const { mesh } = await context.client('read').get<{ mesh: string | null }>('/v1/governance')
  if (mesh === null)
    throw new MeshError(
      'USAGE',
      'a first contact without a terminal needs --mesh <id> or an invite',
      { hint: 'meshd root show, on a member, prints the id' },
    )
}

async function confirmed(context: Context, joined: Joined, target: string): Promise<Joined> {
  tell(
    context,
    `  mesh        ${joined.meshName}   ${fingerprint(joined.mesh)}        compare with \`meshd root show\` on a member`,
  )
  if (!(await context.confirm('Trust this mesh?')))
    throw new MeshError('WRONG_MESH', 'the mesh was not confirmed', { hint: 'nothing was pinned' })
  return join(context, { target, mesh: joined.mesh })
}

async function told(
  context: Context,
  joined: Joined,
  invited: boolean,
  wait: boolean,
): Promise<number> {
  if (joined.result === 'pending') {
    tell(
      context,
      `  PENDING     an admitter must run:  meshd peer approve ${joined.self}        (meshd wait --for ready)`,
    )
    return wait ? waitReady(context) : 0
  }
  const from = invited ? '   (from the invite)' : ''
  tell(
    context,
    `✓ pinned      ${joined.meshName}  mesh id ${joined.mesh.slice(0, 15)}…  root v${joined.rootVersion}${from}`,
  )
  tell(context, `✓ admitted    as "${joined.name ?? shortDid(joined.self)}"`)
  return wait ? waitReady(context) : 0
}

/** The first 16 bytes of a mesh id in groups, for comparing by eye. */
export function fingerprint(mesh: string): string {
  return (mesh.replace('sha256:', '').slice(0, 32).match(/.{4}/g) ?? []).join(' ')
}

export const peerRemove: Command = {
  name: 'peer remove',
  group: 'MESH',
  aliases: ['rm'],
  args: ['<node>'],
  says: 'forget its addresses here; it stays a member',
  examples: ['meshd peer remove dorado'],
  run: async (context, [node = '']) => {
    await context.client('admin').delete(`/v1/peers/${encodeURIComponent(node)}`)
    context.say(`forgotten here; mesh-wide and for ever: meshd revoke node:${node}`)
    return 0
  },
}
