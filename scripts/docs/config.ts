/** docs/config.md and config/config-v1.schema.json: every key of the file, from its schema. */
import { configSchema, jsonSchema, withDefaults } from '../../src/daemon/schema.ts'
import { row } from './reasons.ts'

/** What each key is for; the schema says what it may be. */
const SAYS: Readonly<Record<string, string>> = {
  'node.name': 'a label for people; the did:key is the identity',
  'node.data_dir': 'the log and the statements; one daemon at a time',
  'node.keys_dir':
    'identity, log and witness keys, mode 0600; an admitter key where invites are made',
  'mesh.id': 'the pinned mesh: id of its root v1; a different mesh is refused',
  'mesh.pins': 'roots an operator chose where two of one version are disputed',
  'mesh.listen': 'where peers connect to',
  'mesh.announce': 'what others are told to dial, when it is not what this host sees',
  'mesh.peers': 'first contacts; learned peers live in the data directory',
  'lease.staleness_at_most': "a shorter lease than the root's, never a longer one",
  'environment.labels':
    "this host's own word, `.meshd.env.labels`; signed labels are `.meshd.node.labels`",
  'environment.files': 'files whose sha256 is measured, `.meshd.env.files`',
  'environment.image_digest_file':
    'who builds or starts the container writes its digest there, `sha256:…`: `.meshd.env.host.image`',
  'environment.attestations':
    'in-toto statements and the keys trusted for them, `{file, keys}`: `.meshd.runtime.attested`',
  'environment.collectors':
    'commands that measure something, `{command, every, timeout, fresh_for, outputs}`: `.meshd.env.collected`',
  'api.dir': 'the directory of the three sockets',
  'api.public_url': 'where the well-known document says it is served; without it there is none',
  'api.callers': 'who a local caller is, by kernel facts; the first match counts',
  'api.sockets': 'one more socket for each caller whose kernel facts cannot be read',
  'api.tcp':
    'HTTPS for other hosts, off unless it stands here: `listen`, `cert` and `key`; `client_ca` with `clients`, `tokens_file`, or both; `hosts` ([guide](guides/authzen.md))',
  'audit.retention':
    'how long records are kept at least; `meshd audit prune` gives up older ones, and nothing else does',
  'audit.share':
    'who may look through the records of this node: other nodes, for `meshd audit list --mesh`',
  'audit.mirror':
    'how many members are to hold a copy of the records of this node, which they can read; a node that wants copies keeps those of others',
  'audit.redactable':
    'what records only commit to, so that `meshd audit redact` can take it out of them: any of args, claims, subject, resource, caller (its name, ids and all facts)',
  'audit.disk_reserve': 'kept free, so that revocations still fit on a full disk',
  'telemetry.metrics_listen': 'loopback address of /metrics, /livez and /readyz, and nothing else',
  'log.level': 'the least that is logged',
  'log.format': '`auto` is pretty at a terminal and JSON lines otherwise',
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly type?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

export function configSchemaFile(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`
}

export function configPage(): string {
  return [
    '# The configuration file',
    '',
    'Generated from `src/daemon/schema.ts` by `npm run docs`; `meshd config schema` prints the JSON Schema for editors,',
    '`config/meshd.yaml` is an example. YAML 1.2; unknown keys, duplicate keys and values of the wrong kind are refused',
    'with file, line and column. A single value may come from `MESHD_<SECTION>_<KEY>`, which wins over the file.',
    '',
    'Governance is never in this file, and no key weakens durability, signature checks or fail-closed.',
    '',
    '| key | kind | default | meaning |',
    '|---|---|---|---|',
    row('`version`', '`1`', 'required', 'of this format'),
    ...keys().map(({ key, schema }) =>
      row(`\`${key}\``, kindOf(schema), defaultOf(key), saysOf(key)),
    ),
    '',
  ].join('\n')
}

function keys(): readonly { readonly key: string; readonly schema: Schema }[] {
  const { properties = {} } = jsonSchema() as Schema
  return Object.entries(properties).flatMap(([section, { properties: inner = {} }]) =>
    Object.entries(inner).map(([name, schema]) => ({ key: `${section}.${name}`, schema })),
  )
}

function saysOf(key: string): string {
  const says = SAYS[key]
  if (says === undefined) throw new Error(`${key} is not described in scripts/docs/config.ts`)
  return says
}

function kindOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`
  if (schema.type === 'object') return 'map'
  return schema.type === 'string' ? 'text' : (schema.type ?? 'text or null')
}

/** As root on a host called `atlas`. */
function defaultOf(key: string): string {
  const around = {
    hostname: 'atlas',
    root: true,
    home: '/root',
    configHome: '/root/.config',
    stateHome: '/root/.local/state',
    runtimeDir: null,
  }
  const config: Readonly<Record<string, object>> = {
    ...withDefaults(configSchema.parse({ version: 1 }), around),
  }
  const [section = '', name = ''] = key.split('.')
  const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const values = new Map(Object.entries(config[section] ?? {}))
  if (key === 'node.name') return 'the host name'
  if (values.has(`${camel}Bytes`))
    return `\`${Number(values.get(`${camel}Bytes`)) / 1024 ** 2}MiB\``
  if (values.has(`${camel}Ms`)) return msText(values.get(`${camel}Ms`))
  const value: unknown = values.get(camel)
  return value == null || value instanceof Map ? 'none' : `\`${JSON.stringify(value)}\``
}

function msText(value: unknown): string {
  return value === null ? "the root's" : `\`${Number(value) / 86_400_000}d\``
}
