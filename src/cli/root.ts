/** `meshd root show|history`: who may sign what, who witnesses, and the chain of roots to here. */
import type { PeerView } from '../client/peer-types.ts'
import type { RootView, TrustView, View } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import type { Context } from './context.ts'
import { newestRoot, safe } from './govern.ts'
import { mayBeLost, quorumText } from './mesh.ts'
import { forPeople, printItem, printList } from './output.ts'
import { fingerprint } from './peer.ts'
import { type Named, nameIn, namesToShow } from './principals.ts'
import { writeOut } from './prove.ts'
import { type Command, textOption } from './spec.ts'
import { clockTime, duration } from './text.ts'

export const rootShow: Command = {
  name: 'root show',
  group: 'MESH',
  says: 'roles, keys, thresholds, witnesses, lease numbers',
  examples: ['meshd root show', 'meshd root show -f root.json'],
  options: [
    { flags: '-f, --file <file>', says: 'write the signed roots, for meshd verify --trust' },
  ],
  run: async (context, _args, options) => {
    const file = textOption(options, 'file')
    if (file !== null) return exportTrust(context, file)
    const { item, seenFrom } = await context.client('read').get<View<'Root', RootView>>('/v1/root')
    const known = forPeople(context) ? await namesToShow(context) : []
    printItem(context, {
      kind: 'Root',
      seenFrom,
      item,
      id: item.id,
      lines: () => rootLines(context, item, known).map((line) => context.style.symbols(line)),
    })
    return 0
  },
}

/** What others verify with, byte for byte: signatures stand in it, so nobody need believe this daemon. */
async function exportTrust(context: Context, file: string): Promise<number> {
  const { item } = await context.client('read').get<View<'Trust', TrustView>>('/v1/trust')
  writeOut(context, file, item.trust)
  const root = await newestRoot(context)
  context.say(`${file}   ${safe(root.name)} root v${root.version}   ${fingerprint(root.mesh)}`)
  return 0
}

function rootLines(context: Context, root: RootView, known: readonly Named[]): string[] {
  const now = context.now()
  const left = Date.parse(root.expiresAt) - now.getTime()
  const roles = Object.entries(root.roles).map(([role, { keys, threshold }]) => {
    const of = keys.length === 0 ? 'nobody' : `${threshold} of ${keys.length}`
    return `  ${role.padEnd(11)} ${of.padEnd(8)} ${keys.map((key) => nameIn(known, key)).join(', ')}`
  })
  return [
    `${safe(root.name)}   root v${root.version}`,
    `  mesh        ${root.mesh}`,
    `  compare     ${fingerprint(root.mesh)}`,
    `  root        ${root.id}`,
    `  issued      ${clockTime(root.issuedAt, now)}`,
    `  expires     ${clockTime(root.expiresAt, now)}   ${left > 0 ? `in ${duration(left)}` : 'EXPIRED: every node denies'}`,
    ...roles.map((line) => line.trimEnd()),
    `  witnesses   ${root.witnesses
      .map((did) => nameIn(known, did))
      .sort()
      .join(', ')}`,
    `  quorum      ${quorumText(root)}`,
    `  may be lost ${mayBeLost(root)}`,
    `  artifacts   ${duration(root.limits.artifactTtlMs)} at most`,
  ].map(safe)
}

export const rootHistory: Command = {
  name: 'root history',
  group: 'MESH',
  says: 'the chain of roots, version 1 to the newest',
  examples: ['meshd root history'],
  run: async (context) => {
    const root = await newestRoot(context)
    const now = context.now()
    printList(context, {
      kind: 'RootHistory',
      seenFrom: '',
      items: root.history,
      id: ({ id }) => id,
      empty: 'no root yet: meshd init --mesh <name>, or meshd peer join <multiaddr>',
      columns: [
        { head: 'VERSION', cell: ({ version }) => `v${version}` },
        { head: 'ROOT', cell: ({ id }) => shortId('root', id) },
        { head: 'ISSUED', cell: ({ issuedAt }) => clockTime(issuedAt, now) },
        { head: 'SIGNATURES', right: true, cell: ({ signatures }) => String(signatures) },
        { head: 'MESSAGE', cell: ({ message }) => message ?? '-', drop: 1 },
        { head: 'ID', wide: true, cell: ({ id }) => id },
      ],
    })
    return 0
  },
}

/** One node, by its name or its key, among those that are known here. */
export function peerNamed(peers: readonly PeerView[], text: string): readonly PeerView[] {
  return peers.filter(({ did, name }) => did === text || name === text)
}
