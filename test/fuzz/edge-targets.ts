/** The edges of a daemon: its disk, its configuration, its sockets, and what is typed at a terminal. */
import { readFileSync } from 'node:fs'
import { closed, line, link } from '../../scripts/vectors/tokens.ts'
import {
  artifactBody,
  bodyOf,
  callerBody,
  delegateBody,
  outcomeBody,
  readJson,
  recordBody,
  requestOf,
} from '../../src/api/bodies.ts'
import { filterOf, statsByOf } from '../../src/api/record-filter.ts'
import { type Ask, integerQuery } from '../../src/api/router.ts'
import { durationOf, timeOf } from '../../src/cli/parse.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { compileGrant } from '../../src/core/grant.ts'
import { formatJson, type Json } from '../../src/core/json.ts'
import { PACK_RECORDS } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { readLine } from '../../src/daemon/artifacts.ts'
import { policyJson, schemaJson, splitPolicies } from '../../src/daemon/cedar.ts'
import { readEntities } from '../../src/daemon/cedar-entities.ts'
import { ruleOf } from '../../src/daemon/cedar-rule.ts'
import { SchemaModel } from '../../src/daemon/cedar-schema.ts'
import { parseConfig } from '../../src/daemon/config.ts'
import { groupId } from '../../src/daemon/groups.ts'
import { parseTokens } from '../../src/daemon/remote-callers.ts'
import { readYaml, valueIn } from '../../src/daemon/yaml.ts'
import { parseShebang } from '../../src/enforce/locate.ts'
import { formatSlot, parseSlot } from '../../src/storage/head-file.ts'
import {
  formatCount,
  formatMeta,
  open,
  parseCount,
  parseMeta,
  parsePutKey,
  putKey,
  seal,
} from '../../src/storage/keyspace.ts'
import { formatParts, parseParts } from '../../src/storage/pack.ts'
import { formatCursor, parseCursor, parsePlaces, parseSpan } from '../../src/storage/postings.ts'
import { BEGINNING, formatStanding, parseStanding } from '../../src/storage/standing.ts'
import { FORBID, PERMIT, SCHEMA } from '../unit/bundles.ts'
import { ana } from '../unit/statements.ts'
import { jsonTarget, type Target, target, textTarget } from './target.ts'

const KEY = utf8('k')
const META = {
  standing: { ...BEGINNING, size: 3, kept: 1 },
  tree: { size: 3, peaks: [new Uint8Array(32), new Uint8Array(32).fill(1)] },
}

/** With some that are not there, as of what is kept beside records. */
const PARTS = Array.from({ length: PACK_RECORDS }, (_, i) =>
  i % 3 === 0 ? null : utf8(`part ${i}`),
)

const DISK: readonly Target[] = [
  target({
    ...{ name: 'standing', runs: ['storage/standing.ts parseStanding'] },
    ...{ parse: parseStanding, print: formatStanding },
    corpus: [formatStanding(BEGINNING), formatStanding(META.standing)],
  }),
  target({
    ...{ name: 'store-meta', runs: ['storage/keyspace.ts parseMeta'], parse: parseMeta },
    ...{ print: formatMeta, corpus: [formatMeta(META)] },
  }),
  target({
    ...{ name: 'sealed', runs: ['storage/keyspace.ts open'], corpus: [seal(KEY, utf8('value'))] },
    ...{ parse: (bytes) => open(KEY, bytes), print: (value) => seal(KEY, value) },
  }),
  target({
    ...{ name: 'head-slot', runs: ['storage/head-file.ts parseSlot'], parse: parseSlot },
    spellings: 'an older, longer one may have left its end behind it',
    corpus: [formatSlot({ sequence: 7, bytes: formatStanding(BEGINNING) })],
  }),
  target({
    ...{ name: 'pack', runs: ['storage/pack.ts parseParts'], parse: parseParts },
    ...{ print: formatParts, corpus: [formatParts(PARTS)] },
  }),
  target({
    ...{ name: 'count', runs: ['storage/keyspace.ts parseCount'], corpus: [formatCount(7)] },
    ...{ parse: parseCount, print: formatCount },
  }),
  target({
    ...{ name: 'put-key', runs: ['storage/keyspace.ts parsePutKey'], parse: parsePutKey },
    spellings: 'the first byte is its range’s',
    corpus: [putKey('copy', 'a/b'), putKey('cursor' as never, 'x')],
  }),
  target({
    ...{ name: 'places', runs: ['storage/postings.ts parsePlaces'], parse: parsePlaces },
    ...{ spellings: 'what is no place is left out', corpus: [Uint8Array.of(0, 1, 0, 9)] },
  }),
  target({
    ...{ name: 'span', runs: ['storage/postings.ts parseSpan'], parse: parseSpan },
    ...{ spellings: 'a hint, whose writer is private', corpus: [new Uint8Array(12)] },
  }),
  target({
    ...{ name: 'cursor', runs: ['storage/postings.ts parseCursor'], print: formatCursor },
    parse: (bytes) => parseCursor(bytes, 100),
    corpus: [formatCursor({ from: 0, to: 7 })],
  }),
]

const CONFIG = readFileSync('config/meshd.yaml', 'utf8')
const TESTS = `
- name: it may
  request: { principal: "principal:a", action: "tool:read", resource: "repo:x" }
  expect: ALLOW
`

/** What a router gives a handler, as far as these look at it. */
function asked(fields: { readonly body?: Uint8Array; readonly query?: URLSearchParams }): Ask {
  return {
    ...{ query: fields.query ?? new URLSearchParams(), parameters: new Map(), role: 'admin' },
    header: (name: string) => (name === 'content-type' ? 'application/json' : null),
    ...{ body: fields.body ?? new Uint8Array(), receivedMs: 0 },
    signal: AbortSignal.any([]),
  } as Partial<Ask> as Ask
}

function unlessMalformed<T>(value: T | Malformed): T {
  if (value instanceof Malformed) throw value
  return value
}

const ARTIFACT = closed([link(0)])
const GRANT: Json = {
  ...{ actions: ['tool:read'], resource: 'repo:acme/*', subject: null, bind: {}, node: null },
  ...{ env: {}, require: [], depth: null, once: true, gov: null, by: null },
}
const CONDITIONS: Json = {
  ...{ actions: ['tool:read', 'tool:push'], resource: 'repo:acme', subject: 'user:*' },
  ...{ bind: { uid: '1000', unit: 'a.service', 'attested.slsa': 'yes' }, node: ana.did },
  env: { 'label.env': 'staging', 'host.secureBoot': 'true', 'collected.disk.free': '12' },
  ...{ require: ['agents@7', 'base@=2'], depth: 2, once: false },
  ...{ gov: { ticket: 'OPS-1' }, by: { person: 'dana' } },
}
const BODIES: readonly (readonly [string, Parameters<typeof bodyOf>[1], Json])[] = [
  ['outcome', outcomeBody, { kind: 'ok', status: 0 }],
  ['artifact', artifactBody, { artifact: ARTIFACT }],
  ['record', recordBody, { artifact: ARTIFACT, event: 'issued' }],
  ['caller', callerBody, { name: 'ci', caller: 'uid:1000' }],
  ['delegate', delegateBody, { artifact: ARTIFACT, to: ana.did, grant: GRANT, expiresMs: 5 }],
]
const REQUEST: Json = { action: { name: 'tool:read' }, resource: { type: 'repo', id: 'acme' } }
const JSON_LISTS = 'white space, the order of keys, escapes'

const SOCKETS: readonly Target[] = [
  ...BODIES.map(([name, reader, json]) =>
    target({
      ...{ name: `body-${name}`, runs: ['api/bodies.ts bodyOf'], spellings: JSON_LISTS },
      parse: (body) => bodyOf(asked({ body }), reader) as object,
      corpus: [utf8(formatJson(json))],
    }),
  ),
  target({
    ...{ name: 'body-request', runs: ['api/bodies.ts requestOf'], spellings: JSON_LISTS },
    parse: (body) => unlessMalformed(requestOf(asked({ body }))),
    corpus: [utf8(formatJson(REQUEST))],
  }),
  target({
    ...{ name: 'body-json', runs: ['api/bodies.ts readJson'], spellings: JSON_LISTS },
    parse: (body) => ({ json: unlessMalformed(readJson(asked({ body }), (json) => json)) }),
    corpus: [utf8(formatJson(REQUEST))],
  }),
  textTarget({
    ...{ name: 'query', runs: ['api/record-filter.ts filterOf', 'api/record-filter.ts statsByOf'] },
    parse: (text) => {
      const ask = asked({ query: new URLSearchParams(text) })
      return [filterOf(ask), statsByOf(ask), integerQuery(ask, 'limit', 20, 1000)]
    },
    spellings: 'escapes, and the order of parameters',
    corpus: [
      `action=tool:read&code=FROZEN&limit=20&since=2026-11-24T14:03:10Z&by=code,principal`,
      `execution=sha256:${'0a'.repeat(32)}&type=decision&outcome=deny&trace=${'0a'.repeat(16)}`,
    ],
  }),
]

const PEOPLE: readonly Target[] = [
  jsonTarget({
    ...{ name: 'grant', runs: ['core/grant.ts compileGrant'], spellings: 'some terms have two' },
    parse: (json) => compileGrant(delegateBody(json, '').grant, []),
    corpus: [
      { artifact: ARTIFACT, to: ana.did, grant: GRANT, expiresMs: 5 },
      { artifact: ARTIFACT, to: ana.did, grant: CONDITIONS, expiresMs: 9 },
    ],
  }),
  textTarget({
    ...{ name: 'group', runs: ['daemon/groups.ts groupId'], spellings: 'one field of a line' },
    ...{ parse: (text) => groupId('read', text), corpus: ['root:x:0:\nread:x:987:dana\n'] },
  }),
  textTarget({
    ...{ name: 'config', runs: ['daemon/config.ts parseConfig'], corpus: [CONFIG, 'version: 1\n'] },
    parse: (text) => parseConfig(text, 'meshd.yaml'),
    ...{ spellings: 'YAML', msMax: 2_000 },
  }),
  textTarget({
    ...{
      name: 'yaml',
      runs: ['daemon/yaml.ts readYaml', 'daemon/yaml.ts valueIn'],
      spellings: 'YAML',
    },
    parse: (text) => {
      const { document } = readYaml(text)
      return document.errors.length > 0 ? null : { value: valueIn(document, document.contents) }
    },
    ...{ msMax: 2_000, corpus: [TESTS, CONFIG] },
  }),
  jsonTarget({
    ...{ name: 'entities', runs: ['daemon/cedar-entities.ts readEntities'], parse: readEntities },
    spellings: 'an id may stand in `__entity`',
    corpus: [[{ uid: { type: 'Team', id: 'x' }, attrs: { a: 1 }, parents: [] }]],
  }),
  textTarget({
    ...{ name: 'artifact-line', runs: ['daemon/artifacts.ts readLine'], parse: readLine },
    ...{ spellings: 'tokens stand in any order', corpus: [ARTIFACT, line([link(0)])] },
  }),
  textTarget({
    ...{ name: 'tokens', runs: ['daemon/remote-callers.ts parseTokens'], parse: parseTokens },
    ...{
      spellings: 'comments, and any space',
      corpus: [`# a\nsha256:${'0f'.repeat(32)} edge user:*\n`],
    },
  }),
  textTarget({
    ...{ name: 'typed', runs: ['cli/parse.ts durationOf', 'cli/parse.ts timeOf'] },
    parse: (text) => [
      timeOf(text, '--since', 5),
      text.includes('-') ? 0 : durationOf(text, '--ttl'),
    ],
    ...{ spellings: '60s is 1m', corpus: ['2h', '2026-11-23T14:00:00Z', '2026-11-23'] },
  }),
]

const RUN: readonly Target[] = [
  textTarget({
    ...{ name: 'shebang', runs: ['enforce/locate.ts parseShebang'] },
    parse: (text) => parseShebang(utf8(text)),
    spellings: 'spaces around the words',
    corpus: ['#!/bin/sh -e\n', '#!/usr/bin/env -S node --no-warnings\n', '#!/usr/bin/env sh\n'],
  }),
]

const POLICY = `@id("a") @staleness("15s") @hint("ask")
permit (principal in team::"x", action == Action::"tool:read", resource is repo)
when { context has args && context.args has risk && context.args.risk < 3 && resource has owner };`

/** What Cedar reads: a library in WebAssembly, which must fail in words, whatever a bundle holds. */
const BUNDLES: readonly Target[] = [
  textTarget({
    ...{ name: 'policies', runs: ['daemon/cedar.ts splitPolicies', 'daemon/cedar-rule.ts ruleOf'] },
    parse: rulesOf,
    ...{ spellings: 'Cedar', msMax: 2_000, corpus: [PERMIT, `${FORBID}\n${POLICY}`] },
  }),
  textTarget({
    ...{ name: 'schema', runs: ['daemon/cedar.ts schemaJson'] },
    parse: (text) => {
      const json = schemaJson(text)
      return 'faults' in json ? null : new SchemaModel(json.value).actions
    },
    ...{ spellings: 'Cedar', msMax: 2_000, corpus: [SCHEMA] },
  }),
]

function rulesOf(text: string) {
  const parts = splitPolicies(text)
  if ('faults' in parts) return null
  return parts.value.policies.flatMap((each) => {
    const json = policyJson(each)
    return 'faults' in json ? [] : [ruleOf(each, json.value)]
  })
}

export const EDGE_TARGETS = [...BUNDLES, ...DISK, ...SOCKETS, ...PEOPLE, ...RUN]
