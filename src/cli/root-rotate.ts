/**
 * `meshd root rotate`: drafts version n+1, says what it tolerates, and signs it
 * with every root key of this store. It needs a fresh lease and witnesses that
 * are connected and in sync: a root signed in ignorance could roll back what
 * this node has not heard of (design 9).
 */
import type { PeerView } from '../client/peer-types.ts'
import type { ListView, RootView, StatementView, StatusView, View } from '../client/types.ts'
import { addSignature, signEnvelope } from '../core/dsse.ts'
import { closersNeeded, sameTerms, type Terms } from '../core/eras.ts'
import type { StatementId } from '../core/id.ts'
import type { Did, Signer } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import {
  consent,
  KEY_OPTIONS,
  messageOf,
  newestRoot,
  passphraseOf,
  payloadOf,
  submit,
} from './govern.ts'
import { mayBeLost, quorumText } from './mesh.ts'
import { durationOf } from './parse.ts'
import { within } from './patience.ts'
import { follow, WAIT_OPTION, waitOf } from './revoke.ts'
import { peerNamed } from './root.ts'
import { type Carried, type Changes, nextRoot } from './root-draft.ts'
import { resolveId } from './short-ids.ts'
import { type Command, listOption, type Options, textOption } from './spec.ts'
import { plural } from './text.ts'

const TTL_DEFAULT = '365d'

export const rootRotate: Command = {
  name: 'root rotate',
  dryRun: true,
  group: 'MESH',
  says: 'draft and sign the next root; prints what it tolerates',
  examples: [
    'meshd root rotate --witnesses atlas,borealis,cygnus',
    'meshd root rotate --add-key policy=did:key:z6Mk… --threshold policy=2 -m "second approver"',
    'meshd root rotate --drop-key did:key:z6Mk… -m "INC-9"',
    'meshd root rotate --lift sha256:5c1e… -m "the clone is destroyed"',
  ],
  options: [
    { flags: '--add-key <role=did...>', says: 'a key for a role' },
    { flags: '--drop-key <did...>', says: 'take a key out of every role' },
    { flags: '--disown <id...>', says: 'statements of dropped keys that lose their force' },
    { flags: '--lift <evidence...>', says: 'nodes that count again, once they keep another log' },
    { flags: '--threshold <role=n...>', says: 'how many signatures a role needs' },
    { flags: '--witnesses <nodes...>', says: 'all of them, by name or did:key' },
    { flags: '--lease <terms...>', says: 'read=2,write=2,faults=0,staleness=60s,skew=2s' },
    { flags: '--ttl <duration>', says: `until the root expires, default ${TTL_DEFAULT}` },
    WAIT_OPTION,
    ...KEY_OPTIONS,
  ],
  run: async (context, _args, options) => {
    const root = await newestRoot(context)
    const status = await readyToRotate(context, (peers) => witnessesOf(peers, options))
    const changes: Changes = {
      addKeys: listOption(options, 'addKey'),
      dropKeys: listOption(options, 'dropKey'),
      thresholds: listOption(options, 'threshold'),
      witnesses: witnessesOf(status.peers, options),
      lease: listOption(options, 'lease'),
      lifts: await liftsOf(context, listOption(options, 'lift')),
    }
    const issuedMs = context.now().getTime()
    const ttlMs = durationOf(textOption(options, 'ttl') ?? TTL_DEFAULT, '--ttl')
    const times = { issuedMs, expiresMs: issuedMs + ttlMs }
    const carried = await carriedOver(context, root, changes, listOption(options, 'disown'))
    const draft = nextRoot(root, changes, carried, times, messageOf(context))
    const stuck = handoverStuck(status, root, draft)
    if (stuck !== null)
      throw new MeshError('NOT_READY', `no root is signed now: ${stuck}`, {
        hint: 'docs/guides/operating.md, Too few witnesses',
      })
    context.say(`root v${draft.version} of ${draft.mesh}`)
    const kept = keptText(changes, carried)
    for (const line of [
      ...draft.lifts.map((id) => `lifts       ${id}`),
      `quorum      ${quorumText(draft)}`,
      `may be lost ${mayBeLost(draft)}`,
      ...(kept === '' ? [] : [kept]),
    ])
      context.say(context.style.symbols(`  ${line}`))
    const signers = await rootSigners(
      context,
      [root.roles['root']?.keys ?? [], draft.roles.root.keys],
      options,
    )
    await consent(context, `Sign root v${draft.version} with ${plural(signers.length, 'key')}?`)
    const envelope = signers
      .slice(1)
      .reduce(addSignature, signEnvelope('root', payloadOf(draft), signers.slice(0, 1)))
    const view = await submit(context, envelope)
    if (view === null) return 0
    return follow(context, view, `root v${draft.version}`, waitOf(context, options))
  },
}

/** The keys of --witnesses; null when they stay as they are. @throws MeshError NOT_FOUND, AMBIGUOUS */
function witnessesOf(peers: readonly PeerView[], options: Options): readonly Did[] | null {
  const names = listOption(options, 'witnesses')
  if (names.length === 0) return null
  return names.map((text) => {
    const [peer, other] = peerNamed(peers, text)
    if (peer === undefined)
      throw new MeshError('NOT_FOUND', `no node here is called \`${text}\``, {
        hint: 'meshd peer list',
      })
    if (other !== undefined)
      throw new MeshError('AMBIGUOUS', `\`${text}\` is ${peer.did} or ${other.did}`)
    if (peer.state !== 'member' && peer.state !== 'self')
      throw new MeshError('NOT_ADMITTED', `${text} is ${peer.state}, not a member`)
    return peer.did as Did
  })
}

/** @throws MeshError NOT_FOUND for what is no evidence here */
async function liftsOf(context: Context, named: readonly string[]): Promise<StatementId[]> {
  if (named.length === 0) return []
  const { items } = await statements(context, 'type=evidence&state=effective')
  const ids = items.map(({ id }) => id)
  const lifts = named.map((text) => resolveId(context, text, ids, true))
  const unknown = lifts.find((id) => !ids.includes(id))
  if (unknown !== undefined)
    throw new MeshError('NOT_FOUND', `\`${unknown}\` is no evidence in force here`, {
      hint: 'meshd peer list, and: meshd peer show <node>',
    })
  return [...new Set(lifts)] as StatementId[]
}

/** Waits, within --timeout, for a lease and for the witnesses to be connected and in sync. @throws MeshError NOT_READY */
async function readyToRotate(
  context: Context,
  wanted: (peers: readonly PeerView[]) => readonly Did[] | null,
): Promise<StatusView> {
  let why: string | null = null
  const ready = await within(context, async () => {
    const { item } = await context.client('read').get<View<'Status', StatusView>>('/v1/status')
    why = unreadyFor(item, wanted(item.peers))
    return why === null ? item : null
  })
  if (ready !== null) return ready
  throw new MeshError('NOT_READY', `no root is signed now: ${why}`, { hint: 'meshd mesh status' })
}

/** Why a root may not be made from what this node knows; null when it may. */
export function unreadyFor(status: StatusView, witnesses: readonly Did[] | null): string | null {
  const { lease, peers, governance } = status
  if (!lease.held) return `this node holds no lease: ${lease.why ?? 'it does not say why'}`
  const wanted = witnesses ?? peers.filter(({ role }) => role === 'witness').map(({ did }) => did)
  for (const did of wanted) {
    const peer = peers.find((each) => each.did === did)
    const name = peer?.name ?? did
    if (peer === undefined) return `${name} is not known here`
    // Nobody talks to it, and its word would count for nothing.
    if (peer.state === 'self' || peer.state === 'distrusted') continue
    if (peer.link === null) return `witness ${name} is not connected`
    if (peer.heard?.digest !== governance.digest) return `witness ${name} is not in sync`
  }
  return null
}

/** Why no witness of the next root would ever speak: too few of the old ones can fall silent. null when it may. */
export function handoverStuck({ peers }: StatusView, old: Terms, next: Terms): string | null {
  if (sameTerms(old, next)) return null
  const able = peers.filter(
    ({ did, state, link }) =>
      old.witnesses.includes(did) && (state === 'self' || (state === 'member' && link !== null)),
  )
  const need = closersNeeded(old)
  if (able.length >= need) return null
  return `${able.length} of ${plural(old.witnesses.length, 'old witness', 'old witnesses')} can be reached, and ${need} must fall silent before new ones speak`
}

/** By default everything that a dropped key signed keeps its force; a bundle never falls below what is in force now. */
async function carriedOver(
  context: Context,
  root: RootView,
  changes: Changes,
  disowned: readonly string[],
): Promise<Carried> {
  const floors = await floorsOf(context, root)
  if (changes.dropKeys.length === 0) {
    if (disowned.length > 0) throw new MeshError('USAGE', '--disown goes with --drop-key')
    return { keeps: [], floors }
  }
  const { items } = await statements(context, 'state=effective')
  const touched = items.filter(
    ({ type, signatures }) =>
      type !== 'root' &&
      signatures.some(({ key, counts }) => counts && changes.dropKeys.includes(key)),
  )
  for (const id of disowned)
    if (!touched.some((view) => view.id === id))
      throw new MeshError('NOT_FOUND', `--disown: no dropped key signed ${id}`)
  for (const { type, payload } of items)
    if (type === 'policy') raise(floors, String(payload['bundle']), Number(payload['version']))
  const keeps = touched.map(({ id }) => id as StatementId).filter((id) => !disowned.includes(id))
  return { keeps, floors }
}

async function floorsOf(context: Context, root: RootView): Promise<Map<string, number>> {
  const path = `/v1/statements/${encodeURIComponent(root.id)}`
  const { item } = await context.client('read').get<View<'Statement', StatementView>>(path)
  const floors = item.payload['floors']
  return new Map(
    Object.entries(typeof floors === 'object' && floors !== null ? floors : {}).map(
      ([bundle, version]) => [bundle, Number(version)],
    ),
  )
}

function raise(floors: Map<string, number>, bundle: string, version: number): void {
  floors.set(bundle, Math.max(version, floors.get(bundle) ?? 0))
}

function statements(
  context: Context,
  query: string,
): Promise<ListView<'StatementList', StatementView>> {
  return context.client('read').get(`/v1/statements?${query}`)
}

function keptText({ dropKeys }: Changes, { keeps, floors }: Carried): string {
  if (dropKeys.length === 0) return ''
  const held = [...floors].map(([bundle, version]) => `${bundle}@${version}`).join(' ')
  return `keeps ${plural(keeps.length, 'statement')} of dropped keys; no bundle falls below ${held || '-'}`
}

/** Every own key in a root role of the old or the new root. @throws MeshError ROLE_MISSING */
async function rootSigners(
  context: Context,
  roles: readonly (readonly string[])[],
  options: Options,
): Promise<readonly Signer[]> {
  const { KeyStore } = await import('../daemon/key-store.ts')
  const store = new KeyStore(context.io.env)
  const wanted = textOption(options, 'as')
  const own = store
    .list()
    .filter(({ did, own: mine }) => mine && roles.some((keys) => keys.includes(did)))
    .filter(({ name }) => wanted === null || name === wanted)
  if (own.length === 0)
    throw new MeshError('ROLE_MISSING', `no key in ${store.dir} is in role root`)
  return own.map(({ name }) => store.signer(name, passphraseOf(context, options)))
}
