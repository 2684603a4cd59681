/**
 * The configuration file, version 1, as a strict schema. Governance is never
 * in it: a key here can make a node stricter, never looser, and no key
 * weakens durability, signature checks or fail-closed (INTERFACE 5.1).
 */
import { z } from 'zod'
import { REDACTABLE, type Redactable } from '../core/disclosure.ts'
import { DISK_RESERVE_BYTES, MIRRORS_MAX, REMOTE_CALLERS_MAX } from '../core/limits.ts'
import { SHARES, type Share } from '../mesh/share.ts'
import { type EnvironmentConfig, environmentOf, environmentSchema } from './environment-schema.ts'
import { duration, durationOf, name, path } from './schema-words.ts'

const UNITS_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

function parseSize(text: string): number | null {
  const [, count, unit] = /^(\d{1,9})(B|KiB|MiB|GiB)$/.exec(text) ?? []
  return count === undefined ? null : Number(count) * UNITS_BYTES[unit as keyof typeof UNITS_BYTES]
}

const size = z.string().refine((text) => parseSize(text) !== null, 'a size such as 64MiB')
const id = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hex digits')
const multiaddr = z.string().startsWith('/', 'a multiaddr such as /ip4/0.0.0.0/tcp/4717')
/** A socket of a caller's own is its identity: whoever else may connect would be that caller. */
const mode = z.string().regex(/^0[0-7]{2}0$/, 'four octal digits, the last of them 0')

const hex64 = z.string().regex(/^[0-9a-f]{64}$/, '64 hex digits, in lower case')

const matchSchema = z.strictObject({
  uid: z.int().min(0).max(0xffff_ffff).optional(),
  gid: z.int().min(0).max(0xffff_ffff).optional(),
  unit: z.string().min(1).optional(),
  container: hex64.optional(),
  exe: hex64.optional(),
  socket: path.optional(),
})

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hex digits')
const hostName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'a host name in lower case, without a port')

const tcpSchema = z
  .strictObject({
    listen: z
      .string()
      .regex(
        /^([0-9.]+|\[[0-9a-f:.]+\]):\d{1,5}$/,
        'an address and a port, such as 127.0.0.1:8443',
      ),
    cert: path,
    key: path,
    hosts: z.array(hostName).max(16).optional(),
    client_ca: path.optional(),
    clients: z
      .array(
        z.strictObject({
          certificate: digest,
          principal: name,
          asserts: z.array(z.string()).optional(),
        }),
      )
      .max(REMOTE_CALLERS_MAX)
      .optional(),
    tokens_file: path.optional(),
  })
  .refine(
    ({ client_ca, tokens_file }) => client_ca !== undefined || tokens_file !== undefined,
    'client_ca or tokens_file: nobody else may call',
  )

export const configSchema = z.strictObject({
  version: z.literal(1),
  node: z
    .strictObject({ name: name.optional(), data_dir: path.optional(), keys_dir: path.optional() })
    .optional(),
  mesh: z
    .strictObject({
      id: id.optional(),
      pins: z.array(id).max(16).optional(),
      listen: z.array(multiaddr).max(8).optional(),
      announce: z.array(multiaddr).max(8).optional(),
      peers: z.array(multiaddr).max(64).optional(),
    })
    .optional(),
  lease: z.strictObject({ staleness_at_most: duration.optional() }).optional(),
  environment: environmentSchema.optional(),
  api: z
    .strictObject({
      dir: path.optional(),
      public_url: z.url({ protocol: /^https$/ }).optional(),
      tcp: tcpSchema.optional(),
      callers: z
        .array(
          z.strictObject({
            match: matchSchema,
            principal: name,
            asserts: z.array(z.string()).optional(),
          }),
        )
        .max(256)
        .optional(),
      sockets: z
        .array(
          z.strictObject({
            path,
            mode: mode.optional(),
            group: name.optional(),
            principal: name,
          }),
        )
        .max(64)
        .optional(),
    })
    .optional(),
  audit: z
    .strictObject({
      retention: duration.optional(),
      disk_reserve: size.optional(),
      share: z.enum(SHARES).optional(),
      mirror: z.int().min(0).max(MIRRORS_MAX).optional(),
      redactable: z.array(z.enum(REDACTABLE)).max(REDACTABLE.length).optional(),
    })
    .optional(),
  telemetry: z
    .strictObject({
      metrics_listen: z
        .string()
        .regex(/^(127\.0\.0\.1|\[::1\]):\d{1,5}$/, 'a loopback address and port')
        .nullable()
        .optional(),
    })
    .optional(),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warning', 'error']).optional(),
      format: z.enum(['auto', 'pretty', 'json']).optional(),
    })
    .optional(),
})

export type ConfigFile = z.infer<typeof configSchema>

/** JSON Schema of the file, for editors; shipped as config/config-v1.schema.json. */
export function jsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })
}

/** The file with every default in its place. */
export interface Config {
  readonly node: { readonly name: string; readonly dataDir: string; readonly keysDir: string }
  readonly mesh: {
    readonly id: string | null
    readonly pins: readonly string[]
    readonly listen: readonly string[]
    readonly announce: readonly string[]
    readonly peers: readonly string[]
  }
  readonly lease: { readonly stalenessAtMostMs: number | null }
  readonly environment: EnvironmentConfig
  readonly api: {
    readonly dir: string
    readonly publicUrl: string | null
    /** Where HTTPS is served to other hosts; null: nowhere. */
    readonly tcpListen: string | null
    readonly tcp: TcpConfig | null
    readonly callers: readonly CallerRule[]
    readonly sockets: readonly CallerSocket[]
  }
  readonly audit: {
    readonly retentionMs: number
    readonly diskReserveBytes: number
    readonly share: Share
    /** Members that are to hold a copy of this node's log; more than none, and this node holds theirs. */
    readonly mirror: number
    /** What records only commit to, so that it can be taken out of them. */
    readonly redactable: readonly Redactable[]
  }
  readonly telemetry: { readonly metricsListen: string | null }
  readonly log: { readonly level: LogLevel; readonly format: 'auto' | 'pretty' | 'json' }
}

/** What a listener for other hosts is made of, and who may call there. */
export interface TcpConfig {
  readonly cert: string
  readonly key: string
  /** Under which it is called, beside its address and `api.public_url`. */
  readonly hosts: readonly string[]
  /** Who signs certificates of clients; then every client needs one. */
  readonly clientCa: string | null
  readonly clients: readonly {
    readonly certificate: string
    readonly principal: string
    readonly asserts: readonly string[]
  }[]
  readonly tokensFile: string | null
}

export type LogLevel = 'debug' | 'info' | 'warning' | 'error'

/** The first rule whose every named fact equals the kernel's names the caller. */
export interface CallerRule {
  readonly match: {
    readonly uid?: number
    readonly gid?: number
    readonly unit?: string
    readonly container?: string
    /** sha256 (hex) of the executable. */
    readonly exe?: string
    readonly socket?: string
  }
  readonly principal: string
  readonly asserts: readonly string[]
}
export interface CallerSocket {
  readonly path: string
  readonly mode: number
  /** Whose members may open it; null for the daemon's own. */
  readonly group: string | null
  readonly principal: string
}

/** What the machine and the user contribute to the defaults. */
export interface Surroundings {
  readonly hostname: string
  readonly root: boolean
  readonly home: string
  readonly configHome: string
  readonly stateHome: string
  readonly runtimeDir: string | null
}

const DAY_MS = 86_400_000
const RETENTION_DAYS = 400

export function withDefaults(file: ConfigFile, around: Surroundings): Config {
  const own = around.root
    ? { data: '/var/lib/meshd', keys: '/etc/meshd', api: '/run/meshd' }
    : {
        data: `${around.stateHome}/meshd`,
        keys: `${around.configHome}/meshd`,
        api: `${around.runtimeDir ?? around.stateHome}/meshd`,
      }
  return {
    node: {
      name: file.node?.name ?? labelOf(around.hostname),
      dataDir: file.node?.data_dir ?? own.data,
      keysDir: file.node?.keys_dir ?? own.keys,
    },
    mesh: {
      id: file.mesh?.id ?? null,
      pins: file.mesh?.pins ?? [],
      listen: file.mesh?.listen ?? ['/ip4/0.0.0.0/tcp/4717'],
      announce: file.mesh?.announce ?? [],
      peers: file.mesh?.peers ?? [],
    },
    lease: { stalenessAtMostMs: durationOf(file.lease?.staleness_at_most) },
    environment: environmentOf(file.environment ?? {}),
    api: apiOf(file, own.api),
    audit: {
      retentionMs: durationOf(file.audit?.retention) ?? RETENTION_DAYS * DAY_MS,
      diskReserveBytes: parseSize(file.audit?.disk_reserve ?? '') ?? DISK_RESERVE_BYTES,
      share: file.audit?.share ?? 'none',
      mirror: file.audit?.mirror ?? 0,
      redactable: [...new Set(file.audit?.redactable ?? [])],
    },
    telemetry: { metricsListen: file.telemetry?.metrics_listen ?? null },
    log: { level: file.log?.level ?? 'info', format: file.log?.format ?? 'auto' },
  }
}

function apiOf(file: ConfigFile, dir: string): Config['api'] {
  return {
    dir: file.api?.dir ?? dir,
    publicUrl: file.api?.public_url ?? null,
    tcpListen: file.api?.tcp?.listen ?? null,
    tcp: file.api?.tcp === undefined ? null : tcpOf(file.api.tcp),
    callers: (file.api?.callers ?? []).map(({ match, principal, asserts }) => ({
      match: defined(match),
      principal,
      asserts: asserts ?? [],
    })),
    sockets: (file.api?.sockets ?? []).map((socket) => ({
      path: socket.path,
      mode: Number.parseInt(socket.mode ?? '0600', 8),
      group: socket.group ?? null,
      principal: socket.principal,
    })),
  }
}

function tcpOf(tcp: z.infer<typeof tcpSchema>): TcpConfig {
  return {
    cert: tcp.cert,
    key: tcp.key,
    hosts: tcp.hosts ?? [],
    clientCa: tcp.client_ca ?? null,
    clients: (tcp.clients ?? []).map((client) => ({ ...client, asserts: client.asserts ?? [] })),
    tokensFile: tcp.tokens_file ?? null,
  }
}

/** Only the facts that are named; a rule that names none matches nobody (caller.ts). */
function defined(match: z.infer<typeof matchSchema>): CallerRule['match'] {
  return {
    ...(match.uid === undefined ? {} : { uid: match.uid }),
    ...(match.gid === undefined ? {} : { gid: match.gid }),
    ...(match.unit === undefined ? {} : { unit: match.unit }),
    ...(match.container === undefined ? {} : { container: match.container }),
    ...(match.exe === undefined ? {} : { exe: match.exe }),
    ...(match.socket === undefined ? {} : { socket: match.socket }),
  }
}

/** A host name as a label: `build-7.example.org` is `build-7`. */
function labelOf(hostname: string): string {
  return (
    (hostname.split('.')[0] ?? '').replaceAll(/[^a-zA-Z0-9_-]/g, '-').replace(/^-+/, '') || 'node'
  )
}
