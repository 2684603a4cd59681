/** `meshd revoke <target>`: for ever. Shows who applied it, when, and the time after which no node allows it. */
import type { HeldArtifactView, ListView, StatementView, View } from '../client/types.ts'
import { isCid, isSha256Id, shortId } from '../core/id.ts'
import { TIME_S_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Target } from '../core/statement/revocation.ts'
import type { Context } from './context.ts'
import { terminal } from './context.ts'
import {
  commonOf,
  consent,
  KEY_OPTIONS,
  payloadOf,
  printSubmitted,
  signerFor,
  signNew,
  submit,
} from './govern.ts'
import { printItem } from './output.ts'
import { durationOf } from './parse.ts'
import { policiesOf, policyNamed } from './policy.ts'
import { resolvePrincipal } from './principals.ts'
import { resolveId } from './short-ids.ts'
import { type Command, type Options, textOption } from './spec.ts'
import { printSpread, spreadExit, type WaitFor, waitSpread } from './spread.ts'
import { clockTime } from './text.ts'

export const WAIT_OPTION = {
  flags: '--wait [how]',
  says: 'none, committed or all (default at a terminal: committed)',
} as const

export const revoke: Command = {
  name: 'revoke',
  dryRun: true,
  group: 'GOVERN',
  args: ['<target>'],
  says: 'for ever: an artifact link, principal:, node:, issuer:, a policy version or an execution',
  examples: [
    'meshd revoke bafyrei… -m "key leaked" --wait',
    'meshd revoke principal:planner -m "INC-9"',
    'meshd revoke agents@7',
  ],
  options: [
    WAIT_OPTION,
    {
      flags: '--until <duration>',
      says: 'inert after that; default: never',
    },
    ...KEY_OPTIONS,
  ],
  run: async (context, [text = ''], options) => {
    const view = await revokeNow(context, await targetOf(context, text), options)
    return view === null ? 0 : follow(context, view, 'revoked', waitOf(context, options))
  },
}

/** Asks, signs and hands over. null where --dry-run has printed it. */
export async function revokeNow(
  context: Context,
  { target, says }: Chosen,
  options: Options,
): Promise<StatementView | null> {
  const common = await commonOf(context)
  const until = textOption(options, 'until')
  // A link may be signed years ahead and come to life at its end, and a key lives as long as somebody has it.
  const untilMs =
    until === null ? TIME_S_MAX * 1000 : common.issuedMs + durationOf(until, '--until')
  const role = await signerFor(context, ['revoker'], options)
  for (const line of says) context.say(line)
  const inert =
    until === null
      ? ''
      : `; inert after ${clockTime(new Date(untilMs).toISOString(), context.now())}`
  context.say(`  and all that descends from it. A revocation cannot be undone${inert}`)
  await consent(context, `Revoke as ${role.name} (revoker)?`)
  const payload = payloadOf({ type: 'revocation', ...common, target, untilMs, chain: [] })
  return submit(context, await signNew('revocation', payload, role))
}

/** Prints the statement and, unless --wait=none, how it spread. */
export async function follow(
  context: Context,
  view: StatementView,
  what: string,
  wait: WaitFor,
): Promise<number> {
  if (view.state !== 'effective' || wait === 'none') {
    printSubmitted(context, view, what)
    return 0
  }
  if (context.globals.output !== 'json') {
    printSubmitted(context, view, what)
    return printSpread(context, await waitSpread(context, view.id, wait), stops(view))
  }
  const spread = await waitSpread(context, view.id, wait)
  const item = { statement: view, spread }
  printItem(context, { kind: 'Submitted', seenFrom: '', item, id: view.id, lines: () => [] })
  return spreadExit(spread)
}

function stops({ type, payload }: StatementView): boolean {
  return type === 'revocation' || (type === 'freeze' && payload['frozen'] === true)
}

export function waitOf(context: Context, options: Options): WaitFor {
  const given = options['wait']
  if (given === undefined || given === true)
    return given === true || terminal(context.io, context.globals) ? 'committed' : 'none'
  if (given === 'none' || given === 'committed' || given === 'all') return given
  throw new MeshError('USAGE', `--wait: \`${String(given)}\` is none of none, committed, all`)
}

export interface Chosen {
  readonly target: Target
  readonly says: readonly string[]
}

async function targetOf(context: Context, text: string): Promise<Chosen> {
  const [kind = '', rest = ''] = splitOnce(text)
  if (kind === 'principal' || kind === 'node' || kind === 'issuer') {
    const { did, name } = await resolvePrincipal(context, rest)
    return { target: { kind, did: did as never }, says: [`${kind} ${name}  ${did}`] }
  }
  if (text.includes('@')) return policyTarget(await policiesOf(context, text))
  if (text.startsWith('pol_')) return policyTarget([await policyNamed(context, text)])
  return idTarget(context, await fullId(context, text))
}

/** Two that contradict each other bear one version, and are revoked together. */
function policyTarget([policy]: readonly StatementView[]): Chosen {
  const { bundle, version } = policy?.payload ?? {}
  return {
    target: { kind: 'policy', bundle: String(bundle), version: Number(version) },
    says: [`policy ${bundle}@${version}`],
  }
}

/** The id of a statement is no execution's: a revocation of that would stop nothing. */
async function idTarget(context: Context, id: string): Promise<Chosen> {
  if (isCid(id))
    return {
      target: { kind: 'link', cid: id },
      says: [id, `  ${await linkText(context, id)}`],
    }
  if (!isSha256Id(id))
    throw new MeshError('NOT_FOUND', `\`${id}\` is nothing that can be revoked`, {
      hint: 'meshd help revoke',
    })
  const view = await statementOf(context, id)
  if (view === null) return { target: { kind: 'execution', record: id }, says: [`execution ${id}`] }
  if (view.type === 'policy') return policyTarget([view])
  throw new MeshError('USAGE', `${id} is a ${view.type} statement, which is not revoked itself`, {
    hint: 'meshd revoke node:<node>, principal:<name> or issuer:<name>',
  })
}

/** What it allows, where it is held here. */
async function linkText(context: Context, cid: string): Promise<string> {
  const held = await context
    .client('admin')
    .get<ListView<'HeldArtifactList', HeldArtifactView>>('/v1/wallet')
  const found = held.items.find((each) => each.cid === cid)
  const short = shortId('art', cid)
  if (found === undefined) return short
  return `${short}   ${found.caller} may ${found.actions.join(', ')} on ${found.resource}`
}

async function statementOf(context: Context, id: string): Promise<StatementView | null> {
  try {
    const path = `/v1/statements/${id}`
    return (await context.client('read').get<View<'Statement', StatementView>>(path)).item
  } catch (error) {
    // Records of other nodes are not known here; one of them may be meant.
    if (error instanceof MeshError && error.code === 'NOT_FOUND') return null
    throw error
  }
}

/** Short forms are looked up among held artifacts, policies and the newest decisions. */
async function fullId(context: Context, text: string): Promise<string> {
  if (isCid(text) || isSha256Id(text)) return text
  const client = context.client('admin')
  const held = await client.get<{ items: { cid: string }[] }>('/v1/wallet')
  const records = await client.get<{ items: { id: string; leaf: { artifact?: unknown } }[] }>(
    '/v1/records?limit=1000',
  )
  const candidates = [
    ...held.items.map(({ cid }) => cid),
    ...records.items.flatMap(({ id, leaf }) => [
      id,
      ...(typeof leaf.artifact === 'string' ? [leaf.artifact] : []),
    ]),
  ]
  return resolveId(context, text, candidates, true)
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(':')
  return at < 0 || text.startsWith('sha256:') ? ['', text] : [text.slice(0, at), text.slice(at + 1)]
}
