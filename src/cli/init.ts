/**
 * `meshd init`: this node's keys and its configuration; with --mesh also trust
 * root v1, whose every role is one key of the operator's own store. Nothing
 * that exists is overwritten: what is there already is kept, and said.
 */
import { existsSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { shortId } from '../core/id.ts'
import type { Signer } from '../core/keys.ts'
import { STALENESS_MS_MAX, STALENESS_MS_MIN } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import * as shape from '../core/shape.ts'
import type { Context } from './context.ts'
import { passphraseOf } from './govern.ts'
import { printItem } from './output.ts'
import { durationOf } from './parse.ts'
import { type Command, type Options, textOption } from './spec.ts'
import { shortDid, shortHash } from './text.ts'

const STALENESS_DEFAULT = '60s'
const FOUNDER = 'founder'

type Loaded = ReturnType<typeof import('../daemon/config.ts')['loadConfig']>
type Founded = Awaited<ReturnType<typeof import('../daemon/found.ts')['foundMesh']>>

export const init: Command = {
  name: 'init',
  group: 'GET GOING',
  says: 'node identity and configuration; --mesh <name> also founds a mesh',
  examples: ['meshd init', 'meshd init --mesh prod', 'meshd init --mesh prod --name atlas'],
  options: [
    { flags: '--mesh <name>', says: 'found a mesh: trust root v1 and a starter policy' },
    { flags: '--name <name>', says: 'what this node is called; default: the host name' },
    {
      flags: '--staleness <duration>',
      says: `how long a node may go on without its witnesses, default ${STALENESS_DEFAULT}`,
    },
    { flags: '--passphrase-file <file>', says: 'protects the founder key' },
  ],
  run: async (context, _args, options) => {
    const [{ loadConfig }, { pathsOf }, { openIdentity }] = await Promise.all([
      import('../daemon/config.ts'),
      import('../daemon/paths.ts'),
      import('../daemon/identity.ts'),
    ])
    const mesh = nameOption(options, 'mesh')
    const stalenessMs = stalenessOf(options)
    const loaded = loadConfig(existing(context), context.io.env)
    const config = withName(loaded, nameOption(options, 'name'))
    const paths = pathsOf(config)
    const dataExists = isFilled(paths.dataDir)
    const had = existsSync(paths.identityKey)
    const identity = openIdentity(paths, dataExists)
    const founded =
      mesh === null ? null : await found(context, options, { config, mesh, stalenessMs })
    const wrote = await writeConfig(loaded.path, config, founded?.mesh ?? null)
    const done = { did: identity.node.did, key: paths.identityKey, had, path: loaded.path, wrote }
    report(context, { ...done, mesh, founded })
    return 0
  },
}

/** A file that --config names and that is not there yet is the one to write. */
function existing({ globals, io }: Context): string | null {
  if (globals.config === null || existsSync(globals.config)) return globals.config
  if (io.env['MESHD_CONFIG'] === globals.config) return null
  throw new MeshError('NOT_FOUND', `${globals.config}: no such file`, {
    hint: `MESHD_CONFIG=${globals.config} meshd init, to write it there`,
  })
}

function nameOption(options: Options, option: string): string | null {
  const text = textOption(options, option)
  if (text === null) return null
  try {
    return shape.name(text, `--${option}`)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // Typed by hand.
    throw new MeshError('USAGE', error.message, { cause: error })
  }
}

function stalenessOf(options: Options): number {
  const ms = durationOf(textOption(options, 'staleness') ?? STALENESS_DEFAULT, '--staleness')
  if (ms < STALENESS_MS_MIN || ms > STALENESS_MS_MAX)
    throw new MeshError('USAGE', '--staleness: between 1s and 1d')
  return ms
}

function withName({ config, found, path }: Loaded, name: string | null): Loaded['config'] {
  if (name === null || name === config.node.name) return config
  if (found)
    throw new MeshError('CONFLICT', `${path} calls this node \`${config.node.name}\``, {
      hint: `edit node.name there, or leave out --name`,
    })
  return { ...config, node: { ...config.node, name } }
}

function isFilled(dir: string): boolean {
  return existsSync(dir) && readdirSync(dir).length > 0
}

interface Founding {
  readonly config: Loaded['config']
  readonly mesh: string
  readonly stalenessMs: number
}

async function found(context: Context, options: Options, founding: Founding): Promise<Founded> {
  const { foundMesh } = await import('../daemon/found.ts')
  return foundMesh({
    ...founding,
    founder: await founderKey(context, options),
    uid: process.getuid?.() ?? 0,
    nowMs: context.now().getTime(),
  })
}

/** One key for every role, in the operator's store; the one of an earlier attempt is used again. */
async function founderKey(context: Context, options: Options): Promise<Signer> {
  const { KeyStore } = await import('../daemon/key-store.ts')
  const store = new KeyStore(context.io.env)
  const passphrase = passphraseOf(context, options)
  if (store.find(FOUNDER) === null) store.create(FOUNDER, passphrase)
  return store.signer(FOUNDER, passphrase)
}

/** Written only where there is none; whether it was. */
async function writeConfig(
  path: string,
  config: Loaded['config'],
  mesh: string | null,
): Promise<boolean> {
  if (existsSync(path)) return false
  const { writePrivate } = await import('../daemon/key-file.ts')
  writePrivate(path, configText(config, mesh))
  return true
}

export function configText({ node, mesh, api }: Loaded['config'], id: string | null): string {
  const lines = [
    '# What each key means: docs/config.md, or meshd config schema.',
    'version: 1',
    'node:',
    `  name: ${JSON.stringify(node.name)}`,
    `  data_dir: ${JSON.stringify(node.dataDir)}`,
    `  keys_dir: ${JSON.stringify(node.keysDir)}`,
    'mesh:',
    ...(id === null ? [] : [`  id: ${id}`]),
    `  listen: ${JSON.stringify(mesh.listen)}`,
    'api:',
    `  dir: ${JSON.stringify(api.dir)}`,
  ]
  return `${lines.join('\n')}\n`
}

interface Done {
  readonly did: string
  readonly key: string
  readonly had: boolean
  readonly path: string
  readonly wrote: boolean
  readonly mesh: string | null
  readonly founded: Founded | null
}

function report(context: Context, done: Done): void {
  printItem(context, {
    kind: 'Init',
    seenFrom: hostname(),
    id: done.founded?.mesh ?? done.did,
    item: {
      did: done.did,
      config: done.path,
      mesh: done.founded === null ? null : { id: done.founded.mesh, name: done.mesh },
      policy: done.founded?.policy ?? null,
    },
    lines: () => lines(done).map((line) => context.style.symbols(line)),
  })
  if (done.founded !== null)
    context.say(
      '! ALONE: one witness, and every role key is on this machine. Before production: meshd root rotate (meshd help root)',
    )
  context.say('next: meshd start')
}

function lines({ did, key, had, path, wrote, mesh, founded }: Done): string[] {
  const row = (head: string, name: string, id: string, says: string) =>
    `${head.padEnd(12)}  ${name.padEnd(20)}  ${id.padEnd(24)}  ${says}`.trimEnd()
  const kept = had ? 'kept' : 'mode 0600; log and witness keys beside it'
  const rows = [row('identity', shortDid(did), key, kept)]
  if (founded !== null && mesh !== null) {
    const { bundle, version, mode, id } = founded.policy
    const roles = `every role 1 of 1 (key "${FOUNDER}"), witness: this node`
    const permits = 'permits what a valid artifact grants, except on env:prod'
    rows.push(
      row('trust root', `${mesh} v1`, shortHash(founded.mesh), roles),
      row('policy', `${bundle}@${version}  ${mode}`, shortId('pol', id), permits),
    )
  }
  return [...rows, row('config', path, '', wrote ? '' : 'kept as it is')]
}
