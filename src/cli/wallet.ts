/** `meshd artifact inspect|verify|hold|list|drop`: what one says, and what this daemon holds for whom. */
import type { HeldArtifactView, ListView } from '../client/types.ts'
import { formatArtifact } from '../core/artifact.ts'
import { shortId } from '../core/id.ts'
import { describe, expiresS, formatScope } from '../core/scope.ts'
import { readArtifact } from './artifact.ts'
import type { Context } from './context.ts'
import { printItem, printList } from './output.ts'
import { knownPrincipals, nameIn } from './principals.ts'
import { resolveId } from './short-ids.ts'
import { type Command, textOption } from './spec.ts'
import { clockTime, duration } from './text.ts'

/** The answer of POST /v1/artifacts/verify: here, now. */
interface Verified {
  readonly valid: boolean
  readonly code: string | null
  readonly detail: string
  readonly revocations: number
}

function verified(context: Context, line: string): Promise<Verified> {
  return context.client('read').post<Verified>('/v1/artifacts/verify', { artifact: line })
}

export const artifactInspect: Command = {
  name: 'artifact inspect',
  group: 'GOVERN',
  args: ['<file>'],
  says: 'chain, scope, bindings, time and state',
  examples: ['meshd artifact inspect worker.ucan'],
  run: async (context, [file = '']) => {
    const artifact = readArtifact(context, file)
    const [state, known] = await Promise.all([
      verified(context, formatArtifact(artifact)),
      knownPrincipals(context),
    ])
    const scope = describe(artifact.links)
    printItem(context, {
      kind: 'Artifact',
      seenFrom: '',
      id: artifact.cid,
      item: {
        cid: artifact.cid,
        scope,
        state,
        links: artifact.links.map(({ cid, iss, aud, cmd, expS }) => ({ cid, iss, aud, cmd, expS })),
      },
      lines: () => {
        const now = context.now()
        const last = artifact.links.at(-1)
        const [first] = artifact.links
        const expiresMs = expiresS(artifact.links) * 1000
        const chain = artifact.links.map(
          ({ cid, aud }) => `${nameIn(known, aud)} ${shortId('art', cid)}`,
        )
        return [
          `${shortId('art', artifact.cid)}   ${artifact.cid}      ${state.valid === true ? 'VALID here, now' : `${state.code}: ${state.detail}`}`,
          `  for         ${nameIn(known, last?.aud ?? '')}   ${last?.aud}`,
          `  may         ${formatScope(scope)}`,
          `  if          ${scope.conditions.join(' · ') || 'nothing else is asked'}`,
          `  time        until ${clockTime(new Date(expiresMs).toISOString(), now)}   ${duration(Math.max(0, expiresMs - now.getTime()))} left${scope.once ? '   single use' : ''}`,
          `  chain       ${nameIn(known, first?.iss ?? '')} (issuer) ─ ${chain.join(' ─ ')}`,
          `  revocations ${state.code === 'REVOKED' ? state.detail : `none of ${state.revocations} apply`}`,
        ].map(context.style.symbols)
      },
    })
    return 0
  },
}

export const artifactVerify: Command = {
  name: 'artifact verify',
  group: 'GOVERN',
  args: ['<file>'],
  says: 'a yes or no: exit 0, 2 when expired or revoked, 3 when it does not hold',
  examples: ['meshd artifact verify worker.ucan && echo good'],
  run: async (context, [file = '']) => {
    const artifact = readArtifact(context, file)
    const state = await verified(context, formatArtifact(artifact))
    context.print(
      state.valid === true
        ? `VALID  ${shortId('art', artifact.cid)}`
        : `${state.code}  ${state.detail}`,
    )
    if (state.valid === true) return 0
    return state.code === 'EXPIRED' || state.code === 'REVOKED' ? 2 : 3
  },
}

export const artifactHold: Command = {
  name: 'artifact hold',
  group: 'GOVERN',
  args: ['<file>'],
  says: 'give it to the daemon, which holds it for the caller whose key it names',
  examples: ['meshd artifact hold planner.ucan'],
  run: async (context, [file = '']) => {
    const artifact = readArtifact(context, file)
    const { caller } = await context
      .client('decide')
      .put<{ caller: string }>('/v1/wallet', { artifact: formatArtifact(artifact) })
    context.print(`${shortId('art', artifact.cid)}  held for ${caller}`)
    return 0
  },
}

export const artifactList: Command = {
  name: 'artifact list',
  watch: true,
  group: 'GOVERN',
  aliases: ['ls'],
  says: 'the wallet: what this daemon holds, and for which caller',
  examples: ['meshd artifact list'],
  run: async (context) => {
    const view = await context
      .client('admin')
      .get<ListView<'HeldArtifactList', HeldArtifactView>>('/v1/wallet')
    printList(context, {
      kind: 'HeldArtifactList',
      seenFrom: view.seenFrom,
      items: view.items,
      id: ({ cid }) => cid,
      empty: 'nothing is held: meshd artifact issue --to <principal> --hold',
      columns: [
        { head: 'ARTIFACT', cell: ({ cid }) => shortId('art', cid) },
        { head: 'FOR', cell: ({ caller }) => caller },
        { head: 'MAY', cell: ({ actions, resource }) => `${actions.join(', ')} on ${resource}` },
        { head: 'EXPIRES', cell: ({ expiresAt }) => clockTime(expiresAt, context.now()), drop: 1 },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'CID', cell: ({ cid }) => cid, wide: true },
      ],
    })
    return 0
  },
}

export const artifactDrop: Command = {
  name: 'artifact drop',
  group: 'GOVERN',
  aliases: ['rm'],
  args: ['<cid>'],
  says: 'forget a held artifact; it stays valid elsewhere until revoked',
  examples: ['meshd artifact drop art_bejocdkb'],
  options: [{ flags: '--for <caller>', says: 'whose, when several hold it' }],
  run: async (context, [text = ''], options) => {
    const client = context.client('admin')
    const { items } = await client.get<ListView<'HeldArtifactList', HeldArtifactView>>('/v1/wallet')
    const cid = resolveId(
      context,
      text,
      items.map((item) => item.cid),
      true,
    )
    const caller = textOption(options, 'for')
    await client.delete(
      `/v1/wallet/${cid}${caller === null ? '' : `?for=${encodeURIComponent(caller)}`}`,
    )
    return 0
  },
}
