/** `meshd freeze|unfreeze <scope>` and `peer suspend`: a stop that can be lifted, with a version per scope. */
import type { GovernanceView, View } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import { type Scope, scopeKey } from '../core/statement/freeze.ts'
import type { Context } from './context.ts'
import { commonOf, consent, KEY_OPTIONS, payloadOf, signerFor, signNew, submit } from './govern.ts'
import { resolvePrincipal } from './principals.ts'
import { follow, WAIT_OPTION, waitOf } from './revoke.ts'
import type { Command, Options } from './spec.ts'

export const freeze: Command = {
  name: 'freeze',
  dryRun: true,
  group: 'GOVERN',
  args: ['<scope>'],
  says: 'reversible stop: mesh, principal:, node:, action:, resource:',
  examples: [
    'meshd freeze principal:worker-9 -m "INC-9"',
    'meshd freeze mesh',
    "meshd freeze 'resource:env:prod'",
  ],
  options: [WAIT_OPTION, ...KEY_OPTIONS],
  run: (context, [scope = ''], options) => change(context, scope, true, options),
}

export const unfreeze: Command = {
  name: 'unfreeze',
  dryRun: true,
  group: 'GOVERN',
  args: ['<scope>'],
  says: 'lift a freeze',
  examples: ['meshd unfreeze principal:worker-9 -m "INC-9 closed"'],
  options: [WAIT_OPTION, ...KEY_OPTIONS],
  run: (context, [scope = ''], options) => change(context, scope, false, options),
}

export const peerSuspend: Command = {
  name: 'peer suspend',
  dryRun: true,
  group: 'MESH',
  args: ['<node>'],
  says: 'stop a node mesh-wide, reversibly; undo: unfreeze node:<node>',
  examples: ['meshd peer suspend dorado -m "restored from a snapshot?"'],
  options: [WAIT_OPTION, ...KEY_OPTIONS],
  run: (context, [node = ''], options) => change(context, `node:${node}`, true, options),
}

async function change(
  context: Context,
  text: string,
  frozen: boolean,
  options: Options,
): Promise<number> {
  const scope = await scopeOf(context, text)
  const { item } = await context
    .client('read')
    .get<View<'Governance', GovernanceView>>('/v1/governance')
  const now = item.freezes.find((known) => known.scope === scopeKey(scope))
  if ((now?.frozen ?? false) === frozen)
    throw new MeshError('CONFLICT', `${text} is ${frozen ? 'frozen already' : 'not frozen'}`)
  const version = (now?.version ?? 0) + 1
  const common = await commonOf(context)
  const payload = payloadOf({ type: 'freeze', ...common, scope, version, frozen })
  const role = await signerFor(context, ['revoker'], options)
  context.say(`${frozen ? 'freeze' : 'unfreeze'} ${scopeKey(scope)}, version ${version}`)
  await consent(context, `${frozen ? 'Freeze' : 'Unfreeze'} as ${role.name} (revoker)?`)
  const view = await submit(context, await signNew('freeze', payload, role))
  if (view === null) return 0
  if (frozen) context.say(`undo: meshd unfreeze ${text}`)
  return follow(
    context,
    view,
    `${text} ${frozen ? 'frozen' : 'unfrozen'}, version ${version}`,
    waitOf(context, options),
  )
}

async function scopeOf(context: Context, text: string): Promise<Scope> {
  if (text === 'mesh') return { kind: 'mesh' }
  const at = text.indexOf(':')
  const [kind, rest] = [text.slice(0, at), text.slice(at + 1)]
  if (at < 0 || rest === '')
    throw new MeshError('USAGE', `\`${text}\` is no scope`, {
      hint: 'mesh, principal:<name>, node:<name>, action:<pattern>, resource:<pattern>',
    })
  if (kind === 'action' || kind === 'resource') return { kind, pattern: rest }
  if (kind !== 'principal' && kind !== 'node')
    throw new MeshError('USAGE', `\`${kind}\` cannot be frozen`)
  const { did } = await resolvePrincipal(context, rest)
  return { kind, did: did as never }
}
