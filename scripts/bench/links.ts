/** Links that no daemon has seen, signed here with the operator's own keys, as `meshd artifact` would. */
import { randomBytes } from 'node:crypto'
import type { Host } from '../../src/cli/stage.ts'
import { artifactOf, formatArtifact } from '../../src/core/artifact.ts'
import { type Delegation, parseDelegation, signDelegation } from '../../src/core/delegation.ts'
import { compileGrant, type Grant } from '../../src/core/grant.ts'
import type { Did, Signer } from '../../src/core/keys.ts'

/** Longer than any run. */
const LIFE_S = 3000

export interface LinkPlan {
  /** Root first; none begins a chain. */
  readonly above: readonly Delegation[]
  readonly to: Did
  readonly resource: string
  readonly signer: Signer
}

export function linkOf({ above, to, resource, signer }: LinkPlan): Delegation {
  const terms = compileGrant({ ...NOTHING, actions: ['tool:search'], resource }, above)
  const sub = above[0]?.iss ?? signer.did
  const nonce = new Uint8Array(randomBytes(12))
  // What is delegated ends no later than what it is delegated from.
  const expS = above.at(-1)?.expS ?? Math.floor(Date.now() / 1000) + LIFE_S
  const link = signDelegation({ ...terms, aud: to, sub, nonce, expS, nbfS: null }, signer)
  return parseDelegation(link)
}

const NOTHING: Grant = {
  actions: [],
  resource: null,
  subject: null,
  bind: new Map(),
  node: null,
  env: new Map(),
  require: [],
  depth: null,
  once: false,
  gov: null,
  by: null,
}

export function headerOf(links: readonly Delegation[]): Readonly<Record<string, string>> {
  return { 'meshd-artifact': formatArtifact(artifactOf(links, null)) }
}

export interface LocalCaller {
  readonly name: string
  readonly principal: Did
}

/** The key that a daemon keeps for the one who runs this; made where there is none yet. */
export async function callerOf(host: Host): Promise<LocalCaller> {
  const who = `uid=${process.getuid?.() ?? 0}`
  const find = async () => {
    const { items } = await host.ask<{ items: (LocalCaller & { where: string })[] }>('key', 'list')
    return items.find(({ where }) => where.startsWith('daemon') && where.endsWith(who))
  }
  const had = await find()
  if (had !== undefined) return had
  await host.do('key', 'create', 'caller', '--for', who)
  const made = await find()
  if (made === undefined) throw new Error(`${host.name} made no key`)
  return made
}
