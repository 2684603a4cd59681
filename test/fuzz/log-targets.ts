/** What logs are made of, and what is proven with them: notes, checkpoints, tiles, records, receipts, files. */
import { formatAddCheckpoint, parseAddCheckpoint } from '../../src/core/add-checkpoint.ts'
import { concat, textOf, utf8 } from '../../src/core/bytes.ts'
import {
  epochOf,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  readCheckpoint,
} from '../../src/core/checkpoint.ts'
import { SALT_BYTES } from '../../src/core/commitment.ts'
import { cosign, cosignaturesOf } from '../../src/core/cosignature.ts'
import { commitDraft, parseDisclosure } from '../../src/core/disclosure.ts'
import {
  formatManifest,
  MANIFEST,
  parseManifest,
  tokenName,
  tokenOf,
} from '../../src/core/evidence-bundle.ts'
import { readExhibit } from '../../src/core/exhibit.ts'
import { cidOf, sha256Hex } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import {
  formatNoteLine,
  openNote,
  parseNoteLine,
  parseVkey,
  splitNote,
  vkey,
} from '../../src/core/note.ts'
import { formatReceipt, openReceipt, parseReceipt } from '../../src/core/receipt.ts'
import { formatRecord, type LogRecord, parseRecord, readRecord } from '../../src/core/record.ts'
import { readTar, tarEnd, tarFill, tarHead } from '../../src/core/tar.ts'
import { formatBundle, parseBundle } from '../../src/core/tile.ts'
import { formatTrust, parseTrust } from '../../src/core/verify/trust.ts'
import { canaryDecision, EXHIBIT } from '../unit/canaries.ts'
import { bundleOf, ORIGIN, RECORDS, receiptOf, TRUST_FILE, tarOf } from '../unit/evidence.ts'
import { ana, atlas, borealis, NOW_MS, TestLog, World } from '../unit/statements.ts'
import { jsonTarget, type Target, target, textTarget } from './target.ts'

const world = new World()
const log = new TestLog(world.mesh, atlas)
const NOTE = log.note(42)
const LINE = cosign(NOTE, NOW_MS, borealis.identity.did, borealis.witness)
const COSIGNED = NOTE + LINE
const BODY = { origin: ORIGIN, size: 42, rootHash: new Uint8Array(32) }
const bodyOf = (note: string) => note.slice(0, note.indexOf('\n\n') + 1)
const KEYS = [{ name: NOTE.split('\n')[0] as string, did: atlas.log.did }]

const NOTES: readonly Target[] = [
  textTarget({
    ...{ name: 'note', runs: ['core/note.ts splitNote'], parse: splitNote },
    print: ({ body, lines }) => `${body}\n${lines.map(formatNoteLine).join('')}`,
    corpus: [NOTE, COSIGNED],
  }),
  textTarget({
    ...{ name: 'note-opened', runs: ['core/note.ts openNote'], corpus: [NOTE, COSIGNED] },
    parse: (text) => openNote(text, KEYS),
    spellings: 'lines of other keys say nothing',
  }),
  textTarget({
    ...{ name: 'note-line', runs: ['core/note.ts parseNoteLine'], parse: parseNoteLine },
    print: (line) => formatNoteLine(line).slice(0, -1),
    corpus: [NOTE, COSIGNED].map((note) => note.split('\n').at(-2) as string),
  }),
  textTarget({
    ...{ name: 'vkey', runs: ['core/note.ts parseVkey'], parse: (text) => parseVkey(text) },
    ...{ print: ({ name, did }) => vkey(name, did), corpus: [vkey('example.com/foo', ana.did)] },
  }),
  textTarget({
    ...{ name: 'checkpoint', runs: ['core/checkpoint.ts parseCheckpoint'] },
    ...{ parse: parseCheckpoint, print: formatCheckpoint },
    corpus: [formatCheckpoint(BODY), bodyOf(NOTE)],
  }),
  target({
    name: 'checkpoint-opened',
    runs: ['core/checkpoint.ts openCheckpoint', 'core/checkpoint.ts readCheckpoint'],
    parse: (bytes) =>
      openCheckpoint(bytes, KEYS[0]?.name ?? '', atlas.log.did) && readCheckpoint(bytes),
    spellings: 'other signatures on it are ignored',
    corpus: [utf8(NOTE), utf8(COSIGNED)],
  }),
  textTarget({
    ...{ name: 'epoch', runs: ['core/checkpoint.ts epochOf'], parse: epochOf, corpus: [NOTE] },
    spellings: 'it is one part of a note',
  }),
  textTarget({
    ...{ name: 'cosignatures', runs: ['core/cosignature.ts cosignaturesOf'], corpus: [COSIGNED] },
    parse: (text) =>
      cosignaturesOf(text, new Map([[borealis.identity.did, borealis.witness.did]]), null),
    spellings: 'lines of other keys say nothing',
  }),
  textTarget({
    ...{ name: 'add-checkpoint', runs: ['core/add-checkpoint.ts parseAddCheckpoint'] },
    ...{ parse: parseAddCheckpoint, print: formatAddCheckpoint },
    corpus: [
      formatAddCheckpoint({ old: 20, proof: log.consistency(20, 42), note: NOTE }),
      formatAddCheckpoint({ old: 0, proof: [], note: NOTE }),
    ],
  }),
]

const HEAD = { index: 7, epoch: 1, node: atlas.identity.did, time: '2026-11-24T14:03:10.000Z' }
const DECISION: JsonObject = { ...canaryDecision('canary').draft, ...HEAD }
const committed = commitDraft(DECISION, ['args', 'caller'], () => new Uint8Array(SALT_BYTES))
const OUTCOME = {
  ...{ type: 'outcome', index: 3, epoch: 1, node: atlas.identity.did, time: NOW_MS },
  ...{ execution: world.mesh, outcome: 'stopped', status: -1 },
  stop: { code: 'FROZEN', detail: 'the mesh is frozen' },
} as LogRecord<'outcome'>
const LEAVES = [...RECORDS.slice(0, 2), utf8(formatJson(DECISION)), formatRecord(OUTCOME)]
const FILES = bundleOf(RECORDS)

const RECORDED: readonly Target[] = [
  target({
    ...{ name: 'record', runs: ['core/record.ts parseRecord', 'core/record.ts readRecord'] },
    ...{ parse: parseRecord, print: formatRecord, corpus: LEAVES },
  }),
  jsonTarget({
    ...{ name: 'record-committed', runs: ['core/record.ts readRecord'] },
    parse: (json) => readRecord(json as JsonObject),
    print: (record) => JSON.parse(textOf(formatRecord(record))),
    corpus: [committed.draft],
  }),
  target({
    ...{ name: 'disclosure', runs: ['core/disclosure.ts parseDisclosure'] },
    parse: (bytes) => parseDisclosure(committed.draft, bytes),
    spellings: 'the value says nothing of the salt',
    corpus: [committed.disclosure as Uint8Array],
  }),
  target({
    ...{ name: 'exhibit', runs: ['core/exhibit.ts readExhibit'], parse: readExhibit },
    ...{ spellings: 'a part that is there twice is one', corpus: [EXHIBIT] },
  }),
  target({
    ...{ name: 'entry-bundle', runs: ['core/tile.ts parseBundle'] },
    ...{ parse: parseBundle, print: formatBundle, corpus: [formatBundle(RECORDS)] },
  }),
  target({
    ...{ name: 'receipt', runs: ['core/receipt.ts parseReceipt'] },
    ...{ parse: parseReceipt, print: formatReceipt, corpus: [receiptOf(0), receiptOf(4)] },
  }),
  target({
    ...{ name: 'receipt-opened', runs: ['core/receipt.ts openReceipt'] },
    parse: (bytes) => openReceipt(parseReceipt(bytes), ORIGIN, atlas.log.did),
    spellings: 'the statements beside it say nothing of the head',
    corpus: [receiptOf(0), receiptOf(4)],
  }),
]

const PACKED: readonly Target[] = [
  target({
    ...{ name: 'manifest', runs: ['core/evidence-bundle.ts parseManifest'] },
    ...{ parse: parseManifest, print: formatManifest },
    corpus: [
      FILES.get(MANIFEST) as Uint8Array,
      formatManifest({ origin: ORIGIN, first: 256, of: { a: [1] }, files: new Map() }),
    ],
  }),
  target({
    ...{ name: 'manifest-resealed', runs: ['core/evidence-bundle.ts parseManifest'] },
    parse: (bytes) => parseManifest(resealed(bytes)),
    ...{ spellings: 'its last line is made anew', corpus: [FILES.get(MANIFEST) as Uint8Array] },
  }),
  textTarget({
    ...{ name: 'token-name', runs: ['core/evidence-bundle.ts tokenOf'], parse: tokenOf },
    ...{ print: tokenName, corpus: [tokenName(cidOf(RECORDS[0] as Uint8Array))] },
  }),
  target({
    ...{ name: 'trust', runs: ['core/verify/trust.ts parseTrust'] },
    ...{ parse: parseTrust, print: formatTrust, corpus: [TRUST_FILE] },
  }),
  target({
    ...{ name: 'tar', runs: ['core/tar.ts readTar'], parse: readTar },
    print: (entries, bytes) =>
      concat(
        ...entries.flatMap(({ name, start, size }) => [
          ...[tarHead(name, size), bytes.subarray(start, start + size), tarFill(size)],
        ]),
        tarEnd(),
      ),
    corpus: [tarOf(new Map([...FILES].slice(0, 2))), tarEnd()],
  }),
]

/** With the hash of what stands above it in the last line, so that a change reaches the lines. */
function resealed(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  const body = text.slice(0, text.lastIndexOf('# sha256'))
  const above = Uint8Array.from(body, (each) => each.charCodeAt(0))
  return concat(above, utf8(`# sha256 ${sha256Hex(above)}\n`))
}

export const LOG_TARGETS = [...NOTES, ...RECORDED, ...PACKED]
