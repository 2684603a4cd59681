/**
 * From what a person grants to what a link says:
 *
 *   --action tool:search,tool:read --resource 'repo:acme/*' --bind unit=planner.service
 *   --env label.env=staging --require agents@7 --depth 2
 *
 *   cmd   /tool
 *   pol   ["or", [["==", ".action", "tool:search"], ["==", ".action", "tool:read"]]]
 *         ["==", ".resource.type", "repo"]   ["like", ".resource.id", "acme/*"]
 *         ["==", ".meshd.runtime.unit", "planner.service"]
 *         ["==", ".meshd.env.labels.env", "staging"]   [">=", ".meshd.gov.bundles.agents", 7]
 *   meta  {"depth": 2}
 *
 * One action is its command alone, and covers what lies below it; several are exact names (INTERFACE 1.1).
 */
import { commonCommand, parseAction, parseResource } from './command.ts'
import type { Delegation } from './delegation.ts'
import { objectOf } from './ipld.ts'
import type { Json, JsonObject } from './json.ts'
import type { Did } from './keys.ts'
import { NAME_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { readMeta } from './meta.ts'
import { encodePredicate, type Predicate, parsePredicate } from './predicate.ts'
import { selectorOf } from './selector.ts'

export interface Grant {
  /** None: those of the links above, unchanged. */
  readonly actions: readonly string[]
  /** `repo:acme/*`; null: that of the links above, or any. */
  readonly resource: string | null
  /** For whom a gateway may ask, `user:*`; null: for anyone it may assert. */
  readonly subject: string | null
  /** uid, gid, socket, exe, path, unit, container or `attested.<name>` → value. */
  readonly bind: ReadonlyMap<string, string>
  /** The one node that may use it. */
  readonly node: Did | null
  /** `label.env` → staging, `file.app` → sha256 hex, `host.kernel`, `collected.disk.tier`. */
  readonly env: ReadonlyMap<string, string>
  /** `agents@7` at least, `agents@=7` exactly. */
  readonly require: readonly string[]
  /** How many further delegations may follow; null: as many as the links above leave. */
  readonly depth: number | null
  readonly once: boolean
  /** Shown, not enforced: meta.gov {mesh, root, ticket, purpose} and meta.by {person, team}. */
  readonly gov: JsonObject | null
  readonly by: JsonObject | null
}

/** What a link needs of it: the rest are keys, times and a nonce. */
export interface GrantTerms {
  readonly cmd: string
  readonly pol: readonly Predicate[]
  readonly meta: JsonObject
}

/** @param above the links it is delegated from, [] when an issuer begins a chain. @throws Malformed */
export function compileGrant(grant: Grant, above: readonly Delegation[]): GrantTerms {
  const actions = [...new Set(grant.actions.map(parseAction))]
  const held = above.at(-1)?.cmd
  if (actions.length === 0 && held === undefined) throw new Malformed('no action is granted')
  return {
    cmd: actions.length === 0 ? (held ?? '/') : commonCommand(actions),
    pol: [
      ...actionTerms(actions),
      ...entityTerms('resource', grant.resource),
      ...entityTerms('subject', grant.subject),
      ...[...grant.bind].map(([key, value]) => bindTerm(key, value)),
      ...(grant.node === null ? [] : [leaf('==', ['meshd', 'node', 'id'], grant.node)]),
      ...[...grant.env].map(([key, value]) => envTerm(key, value)),
      ...grant.require.map(requireTerm),
    ],
    meta: metaOf(grant),
  }
}

function actionTerms(actions: readonly string[]): readonly Predicate[] {
  if (actions.length < 2) return []
  const exact = actions.map((action) => leaf('==', ['action'], action))
  return [parsePredicate(['or', exact.map(encodePredicate)], 'strict')]
}

function entityTerms(root: 'resource' | 'subject', text: string | null): readonly Predicate[] {
  if (text === null) return []
  const { type, id } = parseResource(text)
  const op = id.includes('*') ? 'like' : '=='
  return [leaf('==', [root, 'type'], type), leaf(op, [root, 'id'], id)]
}

const NUMBERS = ['uid', 'gid']
const TEXTS = ['socket', 'exe', 'path', 'unit', 'container']
const HEX_TEXTS = ['exe', 'container']

function bindTerm(key: string, value: string): Predicate {
  const [, attestation] = /^attested\.(.+)$/s.exec(key) ?? []
  if (attestation !== undefined)
    return leaf('==', ['meshd', 'runtime', 'attested', attestation], value)
  if (HEX_TEXTS.includes(key) && !/^[0-9a-f]{64}$/.test(value))
    throw new Malformed(`\`${key}\` is 64 hex digits, in lower case`)
  if (TEXTS.includes(key)) return leaf('==', ['meshd', 'runtime', key], value)
  if (!NUMBERS.includes(key)) {
    throw new Malformed(`\`${key}\` cannot be bound; one of ${[...NUMBERS, ...TEXTS].join(', ')}`)
  }
  if (!/^(0|[1-9]\d{0,9})$/.test(value)) throw new Malformed(`\`${key}\` is a number`)
  return leaf('==', ['meshd', 'runtime', key], Number(value))
}

const HOST_TEXTS = ['kernel', 'boot', 'lockdown', 'image']

function envTerm(key: string, value: string): Predicate {
  const [, kind, name] = /^(label|file|host|collected)\.(.+)$/s.exec(key) ?? []
  if (kind === 'label' || kind === 'file')
    return leaf('==', ['meshd', 'env', `${kind}s`, name ?? ''], value)
  if (kind === 'host' && HOST_TEXTS.includes(name ?? ''))
    return leaf('==', ['meshd', 'env', 'host', name ?? ''], value)
  if (kind === 'host' && name === 'secureBoot' && (value === 'true' || value === 'false'))
    return leaf('==', ['meshd', 'env', 'host', name], value === 'true')
  const [, collector, output] = /^collected\.([^.]+)\.(.+)$/s.exec(key) ?? []
  if (collector === undefined || output === undefined)
    throw new Malformed(
      `an environment condition is \`label.<name>=…\`, \`file.<name>=…\`, \`host.<${HOST_TEXTS.join('|')}>=…\`, \`host.secureBoot=true\` or \`collected.<collector>.<output>=…\``,
    )
  return leaf('==', ['meshd', 'env', 'collected', collector, output], collectedValue(value))
}

/** As a collector would print it: `true`, `12`, and everything else a text; `"12"` is one, too. */
function collectedValue(value: string): Json {
  if (value === 'true' || value === 'false') return value === 'true'
  if (/^(0|-?[1-9]\d{0,14})$/.test(value)) return Number(value)
  const [, quoted] = /^"(.*)"$/s.exec(value) ?? []
  return quoted ?? value
}

function requireTerm(text: string): Predicate {
  const [, bundle, exact, digits] = /^([a-z0-9][a-z0-9._-]*)@(=?)([1-9]\d{0,14})$/i.exec(text) ?? []
  if (bundle === undefined || bundle.length > NAME_BYTES_MAX) {
    throw new Malformed('a required policy is `<bundle>@<version>`, or `@=` for exactly that one')
  }
  return leaf(exact === '=' ? '==' : '>=', ['meshd', 'gov', 'bundles', bundle], Number(digits))
}

function leaf(op: string, path: readonly string[], value: Json): Predicate {
  return parsePredicate([op, selectorOf(...path).text, value], 'strict')
}

function metaOf({ once, depth, gov, by }: Grant): JsonObject {
  const fields: [string, Json][] = []
  if (once) fields.push(['once', true])
  if (depth !== null) fields.push(['depth', depth])
  if (gov !== null) fields.push(['gov', gov])
  if (by !== null) fields.push(['by', by])
  return readMeta(objectOf(fields), 'dlg').json
}
