/**
 * Reads the one configuration file and names what is wrong with it:
 *
 *     /etc/meshd/meshd.yaml:5:3 node.nmae: unknown key; did you mean `name`?
 *
 * One named file, never a search: --config, else $MESHD_CONFIG, else the
 * system's or the user's own place. No file gives secure defaults.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { type Document, isMap, isScalar, type LineCounter, type Node, visit } from 'yaml'
import type { z } from 'zod'
import { CONFIG_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { nearest } from '../core/nearest.ts'
import { MeshError } from '../core/problems.ts'
import { foreignOwner } from './owner.ts'
import {
  type Config,
  type ConfigFile,
  configSchema,
  type Surroundings,
  withDefaults,
} from './schema.ts'
import { readYaml } from './yaml.ts'

type Origin = 'flag' | 'environment' | 'file' | 'default'

export interface LoadedConfig {
  readonly config: Config
  readonly path: string
  readonly found: boolean
  /** The file's own values, `section.key`, and where each came from. */
  readonly origins: ReadonlyMap<string, Origin>
}

type Environment = Readonly<Record<string, string | undefined>>

export function surroundings(env: Environment = process.env): Surroundings {
  const home = env['HOME'] ?? homedir()
  return {
    hostname: hostname(),
    root: process.getuid?.() === 0,
    home,
    configHome: env['XDG_CONFIG_HOME'] ?? join(home, '.config'),
    stateHome: env['XDG_STATE_HOME'] ?? join(home, '.local/state'),
    runtimeDir: env['XDG_RUNTIME_DIR'] ?? null,
  }
}

/** The file's path: flag, environment, else the place that belongs to this user. */
function configPath(flag: string | null, env: Environment = process.env): string {
  const around = surroundings(env)
  const usual = around.root ? '/etc/meshd/meshd.yaml' : join(around.configHome, 'meshd/meshd.yaml')
  return flag ?? env['MESHD_CONFIG'] ?? usual
}

/** @throws MeshError CONFIG_INVALID with file:line:column. A file named by hand must exist. */
export function loadConfig(flag: string | null, env: Environment = process.env): LoadedConfig {
  const path = configPath(flag, env)
  const found = existsSync(path)
  if (!found && flag !== null)
    throw new MeshError('CONFIG_INVALID', `${path}: no such file`, {
      hint: 'the path of a configuration file; meshd init writes one',
    })
  const origins = new Map<string, Origin>()
  const file = found ? parseConfig(readBounded(path), path) : { version: 1 as const }
  for (const key of leaves(file)) origins.set(key, 'file')
  const overridden = overrides(file, env, origins)
  return { config: withDefaults(overridden, surroundings(env)), path, found, origins }
}

/**
 * What a daemon goes by: whoever owns the file says who a caller is, and who speaks for others. The
 * command line, which asks it for the sockets alone, may read that of another user.
 * @throws MeshError CONFIG_INVALID, as loadConfig does
 */
export function loadOwnConfig(flag: string | null, env: Environment = process.env): LoadedConfig {
  const loaded = loadConfig(flag, env)
  const { found, path } = loaded
  const owner = found ? reading(path, () => foreignOwner(path)) : null
  if (owner === null) return loaded
  throw new MeshError('CONFIG_INVALID', `${path}: it, or the link to it, belongs to uid ${owner}`, {
    hint: `chown ${process.geteuid?.() ?? 0} ${path}`,
  })
}

/** @throws MeshError CONFIG_INVALID */
function readBounded(path: string): string {
  // A pipe is not waited for.
  const file = reading(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
  try {
    const { size, mode } = fstatSync(file)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw invalid(`${path}: is no plain file`)
    if (size > CONFIG_BYTES_MAX) throw invalid(`${path}: larger than ${CONFIG_BYTES_MAX} bytes`)
    if ((mode & 0o002) !== 0)
      throw new MeshError('CONFIG_INVALID', `${path}: everybody may write it`, {
        hint: `chmod o-w ${path}`,
      })
    return reading(path, () => readFileSync(file, 'utf8'))
  } finally {
    closeSync(file)
  }
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    // Whatever the system says about it: a reload must not end the daemon.
    const code = (cause as NodeJS.ErrnoException).code ?? 'it'
    throw new MeshError('CONFIG_INVALID', `${path}: ${code}, cannot be read`, { cause })
  }
}

/** @throws MeshError CONFIG_INVALID naming the first problem by its place. */
export function parseConfig(text: string, path: string): ConfigFile {
  const { document, lines } = documentOf(text, path)
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw invalid(`${path}:${line}:${col} ${lower(error.message)}`)
  }
  const alias = firstAlias(document)
  if (alias !== null) {
    const { line, col } = lines.linePos(alias)
    throw invalid(`${path}:${line}:${col} aliases are not understood: write it out`)
  }
  const result = configSchema.safeParse(document.toJS({ maxAliasCount: 0 }) ?? {})
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(`${path}:${describe(issue as z.core.$ZodIssue, document, lines)}`)
}

function documentOf(text: string, path: string) {
  try {
    return readYaml(text)
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause
    throw invalid(`${path}: ${cause.message}`)
  }
}

/** Where an alias stands; ten lines of them can unfold to gigabytes. */
function firstAlias(document: Document): number | null {
  let found: number | null = null
  visit(document, {
    Alias: (_, { range }) => {
      found = range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return found
}

function describe(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): string {
  const unknown = issue.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : null
  const path = unknown === null ? issue.path : [...issue.path, unknown]
  const { line, col } = lines.linePos(offsetOf(document, path))
  const says = unknown === null ? lower(issue.message) : `unknown key${suggestion(issue, unknown)}`
  return `${line}:${col} ${path.map(String).join('.') || 'version'}: ${says}`
}

/** Where the key stands in the text; its nearest parent when the key is missing. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node = document.contents as Node | null
  let offset = node?.range?.[0] ?? 0
  for (const part of path) {
    const pair = isMap(node)
      ? node.items.find((p) => isScalar(p.key) && p.key.value === part)
      : undefined
    if (pair !== undefined) {
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset
      node = pair.value as Node | null
    } else {
      node = document.getIn([part], true) as Node | null
      offset = node?.range?.[0] ?? offset
    }
  }
  return offset
}

function suggestion(issue: z.core.$ZodIssue, unknown: string): string {
  const near = nearest(unknown, keysAt(issue.path))
  return near === null ? '' : `; did you mean \`${near}\`?`
}

function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configSchema
  for (const part of path) schema = step(unwrap(schema), part)
  const shape = shapeOf(unwrap(schema))
  return shape === null ? [] : Object.keys(shape)
}

function unwrap(schema: unknown): unknown {
  let at = schema as { def?: { innerType?: unknown } }
  while (at?.def?.innerType !== undefined) at = at.def.innerType as typeof at
  return at
}

function shapeOf(schema: unknown): Record<string, unknown> | null {
  return (schema as { shape?: Record<string, unknown> })?.shape ?? null
}

/** Whose value is a text in the environment, and no text in the file. */
function isNumber(schema: unknown): boolean {
  return (unwrap(schema) as { def?: { type?: string } })?.def?.type === 'number'
}

function step(schema: unknown, part: PropertyKey): unknown {
  return typeof part === 'number'
    ? (schema as { def?: { element?: unknown } })?.def?.element
    : shapeOf(schema)?.[String(part)]
}

function leaves(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? leaves(inner, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  )
}

/** MESHD_<SECTION>_<KEY>, for single values; each is checked by the same schema. */
function overrides(file: ConfigFile, env: Environment, origins: Map<string, Origin>): ConfigFile {
  const merged: Record<string, unknown> = structuredClone(file)
  for (const [section, schema] of Object.entries(configSchema.shape)) {
    for (const key of Object.keys(shapeOf(unwrap(schema)) ?? {})) {
      const text = env[`MESHD_${section}_${key}`.toUpperCase()]
      if (text === undefined) continue
      const value = isNumber(step(unwrap(schema), key)) && /^\d+$/.test(text) ? Number(text) : text
      merged[section] = { ...(merged[section] as object | undefined), [key]: value }
      origins.set(`${section}.${key}`, 'environment')
    }
  }
  const result = configSchema.safeParse(merged)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(`environment: ${issue?.path.map(String).join('.')}: ${lower(issue?.message ?? '')}`)
}

function lower(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/\.$/, '')
}

function invalid(message: string): MeshError {
  return new MeshError('CONFIG_INVALID', message)
}
