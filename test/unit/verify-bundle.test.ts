import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tarFiles } from '../../src/cli/evidence-files.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import {
  CHECKPOINT,
  formatManifest,
  MANIFEST,
  POLICY,
  parseManifest,
  recordName,
  statementName,
  WITNESSED,
} from '../../src/core/evidence-bundle.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { isTar, isTarName, readTar } from '../../src/core/tar.ts'
import { verifyBundle } from '../../src/core/verify/evidence-bundle.ts'
import { row } from '../lab/row.ts'
import {
  bundleOf,
  filesOf,
  noteOf,
  RECORDS,
  systemRecord,
  tarOf,
  withManifest,
  world,
} from './evidence.ts'
import { ana, atlas, borealis, corvus, forked, keyOf, NOW_MS, rootOf } from './statements.ts'

const ONLY_ROOT = [world.first.bytes]
const WHOLE = bundleOf(RECORDS)
const TAR = tarOf(WHOLE)

function refused(files: ReadonlyMap<string, Uint8Array>, why: RegExp, trust = ONLY_ROOT): void {
  assert.throws(
    () => verifyBundle(filesOf(files), trust),
    (error) => error instanceof Malformed && why.test(error.message),
    String(why),
  )
}

/** With a manifest that fits: what a liar would hand out. */
function lying(change: (files: Map<string, Uint8Array>) => void): Map<string, Uint8Array> {
  return bundleOf(RECORDS, { change })
}

test('a whole log verifies down from the root, with what is witnessed and what is not', () => {
  for (const files of [filesOf(WHOLE), tarFiles(TAR)]) {
    const { head, witnessed, records, manifest } = verifyBundle(files, ONLY_ROOT)
    assert.deepEqual([head.checkpoint.size, witnessed.checkpoint.size], [6, 5])
    assert.deepEqual([records.count, records.decisions, manifest.of], [6, 0, null])
  }
})

test('logs of several tiles verify, at every kind of right edge', () => {
  for (const size of [1, 255, 256, 257, 513]) {
    const records = Array.from({ length: size + 1 }, (_, index) => systemRecord(index))
    const { records: found } = verifyBundle(filesOf(bundleOf(records)), ONLY_ROOT)
    assert.equal(found.count, size + 1)
  }
})

test('a case holds some records, and the hashes of all', () => {
  const of = { principal: keyOf('planner').did }
  const files = bundleOf(RECORDS, { of, kept: [1, 4] })
  const { records, manifest } = verifyBundle(filesOf(files), ONLY_ROOT)
  assert.deepEqual([records.count, { ...(manifest.of as object) }], [2, of])
  assert.ok([...files.keys()].every((name) => !name.startsWith('tile/entries/')))
  const swapped = new Map(files).set(recordName(1), RECORDS[2] ?? new Uint8Array())
  refused(withManifest(swapped, of), /record 1 is not the one/)
  const beyond = new Map(files).set(recordName(6), systemRecord(6))
  refused(withManifest(beyond, of), /records\/6 has no place/)
})

test('no bit of an export can be changed', (t) => {
  // Of every eleventh byte one bit; test/long does them all.
  for (let at = 0; at < TAR.length; at += 11) {
    const changed = TAR.with(at, (TAR[at] ?? 0) ^ (1 << (at % 8)))
    assert.throws(() => verifyBundle(tarFiles(changed), ONLY_ROOT), Malformed, `byte ${at}`)
  }
  row(t, 107, '100 % detected')
})

test('a half of an export is none: cut anywhere, padded, doubled', (t) => {
  for (let end = 0; end < TAR.length; end += 331)
    assert.throws(() => tarFiles(TAR.slice(0, end)), Malformed)
  for (const tail of [utf8('\0'), new Uint8Array(512), TAR])
    assert.throws(() => tarFiles(Buffer.concat([TAR, tail])), Malformed)
  row(t, 107, '100 % of cuts detected')
})

test('files that are missing, added or changed are named', () => {
  for (const name of WHOLE.keys()) {
    const without = new Map(WHOLE)
    without.delete(name)
    refused(without, new RegExp(`${name}.* is missing`))
  }
  refused(new Map(WHOLE).set('tile/0/001.p/1', new Uint8Array(32)), /not in the manifest/)
  refused(new Map(WHOLE).set(POLICY, utf8('quorum none\n')), /policy is not what the manifest says/)
})

test('whoever writes a manifest of his own changes nothing that was signed', () => {
  const [other = new Uint8Array(), root] = [systemRecord(9), rootOf({ issuedMs: NOW_MS - 1 })]
  const entries = 'tile/entries/000.p/6'
  refused(
    lying((files) => files.delete(entries)),
    /entries\/000.p\/6 is missing/,
  )
  refused(
    lying((files) => files.set(entries, (WHOLE.get(entries) ?? other).slice(0, -2))),
    /ends too early/,
  )
  refused(
    lying((files) => files.set('tile/0/000.p/6', new Uint8Array(6 * 32))),
    /tiles are not those of the checkpoint/,
  )
  refused(
    lying((files) => files.set('tile/0/001.p/1', new Uint8Array(32))),
    /has no place in this log/,
  )
  refused(
    lying((files) => files.set('notes.txt', other)),
    /notes.txt has no place/,
  )
  refused(
    lying((files) => files.set('policy', utf8('quorum none\n'))),
    /policy is not what/,
  )
  refused(
    lying((files) => files.set(statementName(root.id), root.bytes)),
    /another mesh/,
  )
  refused(
    lying((files) => files.set(statementName(root.id), world.first.bytes)),
    /holds another statement/,
  )
  refused(
    lying((files) =>
      files.set('tokens/bafyreibejocdkbqued3lfcdwqg56fusldd6i66ikoxc36futpo4ec7tfdi', other),
    ),
    /holds another token/,
  )
  const byStranger = world.member(corvus, {}, [keyOf('nobody')])
  refused(
    lying((files) => files.set(statementName(byStranger.id), byStranger.bytes)),
    /nobody in its role/,
  )
})

test('checkpoints that the log did not sign, or no quorum cosigned, prove nothing', () => {
  const note = (records: readonly Uint8Array[], ...by: (typeof atlas)[]) => noteOf(records, by)
  const witnessed = (bytes: Uint8Array) => lying((files) => files.set(WITNESSED, bytes))
  refused(witnessed(note(RECORDS.slice(0, 5), atlas)), /cosigned by 1 of 2/)
  refused(witnessed(note([...RECORDS, systemRecord(6)], atlas, borealis)), /of a longer log/)
  const other = [...RECORDS.slice(0, 4), systemRecord(7)]
  refused(witnessed(note(other, atlas, borealis)), /not those of the checkpoint over 5/)
  refused(
    lying((files) => files.set(CHECKPOINT, noteOf(RECORDS, [], ana))),
    /whose key is not known/,
  )
  refused(
    lying((files) => files.delete(WITNESSED)),
    /cosigned by 0 of 2/,
  )
})

test('evidence that a log signed two histories comes along, and a forged one refuses the bundle', () => {
  const evidence = forked(world, atlas)
  const files = lying((all) => all.set(statementName(evidence.id), evidence.bytes))
  const { authority } = verifyBundle(filesOf(files), ONLY_ROOT)
  assert.ok(authority.governance.distrusted.has(atlas.identity.did))
  const [half = '', rest = ''] = textOf(evidence.bytes).split('"signatures"')
  const signed = utf8(`${half}"signatures"${rest.replace('[]', '[{"keyid":"x","sig":"AA=="}]')}`)
  refused(
    lying((all) => all.set(statementName(evidence.id), signed)),
    /./,
  )
})

test('a manifest reads as it was printed, for sha256sum too', () => {
  const name = fc.stringMatching(/^[a-z]{1,8}\/[0-9]{1,4}$/)
  const hash = fc.stringMatching(/^[0-9a-f]{64}$/)
  fc.assert(
    fc.property(fc.dictionary(name, hash, { maxKeys: 9 }), fc.nat(), (files, first) => {
      const manifest = {
        origin: 'a/b',
        first,
        of: { x: 1 },
        files: new Map(Object.entries(files).sort()),
      }
      assert.deepEqual(parseManifest(formatManifest(manifest)), {
        ...manifest,
        of: Object.assign(Object.create(null), manifest.of),
      })
    }),
  )
  for (const line of textOf(WHOLE.get(MANIFEST) ?? new Uint8Array())
    .trim()
    .split('\n'))
    assert.match(line, /^(?:# .*|[0-9a-f]{64} {2}[^ ]+)$/)
})

test('a tar is its files and nothing else', () => {
  assert.ok(isTar(TAR))
  assert.deepEqual(
    readTar(TAR).map(({ name }) => name),
    [...WHOLE.keys()],
  )
  const names = ['a', 'tile/0/000.p/6', 'checkpoint.witnessed']
  for (const good of names) assert.ok(isTarName(good))
  for (const bad of ['', '/etc/passwd', '../up', 'a/../b', './a', 'a//b', 'a/', 'ä', 'a b', '.git'])
    assert.ok(!isTarName(bad), bad)
  assert.ok(!isTarName('a'.repeat(100)))
  const linked = TAR.with(156, 0x32)
  assert.throws(() => readTar(linked), /not as meshd writes it/)
  const twice = Buffer.concat([TAR.subarray(0, -1024), TAR])
  assert.throws(() => readTar(twice), /twice/)
})
