import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin } from '../../src/core/checkpoint.ts'
import { cosign } from '../../src/core/cosignature.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { leafHash } from '../../src/core/merkle.ts'
import { proveInclusion } from '../../src/core/proof.ts'
import { verifyReceipt } from '../../src/core/verify/receipt.ts'
import { parseTrust } from '../../src/core/verify/trust.ts'
import { noteOf, RECORDS, receiptOf, systemRecord, TRUST, TRUST_FILE, world } from './evidence.ts'
import { nodesOf } from './merkle-model.ts'
import {
  ana,
  atlas,
  borealis,
  corvus,
  cy,
  DAY_MS,
  keyOf,
  NOW_MS,
  nextRoot,
  nodeOf,
  rootOf,
  World,
} from './statements.ts'

const GOOD = receiptOf(4)
const ONLY_ROOT = [world.first.bytes]

function refused(bytes: Uint8Array, why: RegExp, trust = TRUST): void {
  assert.throws(
    () => verifyReceipt(bytes, trust),
    (error) => error instanceof Malformed && why.test(error.message),
  )
}

test('a receipt proves its record to whoever has the root alone: the memberships are in it', () => {
  for (const trust of [TRUST, ONLY_ROOT]) {
    const { head, record, index } = verifyReceipt(GOOD, trust)
    assert.deepEqual([head.node, head.epoch, index], [atlas.identity.did, 1, 4])
    assert.equal(record.type, 'system')
    assert.deepEqual(
      head.cosignatures.map(({ witness }) => witness),
      [atlas.identity.did, borealis.identity.did],
    )
  }
})

test('a trust root reads as it was printed, and nothing else is one', () => {
  assert.deepEqual(parseTrust(TRUST_FILE), TRUST)
  const text = textOf(TRUST_FILE)
  for (const wrong of [text.trim(), `${text}\n`, text.replace('v1', 'v2'), '{}\n', '\n'])
    assert.throws(() => parseTrust(utf8(wrong)), Malformed)
})

test('no bit of a receipt can be changed', () => {
  // Of every seventh byte one bit: all of them take half a minute.
  for (let bit = 0; bit < GOOD.length * 8; bit += 57) {
    const changed = GOOD.with(bit >> 3, (GOOD[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
    assert.throws(() => verifyReceipt(changed, ONLY_ROOT), Malformed, `bit ${bit}`)
  }
})

test('the root of another mesh trusts nothing of it', () => {
  const other = rootOf({ issuedMs: NOW_MS - DAY_MS })
  refused(GOOD, /belongs to another mesh/, [other.bytes])
  const theirs = new World(other)
  refused(receiptOf(4, { statements: [] }), /another mesh/, [
    other.bytes,
    theirs.member(atlas).bytes,
  ])
})

test('too few witnesses, forged ones, one twice, and the log itself are no quorum', () => {
  const note = noteOf(RECORDS, [atlas])
  const line = (of: typeof atlas, key = of.witness) =>
    cosign(textOf(note), NOW_MS, of.identity.did, key)
  const withLines = (...lines: string[]) =>
    receiptOf(4, { checkpoint: utf8(textOf(note) + lines.join('')) })
  refused(withLines(), /cosigned by 1 of 2 witnesses, and 2 are needed/)
  refused(withLines(line(atlas)), /signed twice/)
  refused(withLines(line(borealis, ana)), /whose key is not known/)
  refused(withLines(line(borealis, atlas.log)), /whose key is not known/)
  refused(withLines(line(corvus)), /whose key is not known/)
  const forged = line(borealis).replace(/.{8}==\n$/, 'AAAAAAAA==\n')
  refused(withLines(forged), /does not hold/)
  const eclipsed = line(borealis).replace('\u2014 ', '\u2014 x')
  refused(withLines(eclipsed), /not known/)
})

test('a line of a type that is not known says nothing, and spoils nothing', () => {
  const pq = `\u2014 someone ${Buffer.alloc(2424, 7).toString('base64')}\n`
  const checkpoint = utf8(textOf(noteOf(RECORDS)) + pq)
  assert.ok(verifyReceipt(receiptOf(4, { checkpoint }), ONLY_ROOT).head.witnessed)
})

test('another record, tree, place, signer or origin: nothing is proven', () => {
  refused(receiptOf(4, { index: 3 }), /not in the tree/)
  refused(receiptOf(4, { record: systemRecord(3) }), /not in the tree/)
  refused(receiptOf(4, { checkpoint: noteOf(RECORDS.slice(0, 5)) }), /not in the tree/)
  refused(receiptOf(4, { checkpoint: noteOf(RECORDS, [atlas, borealis], ana) }), /not known/)
  const elsewhere = RECORDS.with(4, systemRecord(9))
  const moved = {
    record: systemRecord(9),
    proof: proveInclusion(4, 6, nodesOf(elsewhere.map(leafHash))),
    checkpoint: noteOf(elsewhere),
  }
  refused(receiptOf(4, moved), /stands elsewhere/)
  const stranger = logOrigin(world.mesh, corvus.identity.did, 1)
  const foreign = noteOf(RECORDS, [atlas, borealis], corvus.log, stranger)
  refused(receiptOf(4, { checkpoint: foreign }), /is no member/)
})

test('statements that nobody in role signed, or that carry a bad signature, refuse the receipt', () => {
  const byStranger = world.member(corvus, {}, [keyOf('nobody')])
  refused(
    receiptOf(4, { statements: [...TRUST, byStranger.bytes] }),
    /signed by nobody in its role/,
  )
  const doubled = world.member(atlas, { version: 2 }, [ana, keyOf('nobody')])
  refused(receiptOf(4, { statements: [...TRUST, doubled.bytes] }), /does not count/)
  const early = world.member(corvus, {}, [ana], 2)
  refused(receiptOf(4, { statements: [...TRUST, early.bytes] }), /a root that is not known/)
})

test('a new root is followed by its signatures, with the witnesses it names', () => {
  const third = world.member(corvus)
  const second = nextRoot(world.first, {
    witnesses: [atlas, borealis, corvus].map(({ identity }) => identity.did),
    lease: { read: 2, write: 2, faults: 0, stalenessMs: 60_000, skewMs: 2_000 },
  })
  const statements = [second.bytes, third.bytes, ...TRUST]
  const checkpoint = noteOf(RECORDS, [borealis, corvus])
  const { head } = verifyReceipt(receiptOf(4, { statements, checkpoint }), ONLY_ROOT)
  assert.equal(head.under.version, 2)
  // The chain in a trust root is followed too, and a forged one is not.
  assert.ok(
    verifyReceipt(receiptOf(4, { statements, checkpoint }), [
      ...ONLY_ROOT,
      second.bytes,
      third.bytes,
    ]),
  )
  const forged = nextRoot(world.first, {}, [cy])
  refused(GOOD, /do not follow each other/, [...ONLY_ROOT, forged.bytes])
  refused(GOOD, /version 1/, [second.bytes])
})

test('what former witnesses and a retired log key signed holds, and is told apart', () => {
  const rekeyed = { ...atlas, log: nodeOf('atlas anew').log }
  const newer = world.member(rekeyed, { version: 2 })
  const statements = [...TRUST, newer.bytes]
  const { head } = verifyReceipt(receiptOf(4, { statements }), ONLY_ROOT)
  assert.ok(head.keyRetired)
  const alone = nextRoot(world.first, {
    witnesses: [borealis.identity.did],
    lease: { read: 1, write: 1, faults: 0, stalenessMs: 60_000, skewMs: 2_000 },
  })
  const old = noteOf(RECORDS, [atlas, borealis])
  const under = (note: Uint8Array) =>
    verifyReceipt(
      receiptOf(4, { statements: [...TRUST, alone.bytes], checkpoint: note }),
      ONLY_ROOT,
    ).head.under.version
  assert.equal(under(old), 2)
  assert.equal(under(noteOf(RECORDS, [borealis])), 2)
  refused(
    receiptOf(4, { statements: [...TRUST, alone.bytes], checkpoint: noteOf(RECORDS, [atlas]) }),
    /cosigned by 0 of 1/,
  )
})
