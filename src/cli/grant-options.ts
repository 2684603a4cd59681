/** The flags that say what is granted, and the Grant they mean (core/grant.ts). */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import type { Grant } from '../core/grant.ts'
import type { JsonObject } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { resolvePrincipal } from './principals.ts'
import { flagOption, listOption, type OptionSpec, type Options, textOption } from './spec.ts'

export const GRANT_OPTIONS: readonly OptionSpec[] = [
  { flags: '--to <principal>', says: 'who may use it: a name or a did:key', required: true },
  { flags: '--action <action...>', says: 'tool:read; several with commas' },
  { flags: '--resource <resource>', says: 'repo:acme/*' },
  { flags: '--subject <subject>', says: 'for whom a gateway may ask, user:*' },
  {
    flags: '--bind <fact...>',
    says: 'uid=, gid=, unit=, container=, socket=, exe=<file or sha256>, path=, attested.<name>=',
  },
  { flags: '--node <node>', says: 'the one node that may use it' },
  {
    flags: '--env <condition...>',
    says: 'label.env=staging, file.app=<sha256>, host.lockdown=integrity, collected.disk.tier=gold',
  },
  { flags: '--require <policy...>', says: 'agents@7 at least, agents@=7 exactly' },
  { flags: '--ttl <duration>', says: 'how long, default 1h' },
  { flags: '--depth <n>', says: 'how many delegations may follow' },
  { flags: '--once', says: 'good for one allow; needs --node' },
  { flags: '--ticket <text>', says: 'signed and shown, not enforcing' },
  { flags: '--by <person>', says: 'signed and shown, not enforcing' },
  { flags: '-f, --file <file>', says: 'where to write it; - is stdout' },
]

export const TTL_DEFAULT = '1h'

export async function grantOf(context: Context, options: Options): Promise<Grant> {
  const node = textOption(options, 'node')
  const depth = textOption(options, 'depth')
  if (depth !== null && !/^\d{1,2}$/.test(depth))
    throw new MeshError('USAGE', `--depth: \`${depth}\` is no small number`)
  return {
    actions: listOption(options, 'action'),
    resource: textOption(options, 'resource'),
    subject: textOption(options, 'subject'),
    bind: await bound(pairs(listOption(options, 'bind'), '--bind')),
    node: node === null ? null : ((await resolvePrincipal(context, node)).did as Did),
    env: pairs(listOption(options, 'env'), '--env'),
    require: listOption(options, 'require'),
    depth: depth === null ? null : Number(depth),
    once: flagOption(options, 'once'),
    gov: optional('ticket', textOption(options, 'ticket')),
    by: optional('person', textOption(options, 'by')),
  }
}

/** An executable that is named by its path is bound to what that file is now, and to its place. @throws MeshError USAGE */
async function bound(facts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
  const named = facts.get('exe') ?? ''
  if (!named.includes('/')) return facts
  try {
    const path = await realpath(named)
    if (!(await stat(path)).isFile()) throw new Error('it is no plain file')
    return new Map([...facts, ['exe', await digestOf(path)], ['path', path]])
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new MeshError('USAGE', `--bind exe=${named}: ${why}`, { cause })
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function optional(field: string, value: string | null): JsonObject | null {
  return value === null ? null : { [field]: value }
}

function pairs(list: readonly string[], flag: string): ReadonlyMap<string, string> {
  return new Map(
    list.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new MeshError('USAGE', `${flag}: \`${text}\` is no name=value`)
      return [text.slice(0, at), text.slice(at + 1)] as const
    }),
  )
}
