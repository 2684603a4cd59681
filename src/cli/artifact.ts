/** `meshd artifact issue|delegate`: make an authorization, or hand on a narrower one. */
import { randomBytes } from 'node:crypto'
import { type Artifact, artifactOf, formatArtifact, parseArtifact } from '../core/artifact.ts'
import { textOf } from '../core/bytes.ts'
import { type Delegation, parseDelegation, signDelegation } from '../core/delegation.ts'
import { compileGrant, type Grant } from '../core/grant.ts'
import { shortId } from '../core/id.ts'
import type { Did, Signer } from '../core/keys.ts'
import { ARTIFACT_BYTES_MAX, NONCE_BYTES } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { boundNode, describe, expiresS, formatScope, widen } from '../core/scope.ts'
import type { Context } from './context.ts'
import { KEY_OPTIONS, newestRoot, passphraseOf, signerFor } from './govern.ts'
import { GRANT_OPTIONS, grantOf, TTL_DEFAULT } from './grant-options.ts'
import { OWN, writeNamed } from './named-file.ts'
import { printItem } from './output.ts'
import { durationOf } from './parse.ts'
import { type Named, resolvePrincipal } from './principals.ts'
import { type Command, flagOption, type Options, textOption } from './spec.ts'
import { clockTime, duration } from './text.ts'

const ROUND_MS = 10_000
const HOLD = { flags: '--hold', says: 'give it to the daemon to hold for its principal' }

export const artifactIssue: Command = {
  name: 'artifact issue',
  group: 'GOVERN',
  says: 'make an authorization, signed by an issuer',
  examples: [
    'meshd artifact issue --to deployer --action job:deploy --resource env:staging --ttl 1h --hold',
    "meshd artifact issue --to planner --action tool:search,tool:read --resource 'repo:acme/*' -f planner.ucan",
  ],
  options: [...GRANT_OPTIONS, HOLD, ...KEY_OPTIONS],
  run: async (context, _args, options) => {
    const to = await resolvePrincipal(context, textOption(options, 'to') ?? '')
    const grant = await grantOf(context, options)
    const role = await signerFor(context, ['issuer'], options)
    const { limits } = await newestRoot(context)
    const ttlMs = ttlOf(options)
    if (ttlMs > limits.artifactTtlMs)
      throw new MeshError(
        'USAGE',
        `--ttl: this root allows ${duration(limits.artifactTtlMs)} at most`,
      )
    const link = makeLink(grant, [], role.signer, to.did as Did, context.now().getTime() + ttlMs)
    const artifact = artifactOf([link], null)
    const lines = (record: string) => issuedLines(context, artifact, to, record)
    return finish(context, { artifact, to, event: 'issued', lines }, options)
  },
}

export const artifactDelegate: Command = {
  name: 'artifact delegate',
  group: 'GOVERN',
  args: ['<file>'],
  says: 'hand on a narrower one, signed by its holder',
  examples: [
    'meshd artifact delegate planner.ucan --to worker-3 --action tool:read --ttl 10m -f worker.ucan',
  ],
  options: [...GRANT_OPTIONS, HOLD, ...KEY_OPTIONS],
  run: async (context, [file = ''], options) => {
    const held = readArtifact(context, file)
    const to = await resolvePrincipal(context, textOption(options, 'to') ?? '')
    const grant = await grantOf(context, options)
    const expiresMs = Math.min(
      expiresS(held.links) * 1000,
      context.now().getTime() + ttlOf(options),
    )
    const holder = held.links.at(-1)?.aud
    const own = await ownSigner(context, holder as Did, options)
    const link =
      own === null
        ? await delegatedByDaemon(context, held, grant, to, expiresMs)
        : makeLink(grant, held.links, own, to.did as Did, expiresMs)
    refuseWider(held, link)
    const made = artifactOf([...held.links, link], null)
    const scope = describe(made.links)
    const narrower = `${shortId('art', made.cid)}  narrower than ${shortId('art', held.cid)}:  ${formatScope(scope)}   depth ${scope.depthLeft}`
    return finish(
      context,
      { artifact: made, to, event: 'delegated', lines: () => [narrower] },
      options,
    )
  },
}

function ttlOf(options: Options): number {
  return durationOf(textOption(options, 'ttl') ?? TTL_DEFAULT, '--ttl')
}

function makeLink(
  grant: Grant,
  above: readonly Delegation[],
  signer: Signer,
  aud: Did,
  expiresMs: number,
): Delegation {
  const terms = usage(() => compileGrant(grant, above))
  const link = parseDelegation(
    signDelegation(
      {
        ...terms,
        aud,
        sub: above[0]?.iss ?? signer.did,
        nonce: new Uint8Array(randomBytes(NONCE_BYTES)),
        expS: Math.floor(expiresMs / 1000),
        nbfS: null,
      },
      signer,
    ),
  )
  if (link.once && boundNode([...above, link]) === null)
    throw new MeshError('USAGE', 'a single-use artifact names the one node that may use it', {
      hint: 'add --node <node>',
    })
  return link
}

/** What the grammar of actions and resources refuses is the command line's mistake. */
function usage<T>(compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    if (error instanceof Malformed) throw new MeshError('USAGE', error.message, { cause: error })
    throw error
  }
}

function refuseWider(held: Artifact, link: Delegation): void {
  const wider = widen(held.links, link)
  if (wider.length > 0)
    throw new MeshError('USAGE', `it would grant more than is held: ${wider.join('; ')}`, {
      hint: `meshd artifact inspect, for what ${shortId('art', held.cid)} grants`,
    })
}

async function ownSigner(context: Context, holder: Did, options: Options): Promise<Signer | null> {
  const { KeyStore } = await import('../daemon/key-store.ts')
  const store = new KeyStore(context.io.env)
  const key = store.list().find(({ did, own }) => own && did === holder)
  return key === undefined ? null : store.signer(key.name, passphraseOf(context, options))
}

/** The holder's key is kept by the daemon, which signs for that caller only. */
async function delegatedByDaemon(
  context: Context,
  held: Artifact,
  grant: Grant,
  to: Named,
  expiresMs: number,
): Promise<Delegation> {
  const { artifact } = await context
    .client('decide')
    .post<{ artifact: string }>('/v1/artifacts/delegate', {
      artifact: formatArtifact(held),
      to: to.did,
      expiresMs,
      grant: { ...grant, bind: Object.fromEntries(grant.bind), env: Object.fromEntries(grant.env) },
    })
  const link = parseArtifact(artifact).links.at(-1)
  if (link === undefined) throw new MeshError('INVALID_ANSWER', 'the daemon gave no link')
  return link
}

interface Made {
  readonly artifact: Artifact
  readonly to: Named
  readonly event: 'issued' | 'delegated'
  readonly lines: (record: string) => readonly string[]
}

/** Recorded first: what was made and is not in the log is given to nobody. */
async function finish(
  context: Context,
  { artifact, to, event, lines }: Made,
  options: Options,
): Promise<number> {
  const line = formatArtifact(artifact)
  const file = textOption(options, 'file')
  const held = flagOption(options, 'hold')
  const client = context.client('admin')
  const body = { artifact: line, event }
  const { id: record } = await client.post<{ id: string }>('/v1/artifacts/record', body)
  if (held) await client.put('/v1/wallet', { artifact: line })
  if (file === '-') {
    context.data(line)
    for (const each of lines(record)) context.say(each)
    return 0
  }
  if (file !== null) writeNamed(file, `${line}\n`, OWN)
  const { cid, links } = artifact
  printItem(context, {
    kind: 'Artifact',
    seenFrom: '',
    item: { cid, to: to.did, scope: describe(links), artifact: line, record },
    id: cid,
    lines: () => lines(record),
  })
  if (!held && file !== null)
    context.say(
      `next: meshd artifact hold ${file}       or  meshd artifact delegate ${file} --to …`,
    )
  return 0
}

function issuedLines({ now }: Context, { cid, links }: Artifact, to: Named, record: string) {
  const scope = describe(links)
  const expires = expiresS(links) * 1000
  const until = clockTime(new Date(expires).toISOString(), now())
  const span = duration(roundedUp(expires - now().getTime()))
  return [
    `${shortId('art', cid)}  ${to.name} may ${formatScope(scope)}   until ${until} (${span})   depth ${scope.depthLeft}   recorded ${shortId('rec', record)}`,
    `  ${cid}`,
  ]
}

/** An hour that began a second ago is still called an hour. */
function roundedUp(ms: number): number {
  return Math.ceil(ms / ROUND_MS) * ROUND_MS
}

/** @throws MeshError STATEMENT_INVALID for what is no artifact. */
export function readArtifact(context: Context, file: string): Artifact {
  const text = textOf(context.read(file, ARTIFACT_BYTES_MAX)).trim()
  try {
    return parseArtifact(text)
  } catch (error) {
    if (error instanceof Malformed)
      throw new MeshError('PROOF_INVALID', `${file}: ${error.message}`, {
        hint: 'issue it again',
        cause: error,
      })
    throw error
  }
}
