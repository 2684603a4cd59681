/** `meshd artifact issue|delegate`: make an authorization, or hand on a narrower one. */
import { randomBytes } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
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
import { forPeople } from './output.ts'
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
    return finish(context, artifactOf([link], null), to, options, 'issued')
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
    if (forPeople(context))
      context.print(
        `${shortId('art', made.cid)}  narrower than ${shortId('art', held.cid)}:  ${formatScope(describe(made.links))}   depth ${describe(made.links).depthLeft}`,
      )
    return finish(context, made, to, options, 'delegated')
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

async function finish(
  context: Context,
  artifact: Artifact,
  to: Named,
  options: Options,
  event: 'issued' | 'delegated',
): Promise<number> {
  const line = formatArtifact(artifact)
  const file = textOption(options, 'file')
  if (file === '-') context.print(line)
  else if (file !== null) writeArtifact(file, line)
  const client = context.client('admin')
  const recorded = await client.post<{ id: string }>('/v1/artifacts/record', {
    artifact: line,
    event,
  })
  if (flagOption(options, 'hold')) await client.put('/v1/wallet', { artifact: line })
  const short = shortId('art', artifact.cid)
  const scope = describe(artifact.links)
  if (context.globals.output === 'id') context.print(artifact.cid)
  else if (context.globals.output !== 'table' && context.globals.output !== 'wide')
    context.data(
      JSON.stringify({
        apiVersion: 'meshd/v1',
        kind: 'Artifact',
        cid: artifact.cid,
        to: to.did,
        scope,
        artifact: line,
        record: recorded.id,
      }),
    )
  else if (event === 'issued') {
    const expires = expiresS(artifact.links) * 1000
    const now = context.now()
    context.print(
      `${short}  ${to.name} may ${formatScope(scope)}   until ${clockTime(new Date(expires).toISOString(), now)} (${duration(roundedUp(expires - now.getTime()))})   depth ${scope.depthLeft}   recorded ${shortId('rec', recorded.id)}`,
    )
    context.print(`  ${artifact.cid}`)
  }
  if (!flagOption(options, 'hold') && file !== null && file !== '-')
    context.say(
      `next: meshd artifact hold ${file}       or  meshd artifact delegate ${file} --to …`,
    )
  return 0
}

/** An hour that began a second ago is still called an hour. */
function roundedUp(ms: number): number {
  return Math.ceil(ms / ROUND_MS) * ROUND_MS
}

function writeArtifact(file: string, line: string): void {
  writeFileSync(file, `${line}\n`, { mode: 0o600 })
  chmodSync(file, 0o600)
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
