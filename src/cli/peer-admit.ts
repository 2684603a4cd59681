/** `meshd peer approve|epoch|isolate`: the operator's words on single nodes. */
import type { PeerView } from '../client/peer-types.ts'
import type { ListView, StatementView, View } from '../client/types.ts'
import { type Did, parseDid } from '../core/keys.ts'
import { LABELS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { commonOf, consent, KEY_OPTIONS, payloadOf, signerFor, signNew, submit } from './govern.ts'
import { durationOf } from './parse.ts'
import { follow, WAIT_OPTION, waitOf } from './revoke.ts'
import { type Command, flagOption, listOption, type Options, textOption } from './spec.ts'
import { plural } from './text.ts'

const TTL_DEFAULT = '365d'

export const peerApprove: Command = {
  name: 'peer approve',
  dryRun: true,
  group: 'MESH',
  args: ['<node>'],
  says: 'admit a pending node: publishes its member statement',
  examples: ['meshd peer approve did:key:z6Mkwz… --name cygnus --label env=prod'],
  options: [
    { flags: '--name <name>', says: 'what it is called; default: what it calls itself' },
    { flags: '--label <label...>', says: 'k=v, signed into its membership' },
    { flags: '--ttl <duration>', says: `how long it is a member, default ${TTL_DEFAULT}` },
    { flags: '--witness-eligible', says: 'note that it may become a witness' },
    WAIT_OPTION,
    ...KEY_OPTIONS,
  ],
  run: async (context, [node = ''], options) => {
    const peer = await peerOf(context, node)
    const { name, payload } = await memberPayload(context, peer, options)
    const role = await signerFor(context, ['admitter'], options)
    context.say(`${name}   ${peer.did}   ${peer.state}`)
    await consent(context, `Admit as ${role.name} (admitter)?`)
    const view = await submit(context, await signNew('member', payload, role))
    return view === null ? 0 : follow(context, view, `${name} admitted`, waitOf(context, options))
  },
}

async function peerOf(context: Context, node: string): Promise<PeerView> {
  const path = `/v1/peers/${encodeURIComponent(node)}`
  return (await context.client('read').get<View<'Peer', PeerView>>(path)).item
}

async function memberPayload(context: Context, peer: PeerView, options: Options) {
  const { keys } = peer
  const name = textOption(options, 'name') ?? peer.name
  if (name === null)
    throw new MeshError('USAGE', 'this node has not said what it is called', {
      hint: 'add --name <name>',
    })
  if (keys === null)
    throw new MeshError('NOT_FOUND', `the log and witness keys of ${peer.did} are not known here`, {
      hint: 'on that node: meshd peer join <multiaddr of this node>',
    })
  const common = await commonOf(context)
  const ttlMs = durationOf(textOption(options, 'ttl') ?? TTL_DEFAULT, '--ttl')
  const payload = payloadOf({
    type: 'member',
    ...common,
    version: (await newestVersion(context, peer.did)) + 1,
    principal: keyOf(peer.did),
    log: keyOf(keys.log),
    witness: keyOf(keys.witness),
    name,
    labels: labelsOf(options),
    expiresMs: common.issuedMs + ttlMs,
    witnessEligible: flagOption(options, 'witnessEligible'),
  })
  return { name, payload }
}

/** Keys come from the daemon, which had them from a stranger: they are read again before they are signed. */
function keyOf(text: string): Did {
  try {
    return parseDid(text)
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause
    throw new MeshError('INVALID_ANSWER', `\`${text}\` is no did:key of an Ed25519 key`, { cause })
  }
}

export function labelsOf(options: Options): ReadonlyMap<string, string> {
  const labels = listOption(options, 'label').map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new MeshError('USAGE', `--label: \`${text}\` is no k=v`)
    return [text.slice(0, at), text.slice(at + 1)] as const
  })
  if (labels.length > LABELS_MAX)
    throw new MeshError('TOO_MANY', `--label: ${LABELS_MAX} labels at most`)
  return new Map(labels.sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function statementsOf(context: Context, type: string): Promise<readonly StatementView[]> {
  const path = `/v1/statements?type=${type}`
  const view = await context.client('read').get<ListView<'StatementList', StatementView>>(path)
  return view.items
}

async function newestVersion(context: Context, did: string): Promise<number> {
  const own = (await statementsOf(context, 'member')).filter(
    ({ payload }) => payload['principal'] === did,
  )
  return Math.max(0, ...own.map(({ payload }) => Number(payload['version'])))
}

export const peerEpoch: Command = {
  name: 'peer epoch',
  dryRun: true,
  group: 'MESH',
  args: ['<node>'],
  says: 'a new log epoch, where a log was lost or rolled back',
  examples: ['meshd peer epoch dorado -m "disk replaced"'],
  options: [
    {
      flags: '--overrule-boot-check',
      says: 'let it finish its boot check without the answers it lacks',
    },
    WAIT_OPTION,
    ...KEY_OPTIONS,
  ],
  run: async (context, [node = ''], options) => {
    const peer = await peerOf(context, node)
    const known = (await statementsOf(context, 'epoch')).filter(
      ({ payload }) => payload['node'] === peer.did,
    )
    const epoch = Math.max(1, peer.heard?.epoch ?? 1, ...known.map(epochOf)) + 1
    const overrules = flagOption(options, 'overruleBootCheck')
    const role = await signerFor(context, ['admitter'], options)
    for (const line of givenUp(peer, epoch, overrules)) context.say(line)
    await consent(context, `Open epoch ${epoch} as ${role.name} (admitter)?`)
    const payload = payloadOf({
      type: 'epoch',
      ...(await commonOf(context)),
      node: keyOf(peer.did),
      epoch,
      // Its size alone proves nothing without the hash, which a status page does not carry.
      previousSize: null,
      previousRootHash: null,
      overrules,
    })
    const view = await submit(context, await signNew('epoch', payload, role))
    const what = `${peer.name ?? peer.did} epoch ${epoch}`
    return view === null ? 0 : follow(context, view, what, waitOf(context, options))
  },
}

function epochOf({ payload }: StatementView): number {
  return Number(payload['epoch'])
}

function givenUp(peer: PeerView, epoch: number, overrules: boolean): readonly string[] {
  const size = peer.heard?.logSize
  const log = size == null ? 'a log of unknown size' : plural(size, 'record')
  return [
    `${peer.name ?? '(no name)'}   ${peer.did}`,
    `  given up: what its epoch ${epoch - 1} holds beyond the checkpoints that others have seen (${log})`,
    ...(overrules
      ? ['  given up too: the proof that it knows every revocation it once confirmed']
      : []),
  ]
}

export const peerIsolate: Command = {
  name: 'peer isolate',
  group: 'MESH',
  says: 'refuse every connection of this node; --off lifts it',
  examples: ['meshd peer isolate', 'meshd peer isolate --off'],
  options: [{ flags: '--off', says: 'connect again' }],
  run: async (context, _args, options) => {
    const isolated = !flagOption(options, 'off')
    await context.client('admin').post('/v1/isolation', { isolated })
    context.say(isolated ? 'isolated; undo: meshd peer isolate --off' : 'connecting again')
    return 0
  },
}
