/** The grammars of core: encodings, ids, keys, names, notes and what people type. */
import { base32 } from 'multiformats/bases/base32'
import {
  fromBase64,
  fromBase64Url,
  fromHex,
  textOf,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '../../src/core/bytes.ts'
import { decodeCbor, encodeCbor } from '../../src/core/cbor.ts'
import {
  formatEntity,
  parseAction,
  parseCommand,
  parseEntity,
  parseResource,
} from '../../src/core/command.ts'
import { parseDuration } from '../../src/core/duration.ts'
import { formatEventPlace, parseEventPlace } from '../../src/core/event-place.ts'
import { parseGlob } from '../../src/core/glob.ts'
import { cidBytes, cidOf, parseShortId } from '../../src/core/id.ts'
import { formatJson, parseCanonical, parseJson } from '../../src/core/json.ts'
import { parseDid } from '../../src/core/keys.ts'
import { NESTING_MAX } from '../../src/core/limits.ts'
import { parseLossless, printLossless } from '../../src/core/lossless.ts'
import { formatPeerId, parsePeerId, peerOfAddress } from '../../src/core/peer-id.ts'
import { encodePredicate, parsePolicy, parsePredicate } from '../../src/core/predicate.ts'
import { parseSelector } from '../../src/core/selector.ts'
import { traceIdOf } from '../../src/core/terms.ts'
import { parseTilePath, placePath } from '../../src/core/tile.ts'
import { ana, atlas, ben, borealis } from '../unit/statements.ts'
import { type Codec, jsonTarget, type Target, target, textTarget } from './target.ts'

const BYTES_MAX = 1 << 20

export const CBOR: Codec = {
  open: (bytes) => decodeCbor(bytes, BYTES_MAX),
  close: (tree) => encodeCbor(tree),
}

const JSONS = [
  '{"a":[1,2.5,-3,1e-7],"b":{"c":null,"d":true},"e":"\\u0001\\"\u00e9\ud83d\ude00"}',
  '[[],{},"",0,false]',
  '"text"',
  '9007199254740991',
].map(utf8)
const CBORS: readonly unknown[] = [
  { a: [1, -2, 2.5, 'text', null, true], b: Uint8Array.of(1, 2, 3), c: { d: {} } },
  [[], {}, '', 0, 2 ** 32, Number.MAX_SAFE_INTEGER],
  'text',
]
const BINARY = [
  new Uint8Array(),
  Uint8Array.of(0),
  Uint8Array.from({ length: 33 }, (_, i) => 7 * i),
]

const ENCODINGS: readonly Target[] = [
  target({
    ...{ name: 'json', runs: ['core/json.ts parseJson'], corpus: JSONS },
    parse: (bytes) => parseJson(bytes, BYTES_MAX),
    spellings: 'white space, the order of keys, escapes',
  }),
  target({
    ...{ name: 'json-lossless', runs: ['core/lossless.ts parseLossless'] },
    parse: (bytes) => {
      const json = parseLossless(bytes, BYTES_MAX, NESTING_MAX)
      const printed = printLossless(json)
      // What is passed on says the same to whoever reads it next.
      if (printLossless(parseLossless(utf8(printed), 4 * BYTES_MAX, NESTING_MAX)) !== printed)
        throw new Error('what was passed on is read as something else')
      return { json }
    },
    ...{ spellings: 'white space, escapes, digits', corpus: [...JSONS, utf8('[1e999,-0]')] },
  }),
  target({
    ...{ name: 'json-canonical', runs: ['core/json.ts parseCanonical'] },
    parse: (bytes) => ({ json: parseCanonical(bytes, BYTES_MAX) }),
    print: ({ json }) => utf8(formatJson(json)),
    corpus: JSONS.map((each) => utf8(formatJson(parseJson(each, BYTES_MAX)))),
  }),
  target({
    ...{ name: 'cbor', runs: ['core/cbor.ts decodeCbor'], codec: CBOR },
    parse: (bytes) => ({ value: decodeCbor(bytes, BYTES_MAX) }),
    print: ({ value }) => encodeCbor(value),
    corpus: CBORS.map(encodeCbor),
  }),
  textTarget({
    ...{ name: 'hex', runs: ['core/bytes.ts fromHex'], parse: fromHex, print: toHex },
    corpus: BINARY.map(toHex),
  }),
  textTarget({
    ...{ name: 'base64', runs: ['core/bytes.ts fromBase64'], parse: fromBase64, print: toBase64 },
    corpus: BINARY.map(toBase64),
  }),
  textTarget({
    ...{ name: 'base64url', runs: ['core/bytes.ts fromBase64Url'] },
    ...{ parse: fromBase64Url, print: toBase64Url, corpus: BINARY.map(toBase64Url) },
  }),
  target({
    ...{ name: 'utf8', runs: ['core/bytes.ts textOf'], parse: textOf, print: utf8 },
    corpus: ['', 'text', '\u00e9\ud83d\ude00\u202e'].map(utf8),
  }),
]

const DIDS = [ana.did, ben.did, atlas.identity.did]
const PEERS = DIDS.map(formatPeerId)
const CID = cidOf(utf8('a token'))

const NAMES: readonly Target[] = [
  textTarget({
    ...{ name: 'did', runs: ['core/keys.ts parseDid'], parse: parseDid },
    ...{ print: (did: string) => did, corpus: DIDS },
  }),
  textTarget({
    ...{ name: 'cid', runs: ['core/id.ts cidBytes'], parse: cidBytes },
    ...{ print: (bytes: Uint8Array) => base32.encode(bytes), corpus: [CID] },
  }),
  textTarget({
    ...{ name: 'event-place', runs: ['core/event-place.ts parseEventPlace'] },
    ...{ parse: parseEventPlace, print: formatEventPlace, corpus: ['1.0', '3.88105'] },
  }),
  textTarget({
    ...{ name: 'short-id', runs: ['core/id.ts parseShortId'], parse: parseShortId },
    print: ({ tag, prefix }) => `${tag}_${prefix}`,
    corpus: ['rev_0a77e4c1', 'art_bejocdkb', `root_${'0a'.repeat(32)}`],
  }),
  textTarget({
    ...{ name: 'peer-id', runs: ['core/peer-id.ts parsePeerId'], parse: parsePeerId },
    ...{ print: formatPeerId, corpus: PEERS },
  }),
  textTarget({
    ...{ name: 'peer-address', runs: ['core/peer-id.ts peerOfAddress'], parse: peerOfAddress },
    spellings: 'the part before the id is for libp2p to read',
    corpus: PEERS.map((id) => `/ip4/10.0.0.4/tcp/4717/p2p/${id}`),
  }),
  textTarget({
    ...{ name: 'trace-id', runs: ['core/terms.ts traceIdOf'], parse: traceIdOf },
    spellings: 'of a whole traceparent it is one part',
    corpus: ['0a'.repeat(16), `00-${'0a'.repeat(16)}-${'0b'.repeat(8)}-01`],
  }),
  textTarget({
    ...{ name: 'duration', runs: ['core/duration.ts parseDuration'], parse: parseDuration },
    spellings: '60s is 1m',
    corpus: ['90s', '15m', '2h', '400d', '250ms', '999999999d'],
  }),
  textTarget({
    ...{ name: 'tile-path', runs: ['core/tile.ts parseTilePath'] },
    ...{ parse: parseTilePath, print: placePath },
    corpus: ['tile/0/000', 'tile/2/x001/x234/067.p/12', 'tile/entries/x016/x777/215'],
  }),
]

const POLICIES = [
  [
    ['==', '.meshd.node.id', borealis.identity.did],
    [
      'or',
      [
        ['like', '.resource.id', 'acme/*'],
        ['not', ['<', '.args.size?', 7]],
      ],
    ],
    ['all', '.args.tags', ['!=', '.', 'x']],
    ['any', '.args["a b"][0][1:2]', ['and', []]],
  ],
  [],
] as const

const GRAMMARS: readonly Target[] = [
  textTarget({
    ...{ name: 'action', runs: ['core/command.ts parseAction'], parse: parseAction },
    ...{ print: (text: string) => text, corpus: ['tool:read', 'db/read:all', 'x'] },
  }),
  textTarget({
    ...{ name: 'command', runs: ['core/command.ts parseCommand'], parse: parseCommand },
    ...{ print: (text: string) => text, corpus: ['/', '/tool/read', '/db'] },
  }),
  textTarget({
    ...{ name: 'resource', runs: ['core/command.ts parseResource'], parse: parseResource },
    ...{ print: formatEntity, corpus: ['repo:acme/docs', 'a::b:x:y', 'file:/srv/*'] },
  }),
  jsonTarget({
    ...{ name: 'entity', runs: ['core/command.ts parseEntity'] },
    parse: (json) => {
      const [type, id] = Array.isArray(json) ? json : []
      return typeof type === 'string' && typeof id === 'string'
        ? parseEntity(type, id, 'resource')
        : null
    },
    spellings: 'the list around it is this test’s own',
    corpus: [['repo', 'acme/docs']],
  }),
  textTarget({
    ...{ name: 'glob', runs: ['core/glob.ts parseGlob'], parse: parseGlob },
    print: (parts) => parts.map((part) => part.replaceAll('*', '\\*')).join('*'),
    corpus: ['a*b', '*', '\\*', 'acme/*/x\\*y', '\\\\*'],
  }),
  textTarget({
    ...{ name: 'selector', runs: ['core/selector.ts parseSelector'], parse: parseSelector },
    ...{ print: ({ text }: { text: string }) => text },
    corpus: ['.', '.args.path', '.args["a b"]?', '.args[0][-1][1:2][]', '.meshd.env.files[]'],
  }),
  ...(['strict', 'plain'] as const).map((profile) =>
    jsonTarget({
      name: `policy-${profile}`,
      runs: ['core/predicate.ts parsePolicy', 'core/predicate.ts parsePredicate'],
      parse: (json) => [...parsePolicy(json, profile), ...parsed(json, profile)],
      print: (policy) => policy.map(encodePredicate),
      corpus: POLICIES,
    }),
  ),
]

/** The same by the reader of one predicate; adds nothing, or throws. */
function parsed(json: unknown, profile: 'strict' | 'plain'): never[] {
  if (Array.isArray(json)) for (const each of json) parsePredicate(each, profile)
  return []
}

export const CORE_TARGETS = [...ENCODINGS, ...NAMES, ...GRAMMARS]
