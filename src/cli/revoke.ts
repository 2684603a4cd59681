/** `meshd revoke <target>`: for ever. Shows who applied it, when, and the time after which no node allows it. */
import type { StatementView } from '../client/types.ts'
import { isCid, isSha256Id, shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import type { Target } from '../core/statement/revocation.ts'
import { formatStatement } from '../core/statement/statement.ts'
import type { Context } from './context.ts'
import { terminal } from './context.ts'
import {
  commonOf,
  consent,
  KEY_OPTIONS,
  newestRoot,
  printSubmitted,
  signerFor,
  signNew,
  submit,
} from './govern.ts'
import { printItem } from './output.ts'
import { durationOf } from './parse.ts'
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
      says: 'inert after that; default: the longest artifact the root allows',
    },
    ...KEY_OPTIONS,
  ],
  run: async (context, [text = ''], options) => {
    const { target, says } = await targetOf(context, text)
    const { limits } = await newestRoot(context)
    const common = await commonOf(context)
    const forMs =
      textOption(options, 'until') === null
        ? limits.artifactTtlMs
        : durationOf(textOption(options, 'until') ?? '', '--until')
    const role = await signerFor(context, ['revoker'], options)
    const inert = clockTime(new Date(common.issuedMs + forMs).toISOString(), context.now())
    for (const line of says) context.say(line)
    context.say(
      `  and all that descends from it. A revocation cannot be undone; inert after ${inert}`,
    )
    await consent(context, `Revoke as ${role.name} (revoker)?`)
    const payload = formatStatement({
      type: 'revocation',
      ...common,
      target,
      untilMs: common.issuedMs + forMs,
      chain: [],
    })
    const view = await submit(context, await signNew('revocation', payload, role))
    return view === null ? 0 : follow(context, view, 'revoked', waitOf(context, options))
  },
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
    return printSpread(context, await waitSpread(context, view.id, wait))
  }
  const spread = await waitSpread(context, view.id, wait)
  const item = { statement: view, spread }
  printItem(context, { kind: 'Submitted', seenFrom: '', item, id: view.id, lines: () => [] })
  return spreadExit(spread)
}

export function waitOf(context: Context, options: Options): WaitFor {
  const given = options['wait']
  if (given === undefined || given === true)
    return given === true || terminal(context.io, context.globals) ? 'committed' : 'none'
  if (given === 'none' || given === 'committed' || given === 'all') return given
  throw new MeshError('USAGE', `--wait: \`${String(given)}\` is none of none, committed, all`)
}

interface Chosen {
  readonly target: Target
  readonly says: readonly string[]
}

async function targetOf(context: Context, text: string): Promise<Chosen> {
  const [kind = '', rest = ''] = splitOnce(text)
  if (kind === 'principal' || kind === 'node' || kind === 'issuer') {
    const { did, name } = await resolvePrincipal(context, rest)
    return { target: { kind, did: did as never }, says: [`${kind} ${name}  ${did}`] }
  }
  const [, bundle, version] = /^([a-zA-Z0-9][a-zA-Z0-9._-]*)@(\d+)$/.exec(text) ?? []
  if (bundle !== undefined)
    return {
      target: { kind: 'policy', bundle, version: Number(version) },
      says: [`policy ${text}`],
    }
  return idTarget(await fullId(context, text))
}

function idTarget(id: string): Chosen {
  if (isCid(id)) return { target: { kind: 'link', cid: id }, says: [id, `  ${shortId('art', id)}`] }
  if (isSha256Id(id))
    return { target: { kind: 'execution', record: id }, says: [`execution ${id}`] }
  throw new MeshError('NOT_FOUND', `\`${id}\` is nothing that can be revoked`)
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
