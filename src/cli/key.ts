/** `meshd key create|list|add`: role keys in the operator's key store, callers' keys in the daemon's wallet. */
import type { CallerView, ListView } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import { passphraseOf } from './govern.ts'
import { forPeople, printList } from './output.ts'
import { type Command, textOption } from './spec.ts'

export const keyCreate: Command = {
  name: 'key create',
  group: 'MESH',
  args: ['<name>'],
  says: 'a key for a role (in the key store), or for a local caller (in the daemon)',
  examples: ['meshd key create alice', 'meshd key create deployer --for uid=1001'],
  options: [
    { flags: '--for <caller>', says: 'a local caller, such as uid=1001: the daemon keeps the key' },
    { flags: '--passphrase-file <file>', says: 'protects a key of the key store' },
  ],
  run: async (context, [name = ''], options) => {
    const caller = textOption(options, 'for')
    if (caller !== null) {
      const made = await context.client('admin').post<CallerView>('/v1/callers', { name, caller })
      context.print(
        context.globals.output === 'id'
          ? made.principal
          : `${name}   ${made.principal}   kept by the daemon for ${caller}`,
      )
      return 0
    }
    const { KeyStore } = await import('../daemon/key-store.ts')
    const store = new KeyStore(context.io.env)
    const { did } = store.create(name, passphraseOf(context, options))
    context.print(
      context.globals.output === 'id'
        ? did
        : `${name}   ${did}   ${store.dir}/${name}.key   mode 0600`,
    )
    return 0
  },
}

interface KeyRow {
  readonly name: string
  readonly principal: string
  readonly where: string
}

export const keyList: Command = {
  name: 'key list',
  group: 'MESH',
  aliases: ['ls'],
  says: 'keys and names of the key store, and callers whose keys the daemon keeps',
  examples: ['meshd key list'],
  run: async (context) => {
    const { KeyStore } = await import('../daemon/key-store.ts')
    const stored = new KeyStore(context.io.env).list().map(
      ({ name, did, own }): KeyRow => ({
        name,
        principal: did,
        where: own ? 'key store' : 'name only',
      }),
    )
    const callers = await context
      .client('read')
      .get<ListView<'CallerList', CallerView>>('/v1/callers')
      .catch((error: unknown) => {
        // Without a daemon the key store alone is shown, and said so.
        if (error instanceof MeshError) context.say(`callers are not shown: ${error.message}`)
        else throw error
        return null
      })
    const kept = (callers?.items ?? []).map(
      ({ name, principal, caller }): KeyRow => ({
        name: name ?? '-',
        principal,
        where: `daemon, for ${caller}`,
      }),
    )
    printList(context, {
      kind: 'KeyList',
      seenFrom: callers?.seenFrom ?? '-',
      items: [...stored, ...kept],
      id: ({ principal }) => principal,
      empty: 'no keys yet: meshd key create <name>',
      columns: [
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'PRINCIPAL', cell: ({ principal }) => principal },
        { head: 'WHERE', cell: ({ where }) => where },
      ],
    })
    return 0
  },
}

export const keyAdd: Command = {
  name: 'key add',
  group: 'MESH',
  args: ['<did>'],
  says: 'give a foreign principal a local name',
  examples: ['meshd key add did:key:z6Mk… --name bob'],
  options: [{ flags: '--name <name>', says: 'what to call it here', required: true }],
  run: async (context, [did = ''], options) => {
    const [{ KeyStore }, { parseDid }] = await Promise.all([
      import('../daemon/key-store.ts'),
      import('../core/keys.ts'),
    ])
    const principal = (() => {
      try {
        return parseDid(did)
      } catch (cause) {
        throw new MeshError('USAGE', `\`${did}\` is no did:key of an Ed25519 key`, { cause })
      }
    })()
    const { name } = new KeyStore(context.io.env).add(textOption(options, 'name') ?? '', principal)
    if (forPeople(context)) context.print(`${name}   ${principal}`)
    return 0
  },
}
