/** What is signed: statements of each kind and their envelopes, links and closings, artifacts, invites, files of a mesh. */
import { atlas, close, closed, line, link } from '../../scripts/vectors/tokens.ts'
import { type Artifact, formatArtifact, parseArtifact } from '../../src/core/artifact.ts'
import { concat, fromBase64Url, textOf, toBase64Url, utf8 } from '../../src/core/bytes.ts'
import { decodeCbor, encodeCbor } from '../../src/core/cbor.ts'
import { prepare } from '../../src/core/closing.ts'
import { type Delegation, parseDelegation } from '../../src/core/delegation.ts'
import { formatEnvelope, parseEnvelope, type StatementType } from '../../src/core/dsse.ts'
import { idOf } from '../../src/core/id.ts'
import { formatInvite, parseInvite } from '../../src/core/invite.ts'
import { type Invocation, parseInvocation } from '../../src/core/invocation.ts'
import { formatJson, type Json, parseCanonical } from '../../src/core/json.ts'
import { formatMeshFile, parseMeshFile } from '../../src/core/mesh-file.ts'
import { readMeta } from '../../src/core/meta.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { readTests } from '../../src/core/policy-test.ts'
import { encodePredicate } from '../../src/core/predicate.ts'
import { readEvaluation, readRequest } from '../../src/core/request.ts'
import { formatStatement, parseStatement } from '../../src/core/statement/statement.ts'
import { kindOf, messageOf, parseToken } from '../../src/core/ucan.ts'
import {
  atlas as atlasNode,
  borealis,
  forked,
  keyOf,
  type Made,
  NOW_MS,
  nextRoot,
  World,
} from '../unit/statements.ts'
import { CBOR } from './core-targets.ts'
import { type Codec, jsonTarget, type Target, target, textTarget } from './target.ts'

const world = new World()
const policy = world.policy()
const MADE: Readonly<Record<StatementType, readonly Made[]>> = {
  root: [world.first, nextRoot(world.first, { message: 'why', floors: new Map([['agents', 2]]) })],
  member: [world.member(atlasNode, { labels: new Map([['zone', 'a']]) })],
  policy: [policy, world.nextPolicy([policy], { mode: 'observe' })],
  revocation: [
    world.revocation(),
    world.revocation({ target: { kind: 'principal', did: keyOf('x').did }, message: 'lost' }),
  ],
  freeze: [world.freeze(), world.freeze({ scope: { kind: 'mesh' }, version: 2, frozen: false })],
  epoch: [world.epoch(atlasNode), world.epoch(atlasNode, { epoch: 3, overrules: true })],
  evidence: [forked(world, atlasNode)],
}
const ALL = Object.values(MADE).flat()

/** The statement is a text inside of its envelope; a change reaches into it. */
const ENVELOPE: Codec = {
  open: (bytes) => {
    const { payload, ...rest } = parseCanonical(bytes, bytes.length) as Record<string, Json>
    return { ...rest, payload: JSON.parse(Buffer.from(String(payload), 'base64').toString()) }
  },
  close: (tree) => {
    const { payload, ...rest } = tree as Record<string, Json>
    const text = Buffer.from(formatJson(payload ?? null)).toString('base64')
    return utf8(formatJson({ ...rest, payload: text }))
  },
}

const STATEMENTS: readonly Target[] = [
  ...Object.entries(MADE).map(([type, made]) =>
    target({
      name: `statement-${type}`,
      runs: [
        'core/statement/statement.ts parseStatement',
        `core/statement/${type}.ts read${type.charAt(0).toUpperCase()}${type.slice(1)}`,
      ],
      parse: (bytes) => parseStatement(type as StatementType, bytes),
      print: formatStatement,
      corpus: made.map(({ envelope }) => envelope.payload),
    }),
  ),
  target({
    ...{ name: 'envelope', runs: ['core/dsse.ts parseEnvelope'], codec: ENVELOPE },
    ...{ parse: parseEnvelope, print: formatEnvelope, corpus: ALL.map(({ bytes }) => bytes) },
  }),
]

/** What is signed stands at the end, behind the signature, whose length is for verifyToken to see. */
const behindSignature = (bytes: Uint8Array, message: Uint8Array) =>
  concat(bytes.subarray(0, Math.max(0, bytes.length - message.length)), message)

function printLink(link: Delegation): Uint8Array {
  const { iss, aud, sub, cmd, nonce, expS, nbfS, meta, bytes } = link
  const payload = {
    ...{ iss, aud, sub, cmd, nonce, exp: expS, pol: link.pol.map(encodePredicate) },
    ...(nbfS === null ? {} : { nbf: nbfS }),
    // An empty one is said, or not: the issuer signed either.
    ...(parseToken(bytes, 'dlg').payload.has('meta') ? { meta } : {}),
  }
  return behindSignature(bytes, messageOf('dlg', payload))
}

function printClosing(invocation: Invocation): Uint8Array {
  const { payload } = parseToken(invocation.bytes, 'inv')
  const { message } = prepare(invocation, invocation.iss)
  const meta = payload.get('meta')
  const saysNothing = meta !== undefined && Object.keys(invocation.meta).length === 0
  const said = saysNothing ? messageOf('inv', Object.fromEntries(payload)) : message
  return behindSignature(invocation.bytes, said)
}

const LINKS = [
  link(0),
  link(1, { nbf: 1_767_225_500, meta: { depth: 1, once: true } }),
  link(0, {
    pol: [
      [
        'or',
        [
          ['==', '.args.path', '/srv/a'],
          ['like', '.resource.id', 'a*'],
        ],
      ],
    ],
  }),
]
const CAUSE = { meta: { gov: { ticket: 'CHG-1' } } }
const CLOSINGS = [close([link(0)]), close([link(0), link(1)], CAUSE)]

/** An artifact is a line of base64url around CBOR, in which tokens are bytes: they are opened too. */
const ARTIFACT: Codec = {
  open: (bytes) => {
    const container = decodeCbor(fromBase64Url(textOf(bytes).slice(1)), bytes.length)
    const { 'ctn-v1': tokens } = container as { 'ctn-v1': readonly Uint8Array[] }
    return tokens.map((token) => decodeCbor(token, token.length))
  },
  close: (tree) => {
    const tokens = Array.isArray(tree) ? tree.map((each) => encodeCbor(each)) : tree
    return utf8(`C${toBase64Url(encodeCbor({ 'ctn-v1': tokens }))}`)
  },
}

const TOKENS: readonly Target[] = [
  target({
    name: 'link',
    runs: [
      'core/delegation.ts parseDelegation',
      'core/ucan.ts parseToken',
      'core/meta.ts readMeta',
    ],
    ...{ parse: parseDelegation, print: printLink, codec: CBOR, corpus: LINKS },
  }),
  target({
    ...{ name: 'invocation', runs: ['core/invocation.ts parseInvocation'] },
    ...{ parse: parseInvocation, print: printClosing, codec: CBOR, corpus: CLOSINGS },
  }),
  target({
    ...{ name: 'token', runs: ['core/ucan.ts parseToken', 'core/ucan.ts kindOf'], codec: CBOR },
    parse: (bytes) => {
      const kind = kindOf(bytes)
      return kind === null ? null : parseToken(bytes, kind)
    },
    print: ({ payload, bytes }) =>
      behindSignature(bytes, messageOf(kindOf(bytes) ?? 'dlg', Object.fromEntries(payload))),
    corpus: [...LINKS, ...CLOSINGS],
  }),
  target({
    ...{ name: 'artifact', runs: ['core/artifact.ts parseArtifact'], codec: ARTIFACT },
    parse: (bytes) => parsedTwice(parseArtifact(bytes)),
    spellings: 'tokens stand in any order, and the line may end',
    corpus: [closed([link(0)]), closed([link(0), link(1)], CAUSE), line([link(0)])].map(utf8),
  }),
  jsonTarget({
    ...{ name: 'meta', runs: ['core/meta.ts readMeta'], parse: (json) => readMeta(json, 'dlg') },
    print: ({ json }) => json,
    corpus: [{}, { once: true, depth: 1, gov: { ticket: 'CHG-1' }, by: { team: 'x' } }],
  }),
]

/** What was printed of it says the same. */
function parsedTwice(artifact: Artifact): Artifact {
  const again = parseArtifact(formatArtifact(artifact))
  if (again.cid !== artifact.cid || again.invocation?.cid !== artifact.invocation?.cid)
    throw new Error('printed, it is another artifact')
  return artifact
}

const INVITE: Codec = {
  open: (bytes) => JSON.parse(textOf(fromBase64Url(textOf(bytes).slice('meshd-invite:1:'.length)))),
  close: (tree) => utf8(`meshd-invite:1:${toBase64Url(utf8(formatJson(tree as Json)))}`),
}
const INVITED = {
  addresses: [`/ip4/10.0.0.4/tcp/4717/p2p/${formatPeerId(atlasNode.identity.did)}`],
  ...{ mesh: world.mesh, root: 3, secret: new Uint8Array(32).fill(9) },
}
const MESH_FILE = formatMeshFile({
  ...{ mesh: world.mesh, node: atlasNode.identity.did, timeMs: NOW_MS, digest: '5c'.repeat(32) },
  statements: ALL.slice(0, 4).map(({ id, envelope, bytes }) => ({
    id,
    type: envelope.type,
    bytes,
  })),
  heads: [{ node: borealis.identity.did, note: 'meshd/0a77/z6Mk/1\n8\nAAAA\n\n— x AAAA\n' }],
})

/** With a last line that is right again, so that a change reaches the statements. */
function resealed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, bytes.lastIndexOf(0x0a, -2) + 1)
  return concat(body, utf8(`${idOf(body)}\n`))
}

const CARRIED: readonly Target[] = [
  textTarget({
    ...{ name: 'invite', runs: ['core/invite.ts parseInvite'], codec: INVITE },
    ...{ parse: parseInvite, print: formatInvite, corpus: [formatInvite(INVITED)] },
  }),
  target({
    ...{ name: 'mesh-file', runs: ['core/mesh-file.ts parseMeshFile'] },
    ...{ parse: parseMeshFile, print: formatMeshFile, corpus: [MESH_FILE] },
  }),
  target({
    ...{ name: 'mesh-file-resealed', runs: ['core/mesh-file.ts parseMeshFile'] },
    parse: (bytes) => printedAgain(resealed(bytes)),
    ...{ spellings: 'its last line is made anew', corpus: [MESH_FILE] },
  }),
]

function printedAgain(bytes: Uint8Array): unknown {
  const file = parseMeshFile(bytes)
  if (Buffer.compare(formatMeshFile(file), bytes) !== 0) throw new Error('a second spelling')
  return file
}

const REQUEST: Json = {
  subject: { type: 'user', id: 'ann', properties: { team: 'x' } },
  action: { name: 'tool:read', properties: { path: '/srv/a', tags: ['x'], size: 7 } },
  resource: { type: 'repo', id: 'acme/docs', properties: {} },
  context: { ticket: 'CHG-1' },
}
const TEST: Json = {
  ...{ where: 'a.yaml', name: 'ci may deploy', expect: 'ALLOW', by: 'permit' },
  request: { principal: 'user:ann', action: 'tool:read', resource: 'repo:acme' },
  facts: { node: { id: atlas.did } },
}

const ASKED: readonly Target[] = [
  jsonTarget({
    ...{
      name: 'request',
      runs: ['core/request.ts readRequest'],
      parse: (json) => readRequest(json),
    },
    ...{ spellings: 'members that are not known are ignored', corpus: [REQUEST] },
  }),
  jsonTarget({
    ...{ name: 'request-headers', runs: ['core/request.ts readEvaluation'] },
    parse: (json) => {
      const [cause = null, traceparent = null] = Array.isArray(json) ? json : []
      return readEvaluation(REQUEST, { cause: textIn(cause), traceparent: textIn(traceparent) })
    },
    spellings: 'what is no trace context is dropped',
    corpus: [
      [world.mesh, `00-${'0a'.repeat(16)}-${'0b'.repeat(8)}-01`],
      [null, null],
    ],
  }),
  jsonTarget({
    ...{ name: 'policy-tests', runs: ['core/policy-test.ts readTests'], parse: readTests },
    ...{ print: (tests): Json => JSON.parse(JSON.stringify(tests)), corpus: [[TEST, TEST]] },
  }),
]

const textIn = (json: Json) => (typeof json === 'string' ? json : null)

export const SIGNED_TARGETS = [...STATEMENTS, ...TOKENS, ...CARRIED, ...ASKED]
