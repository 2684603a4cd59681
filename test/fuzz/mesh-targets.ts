/** What peers send: frames of every protocol, gossip, addresses. */
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { NONCE_BYTES, SYNC_FRAME_BYTES_MAX } from '../../src/core/limits.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { formatTime } from '../../src/core/shape.ts'
import { openAddressRecord, signAddressRecord } from '../../src/mesh/address-record.ts'
import { parseAnnouncement, signAnnouncement } from '../../src/mesh/announce.ts'
import { formatFrame, parseFrame } from '../../src/mesh/frames.ts'
import {
  formatAnswer,
  formatHello,
  parseAnswer,
  parseHello,
  proveClaim,
} from '../../src/mesh/hello-frames.ts'
import { formatInviteRecord, parseInviteRecord } from '../../src/mesh/invite-record.ts'
import { type Noted, Notes, putNote } from '../../src/mesh/learned.ts'
import {
  formatLineageAnswer,
  formatLineageRequest,
  parseLineageAnswer,
  parseLineageRequest,
} from '../../src/mesh/lineage-frames.ts'
import {
  formatLogAnswer,
  formatLogRequest,
  parseLogAnswer,
  parseLogRequest,
} from '../../src/mesh/log-frames.ts'
import { formatPins, PINS_KEY, readMesh, readPins } from '../../src/mesh/pins.ts'
import {
  formatRunningAnswer,
  formatRunningRequest,
  parseRunningAnswer,
  parseRunningRequest,
} from '../../src/mesh/running-frames.ts'
import {
  formatSearchAnswer,
  formatSearchRequest,
  parseSearchAnswer,
  parseSearchRequest,
} from '../../src/mesh/search-frames.ts'
import {
  formatStateQuestion,
  parseStateAnswer,
  parseStateQuestion,
  signStateAnswer,
} from '../../src/mesh/state-frames.ts'
import {
  formatSyncAnswer,
  formatSyncRequest,
  parseSyncAnswer,
  parseSyncRequest,
} from '../../src/mesh/sync-frames.ts'
import { type Part, packPart, unpackPart } from '../../src/mesh/sync-parts.ts'
import { RECORDS, receiptOf } from '../unit/evidence.ts'
import { atlas, borealis, keyOf, NOW_MS, TestLog, World } from '../unit/statements.ts'
import { type Target, target } from './target.ts'

const world = new World()
const log = new TestLog(world.mesh, atlas)
const NOTE = log.note(7)
const HEX = '5c'.repeat(32)
const DID = atlas.identity.did
const HASH = new Uint8Array(32).fill(5)
const NONCE = toBase64(new Uint8Array(NONCE_BYTES))
const SUMMARY = {
  mesh: world.mesh,
  root: 2,
  digest: HEX,
  envelopes: HEX,
  waiting: HEX,
  addresses: HEX,
}
const blobs = [world.first.bytes, world.freeze().bytes]
const NODE: Part = {
  as: 'node',
  prefix: '',
  branches: [
    { prefix: '3', hash: HEX, count: 7 },
    { prefix: 'f', hash: HEX, count: 2 ** 32 - 1 },
  ],
}
const LIST: Part = { as: 'list', prefix: '5c', leaves: [{ key: HEX, hash: HEX }] }

const SYNC: readonly Target[] = [
  target({
    ...{ name: 'frame', runs: ['mesh/frames.ts parseFrame'] },
    parse: (bytes) => parseFrame(bytes, SYNC_FRAME_BYTES_MAX),
    print: ({ header, blobs }) => formatFrame(header, blobs),
    corpus: [formatFrame({ ask: 'x' }, [HASH, new Uint8Array()]), formatFrame({}, [])],
  }),
  target({
    ...{ name: 'sync-request', runs: ['mesh/sync-frames.ts parseSyncRequest'] },
    ...{ parse: parseSyncRequest, print: formatSyncRequest },
    corpus: [
      formatSyncRequest({ ask: 'compare', summary: SUMMARY }),
      formatSyncRequest({ ask: 'walk', tree: 'envelopes', nodes: ['', '5c'], lists: ['0'] }),
      formatSyncRequest({ ask: 'roots', from: 2 }),
      formatSyncRequest({ ask: 'fetch', ids: [world.mesh] }),
      formatSyncRequest({ ask: 'push', blobs }),
      formatSyncRequest({ ask: 'addresses', have: [HEX], blobs: [HASH] }),
    ],
  }),
  target({
    ...{ name: 'sync-answer', runs: ['mesh/sync-frames.ts parseSyncAnswer'] },
    ...{ parse: parseSyncAnswer, print: formatSyncAnswer },
    corpus: [
      formatSyncAnswer({
        say: 'summary',
        incarnation: NONCE,
        summary: SUMMARY,
        tops: [{ tree: 'waiting', part: NODE }],
      }),
      formatSyncAnswer({ say: 'walk', parts: [NODE, LIST] }),
      formatSyncAnswer({ say: 'roots', more: true, blobs }),
      formatSyncAnswer({ say: 'statements', missing: [world.mesh], blobs }),
      formatSyncAnswer({ say: 'held', held: 3 }),
      formatSyncAnswer({ say: 'addresses', want: [HEX], blobs: [HASH] }),
    ],
  }),
  ...[NODE, LIST].map((part) =>
    target({
      ...{ name: `sync-${part.as}`, runs: ['mesh/sync-parts.ts unpackPart'] },
      ...{ parse: (bytes) => unpackPart(part.as, part.prefix, bytes), print: packPart },
      corpus: [packPart(part)],
    }),
  ),
]

const LOGS: readonly Target[] = [
  target({
    name: 'log-request',
    runs: ['mesh/log-frames.ts parseLogRequest', 'mesh/mirror-frames.ts parseMirror'],
    ...{ parse: parseLogRequest, print: formatLogRequest },
    corpus: [
      formatLogRequest({ ask: 'cosign', body: `old 0\n\n${NOTE}` }),
      formatLogRequest({ ask: 'checkpoint', node: DID }),
      formatLogRequest({ ask: 'heads', nodes: [DID, borealis.identity.did] }),
      formatLogRequest({ ask: 'consistency', epoch: 1, from: 3, to: 7 }),
      formatLogRequest({ ask: 'inclusion', epoch: 1, index: 3, size: 7 }),
      formatLogRequest({ ask: 'tile', epoch: 1, level: 0, index: 0 }),
      formatLogRequest({ ask: 'records', epoch: 1, first: 0, count: 3 }),
      formatLogRequest({
        ...{ ask: 'mirror', epoch: 1, first: 7, least: 0, note: NOTE },
        ...{ peaks: [HASH, HASH, HASH], proof: [HASH], records: RECORDS.slice(0, 2) },
      }),
    ],
  }),
  target({
    ...{ name: 'log-answer', runs: ['mesh/log-frames.ts parseLogAnswer'] },
    ...{ parse: parseLogAnswer, print: formatLogAnswer },
    corpus: [
      formatLogAnswer({ say: 'size', size: 7 }),
      formatLogAnswer({ say: 'refused', why: 'proof' }),
      formatLogAnswer({ say: 'checkpoint', note: NOTE }),
      formatLogAnswer({ say: 'cosigned', line: '— x AAAAAAAA\n' }),
    ],
  }),
  target({
    ...{ name: 'search-request', runs: ['mesh/search-frames.ts parseSearchRequest'] },
    ...{ parse: parseSearchRequest, print: formatSearchRequest },
    corpus: [
      formatSearchRequest({
        filter: { terms: { action: 'tool:read', code: 'FROZEN' }, sinceMs: 5, untilMs: null },
        ...{ before: 88, count: 20 },
      }),
    ],
  }),
  target({
    ...{ name: 'search-answer', runs: ['mesh/search-frames.ts parseSearchAnswer'] },
    ...{ parse: parseSearchAnswer, print: formatSearchAnswer },
    corpus: [
      formatSearchAnswer({ say: 'refused', why: 'busy' }),
      formatSearchAnswer({
        ...{ say: 'found', epoch: 1, notes: [NOTE], next: 5, stopped: false },
        records: [{ index: 6, bytes: RECORDS[0] as Uint8Array, proof: [HASH, HASH] }],
      }),
    ],
  }),
  target({
    ...{ name: 'running-request', runs: ['mesh/running-frames.ts parseRunningRequest'] },
    ...{ parse: parseRunningRequest, print: formatRunningRequest },
    corpus: [formatRunningRequest()],
  }),
  target({
    ...{ name: 'running-answer', runs: ['mesh/running-frames.ts parseRunningAnswer'] },
    ...{ parse: parseRunningAnswer, print: formatRunningAnswer },
    corpus: [
      formatRunningAnswer({ say: 'refused', why: 'share' }),
      formatRunningAnswer({
        ...{ say: 'running', epoch: 1, notes: [NOTE], more: false },
        records: [
          {
            ...{ index: 6, bytes: RECORDS[0] as Uint8Array, proof: [HASH, HASH] },
            ...{ state: 'running', ageMs: 9_004, leaseMs: 51_000 },
            process: { pid: 20_144, command: 'reindex.sh' },
          },
          {
            ...{ index: 5, bytes: RECORDS[0] as Uint8Array, proof: [HASH] },
            ...{ state: 'stopped', ageMs: 9_004, leaseMs: null, process: null },
          },
        ],
      }),
    ],
  }),
  target({
    ...{ name: 'lineage-request', runs: ['mesh/lineage-frames.ts parseLineageRequest'] },
    ...{ parse: parseLineageRequest, print: formatLineageRequest },
    corpus: [formatLineageRequest({ ask: 'receipt', id: world.mesh })],
  }),
  target({
    ...{ name: 'lineage-answer', runs: ['mesh/lineage-frames.ts parseLineageAnswer'] },
    ...{ parse: parseLineageAnswer, print: formatLineageAnswer },
    corpus: [
      formatLineageAnswer({ say: 'receipt', receipt: receiptOf(1), outcome: receiptOf(2) }),
      formatLineageAnswer({ say: 'superseded', by: world.mesh }),
      formatLineageAnswer({ say: 'descendants', ids: [world.mesh], more: true }),
      formatLineageAnswer({ say: 'busy' }),
    ],
  }),
]

const CLAIM = { name: 'atlas', log: atlas.log.did, witness: atlas.witness.did, mesh: world.mesh }
const ADDRESS = signAddressRecord(
  { node: DID, addresses: [`/ip4/10.0.0.4/tcp/4717/p2p/${formatPeerId(DID)}`], seq: 5 },
  atlas.identity,
)
const STATE = signStateAnswer(
  {
    ...{ mesh: world.mesh, node: DID, nonce: NONCE, incarnation: NONCE },
    ...{ checked: true, root: 1, digest: HEX, size: 7 },
    ...{ opened: 0, closed: 0, checkpoint: NOTE, timeMs: NOW_MS, held: [true], yours: null },
  },
  atlas.witness,
)
const SAID = signAnnouncement(
  {
    ...{ mesh: world.mesh, node: DID, root: 3, digest: HEX, size: 41 },
    ...{ checkpoint: NOTE, cosigned: null, timeMs: NOW_MS },
  },
  atlas.witness,
)

/** Printed as its signer does: what is signed, and the signature. */
function printed(field: string, { timeMs, ...rest }: { timeMs: number }, signature: Uint8Array) {
  const signed = { ...(rest as JsonObject), time: formatTime(timeMs) }
  return utf8(formatJson({ [field]: signed, signature: toBase64(signature) }))
}

const STATES: readonly Target[] = [
  target({
    ...{ name: 'hello', runs: ['mesh/hello-frames.ts parseHello'] },
    ...{ parse: parseHello, print: formatHello },
    corpus: [
      formatHello({
        ...{ ...CLAIM, root: 2, member: world.member(atlas).bytes, address: ADDRESS },
        proofs: proveClaim(CLAIM, borealis.identity.did, [
          atlas.identity,
          atlas.log,
          atlas.witness,
        ]),
        redemption: { invite: '0a77e4c1', signature: new Uint8Array(64) },
      }),
    ],
  }),
  target({
    ...{ name: 'hello-answer', runs: ['mesh/hello-frames.ts parseAnswer'] },
    ...{ parse: parseAnswer, print: formatAnswer },
    corpus: [
      formatAnswer({ result: 'refused', code: 'INVITE_USED' }),
      formatAnswer({
        ...{ result: 'member', mesh: world.mesh, name: 'borealis', roots: [world.first.bytes] },
        ...{ more: false, members: [world.member(atlas).bytes], addresses: [ADDRESS] },
      }),
    ],
  }),
  target({
    ...{ name: 'state-question', runs: ['mesh/state-frames.ts parseStateQuestion'] },
    ...{ parse: parseStateQuestion, print: formatStateQuestion },
    corpus: [formatStateQuestion({ nonce: NONCE, ids: [world.mesh], own: true })],
  }),
  target({
    ...{ name: 'state-answer', runs: ['mesh/state-frames.ts parseStateAnswer'], corpus: [STATE] },
    parse: parseStateAnswer,
    print: ({ answer, signature }) => printed('answer', answer, signature),
  }),
  target({
    ...{ name: 'announcement', runs: ['mesh/announce.ts parseAnnouncement'], corpus: [SAID] },
    parse: parseAnnouncement,
    print: ({ announcement, signature }) => printed('announcement', announcement, signature),
  }),
  target({
    ...{ name: 'address-record', runs: ['mesh/address-record.ts openAddressRecord'] },
    parse: openAddressRecord,
    print: (record) => signAddressRecord(record, atlas.identity),
    corpus: [ADDRESS],
  }),
]

function noteOf({ from, id }: Omit<Noted, 'note'>): Uint8Array {
  return putNote('', from, id).value ?? new Uint8Array()
}

const KEPT: readonly Target[] = [
  target({
    ...{ name: 'invite-record', runs: ['mesh/invite-record.ts parseInviteRecord'] },
    ...{ parse: parseInviteRecord, print: formatInviteRecord },
    corpus: [
      formatInviteRecord({
        ...{ key: keyOf('invite').did, name: 'node-4', labels: new Map([['zone', 'a']]) },
        ...{ expiresMs: NOW_MS, member: HASH, redeemedBy: DID, as: 'node-4', revoked: false },
      }),
    ],
  }),
  target({
    ...{ name: 'pins', runs: ['mesh/pins.ts readPins'], print: formatPins },
    parse: (bytes) => readPins(new Map([[PINS_KEY, bytes]])),
    corpus: [formatPins([world.mesh])],
  }),
  target({
    ...{ name: 'pinned-mesh', runs: ['mesh/pins.ts readMesh'], corpus: [utf8(world.mesh)] },
    parse: (bytes) => readMesh(new Map([['mesh', bytes]])),
    print: utf8,
  }),
  target({
    ...{ name: 'note-waiting', runs: ['mesh/learned.ts putNote'], print: noteOf },
    parse: (bytes) => {
      const notes = new Notes()
      notes.load(new Map([[new Notes().next(), bytes]]))
      return notes.found[0] ?? null
    },
    corpus: [DID, null].map((from) => noteOf({ from, id: world.mesh })),
  }),
]

export const MESH_TARGETS = [...SYNC, ...LOGS, ...STATES, ...KEPT]
