/** `meshd invite create|list|revoke`: single use, expiring, redeemed at the very node that made it. */
import type { InviteView, ListView } from '../client/types.ts'
import { inviteId, isInvite, parseInvite } from '../core/invite.ts'
import { signerOf } from '../core/keys.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { printItem, printList } from './output.ts'
import { durationOf } from './parse.ts'
import { labelsOf } from './peer-admit.ts'
import { type Command, textOption } from './spec.ts'
import { clockTime } from './text.ts'

const TTL_DEFAULT = '15m'

export const inviteCreate: Command = {
  name: 'invite create',
  group: 'MESH',
  says: 'one line that admits one new node',
  examples: ['meshd invite create --name borealis --ttl 15m'],
  options: [
    { flags: '--name <name>', says: 'what the new node will be called' },
    { flags: '--ttl <duration>', says: `how long it may be redeemed, default ${TTL_DEFAULT}` },
    { flags: '--label <label...>', says: 'k=v, signed into its membership' },
  ],
  run: async (context, _args, options) => {
    const ttlMs = durationOf(textOption(options, 'ttl') ?? TTL_DEFAULT, '--ttl')
    const labels = Object.fromEntries(labelsOf(options))
    const invite = await context
      .client('admin')
      .post<InviteView>('/v1/invites', { name: textOption(options, 'name'), ttlMs, labels })
    printItem(context, {
      kind: 'Invite',
      seenFrom: '',
      item: invite,
      id: invite.line ?? invite.id,
      lines: () => [
        `single use, until ${clockTime(invite.expiresAt, context.now())}, redeemable at this node only. On the new host:`,
        `  meshd peer join ${invite.line}`,
      ],
    })
    return 0
  },
}

export const inviteList: Command = {
  name: 'invite list',
  watch: true,
  group: 'MESH',
  aliases: ['ls'],
  says: 'invites this node made, and what became of them',
  examples: ['meshd invite list'],
  run: async (context) => {
    const view = await context.client('read').get<ListView<'InviteList', InviteView>>('/v1/invites')
    printList(context, {
      kind: 'InviteList',
      seenFrom: view.seenFrom,
      items: view.items,
      id: ({ id }) => id,
      empty: 'no invites: meshd invite create --name <node>',
      columns: [
        { head: 'INVITE', cell: ({ id }) => id },
        { head: 'NAME', cell: ({ name }) => name ?? '-' },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'EXPIRES', cell: ({ expiresAt }) => clockTime(expiresAt, context.now()) },
        { head: 'REDEEMED BY', cell: ({ redeemedBy }) => redeemedBy ?? '-', drop: 1 },
      ],
    })
    return 0
  },
}

export const inviteRevoke: Command = {
  name: 'invite revoke',
  group: 'MESH',
  args: ['<id>'],
  says: 'make an open invite useless',
  examples: ['meshd invite revoke 7f3a9c12'],
  run: async (context, [text = '']) => {
    await context.client('admin').delete(`/v1/invites/${idOf(text)}`)
    return 0
  },
}

const ID = /^[0-9a-f]{8}$/

/**
 * Who has the line at hand may give it instead of the id. It goes no further, and what is neither
 * is not repeated: it may be a part of the secret.
 */
function idOf(text: string): string {
  if (ID.test(text)) return text
  try {
    if (isInvite(text)) return inviteId(signerOf(parseInvite(text).secret).did)
  } catch (error) {
    // A person pasted it, perhaps not all of it.
    if (!(error instanceof Malformed)) throw error
  }
  throw new MeshError(
    'USAGE',
    'an invite is called by 8 hex digits, and this is not its whole line',
    {
      hint: 'meshd invite list',
    },
  )
}
