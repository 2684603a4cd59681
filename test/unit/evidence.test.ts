/** Evidence: what two signed heads prove, and what they do not (S4, rows 135 and 136). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, toHex, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { parseEnvelope } from '../../src/core/dsse.ts'
import { idOf } from '../../src/core/id.ts'
import { formatJson, type JsonObject, parseJson } from '../../src/core/json.ts'
import { LOG_RECORDS_MAX, STATEMENT_BYTES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { type Hash, nodeHash } from '../../src/core/merkle.ts'
import {
  proveConsistency,
  proveInclusion,
  proveWhole,
  rootsOfProof,
  verifyConsistency,
  wholeProof,
} from '../../src/core/proof.ts'
import { draftEvidence, type Evidence, signedByLog } from '../../src/core/statement/evidence.ts'
import { formatStatement, parseStatement } from '../../src/core/statement/statement.ts'
import { row } from '../lab/row.ts'
import { leavesOf, mth, nodesOf } from './merkle-model.ts'
import { atlas, borealis, evidenceOf, forked, keyOf, TestLog, World } from './statements.ts'

const world = new World()
const { mesh } = world
const whose = { mesh, node: atlas.identity.did, log: atlas.log.did, epoch: 1 }
const honest = new TestLog(mesh, atlas)
/** It has another leaf 0. */
const other = new TestLog(mesh, atlas, 1)
const draft = (notes: readonly [string, string], proof: readonly Hash[] = []) =>
  draftEvidence(whose, notes, proof)

const size = fc.integer({ min: 1, max: 40 })

test('two root hashes of one size are evidence, whichever is given first', () => {
  const made = forked(world, atlas)
  const { first, second } = made.statement
  assert.ok(signedByLog(made.statement))
  assert.ok(first < second)
  assert.deepEqual(evidenceOf(world, atlas, [second, first]).bytes, made.bytes)
  assert.deepEqual(parseEnvelope(made.bytes), made.envelope)
})

test('a smaller head and a proof that leads elsewhere at its size are evidence, powers of two too', () => {
  fc.assert(
    fc.property(size, size, (a, b) => {
      fc.pre(a !== b)
      const [m, n] = [Math.min(a, b), Math.max(a, b)]
      const made = evidenceOf(
        world,
        atlas,
        [honest.note(m), other.note(n)],
        other.proof(m, n),
      ).statement
      assert.deepEqual([made.firstSize, made.secondSize], [m, n])
      assert.ok(signedByLog(made))
      // What the RFC sends shows nothing where it leaves the old root to the checkpoint.
      const read = nodesOf(leavesOf(n))
      const left = proveConsistency(m, n, read)
      if (Number.isInteger(Math.log2(m)))
        assert.equal(draft([honest.note(m), other.note(n)], other.proof(m, n).slice(1)), null)
      else assert.equal(left.length, other.proof(m, n).length)
    }),
    { numRuns: 60 },
  )
})

test('no two heads of one growing log are evidence, with any proof', (t) => {
  const hashes = leavesOf(80)
  const hash = fc.oneof(
    fc.constantFrom(...hashes, ...hashes.slice(1).map((leaf) => nodeHash(leaf, leaf))),
    fc.tuple(size, size).map(([a, b]) => mth(hashes.slice(0, Math.max(a, b)))),
  )
  const proofs = fc.oneof(
    fc.constant(null),
    fc.array(hash, { maxLength: 8 }),
    fc.record({ at: fc.nat(8), hash }),
    fc.record({ at: fc.nat(8), hash: fc.constant(null) }),
  )
  fc.assert(
    fc.property(size, size, proofs, (a, b, how) => {
      const [m, n] = [Math.min(a, b), Math.max(a, b)]
      const good = m === n ? [] : honest.proof(m, n)
      const proof =
        how === null
          ? good
          : Array.isArray(how)
            ? how
            : how.hash === null
              ? good.toSpliced(how.at, 1)
              : good.toSpliced(how.at, 1, how.hash)
      assert.equal(draft([honest.note(a), honest.note(b)], proof), null)
    }),
    { numRuns: 300 },
  )
  row(t, 135, '0 of the pairs of one growing log are evidence')
  row(t, 136, '0 framed')
})

test('a proof that fails is no evidence: cut, lengthened, of another log, or reaching another head', (t) => {
  const [m, n] = [11, 29]
  const notes = [honest.note(m), other.note(n)] as const
  const proof = other.proof(m, n)
  assert.notEqual(draft(notes, proof), null)
  for (let at = 0; at < proof.length; at++) {
    assert.equal(draft(notes, proof.toSpliced(at, 1)), null)
    assert.equal(draft(notes, proof.toSpliced(at, 0, proof[at] as Hash)), null)
    const hash = proof[at] as Hash
    assert.equal(draft(notes, proof.with(at, hash.with(0, (hash[0] ?? 0) ^ 1))), null)
  }
  assert.equal(draft(notes, []), null)
  assert.equal(draft(notes, honest.proof(m, n)), null)
  // An old log that the new one does continue.
  assert.equal(draft([other.note(m), other.note(n)], proof), null)
  row(t, 135, '0 framed')
})

test('heads of two logs, of a stranger, or not signed by the log key prove nothing', (t) => {
  const at = (log: TestLog) => log.note(7)
  const foreign = new World().member(atlas).id
  for (const [a, b] of [
    [at(honest), new TestLog(foreign, atlas, 1).note(7)],
    [at(honest), new TestLog(mesh, atlas, 1, 2).note(7)],
    [at(honest), new TestLog(mesh, borealis, 1).note(7)],
    [at(honest), new TestLog(mesh, { ...atlas, log: keyOf('a thief') }, 1).note(7)],
    [at(honest), at(honest)],
    [at(honest), at(other).replace('\n7\n', '\n8\n')],
  ] as const)
    assert.equal(draft([a, b]), null)
  row(t, 135, 'other logs, strangers, other keys: 0 framed')
})

test('cosigners do not change what is proven: their lines are left out, and refused', () => {
  const made = forked(world, atlas).statement
  const cosigned = `${made.first}— ${'borealis'} ${'AAAA'.repeat(20)}\n`
  assert.deepEqual(draft([cosigned, made.second]), draft([made.first, made.second]))
  refused(made, { first: cosigned })
})

const fieldsOf = (evidence: Evidence): JsonObject =>
  parseJson(formatStatement(evidence), STATEMENT_BYTES_MAX) as JsonObject

/** As it would be admitted: read, and signed by the log key. */
function stands(json: JsonObject): boolean {
  try {
    const read = parseStatement('evidence', utf8(formatJson(json)))
    return read.type === 'evidence' && read.mesh === mesh && signedByLog(read)
  } catch (error) {
    assert.ok(error instanceof Malformed)
    return false
  }
}

function refused(made: Evidence, changes: JsonObject): void {
  assert.ok(!stands({ ...fieldsOf(made), ...changes }), formatJson(changes))
}

test('every field changed is refused: whose it is, the heads, their order, the proof', () => {
  const proof = other.proof(11, 29)
  const made = evidenceOf(world, atlas, [honest.note(11), other.note(29)], proof).statement
  assert.ok(stands(fieldsOf(made)))
  const hex = proof.map(toHex)
  for (const changes of [
    { mesh: idOf(utf8('another mesh')) },
    { node: borealis.identity.did },
    { log: borealis.log.did },
    { first: made.second, second: made.first },
    { first: honest.note(12) },
    { second: other.note(28) },
    { second: honest.note(29) },
    { proof: [] },
    { proof: hex.slice(1) },
    { proof: hex.toReversed() },
    { proof: [...hex, hex[0] as string] },
    { proof: new Array(65).fill(hex[0]) as string[] },
    { epoch: 1 },
  ])
    refused(made, changes)
  // Of one size, only in one order, and without a proof.
  const equal = forked(world, atlas).statement
  refused(equal, { first: equal.second, second: equal.first })
  refused(equal, { proof: hex })
  refused(equal, { second: equal.first })
})

test('one flipped bit anywhere in the heads or the proof is refused', (t) => {
  const made = evidenceOf(
    world,
    atlas,
    [honest.note(5), other.note(6)],
    other.proof(5, 6),
  ).statement
  const payload = formatStatement(made)
  for (let bit = 0; bit < payload.length * 8; bit += 7) {
    const at = bit >> 3
    const flipped = payload.with(at, (payload[at] ?? 0) ^ (1 << (bit & 7)))
    const json = readJson(flipped)
    // The origin names the mesh by its first digits; the set takes no other mesh.
    if (json !== null) assert.ok(!stands(json), `bit ${bit}: ${textOf(flipped)}`)
  }
  row(t, 135, '0 accepted')
})

function readJson(bytes: Uint8Array): JsonObject | null {
  try {
    return parseJson(bytes, STATEMENT_BYTES_MAX) as JsonObject
  } catch (error) {
    assert.ok(error instanceof Malformed)
    return null
  }
}

test('a whole proof leads to both roots, and absurd sizes lead nowhere', () => {
  for (let n = 2; n <= 40; n++) {
    const read = nodesOf(leavesOf(n))
    for (let m = 1; m < n; m++) {
      const proof = new TestLog(mesh, atlas).proof(m, n)
      const log = (size: number) => honest.note(size).split('\n')[2]
      const roots = rootsOfProof(m, n, proof)
      assert.ok(roots !== null)
      assert.equal(Buffer.from(roots.old).toString('base64'), log(m))
      assert.equal(Buffer.from(roots.new).toString('base64'), log(n))
      const sent = proveConsistency(m, n, read)
      assert.ok(
        verifyConsistency(m, mth(leavesOf(m)), n, mth(leavesOf(n)), sent),
        'the other is still what the RFC says',
      )
    }
  }
  const hash = mth(leavesOf(1))
  for (const [m, n] of [
    [0, 5],
    [5, 5],
    [6, 5],
    [-1, 5],
    [1.5, 5],
    [1, LOG_RECORDS_MAX + 1],
    [Number.NaN, 5],
  ] as const)
    assert.equal(rootsOfProof(m, n, [hash, hash]), null)
})

test('a whole proof is made of what any log gives: its consistency proof, and the path of record m', () => {
  for (let n = 2; n <= 64; n++) {
    const read = nodesOf(leavesOf(n))
    for (let m = 1; m < n; m++) {
      const parts = [proveConsistency(m, n, read), proveInclusion(m, n, read)] as const
      assert.deepEqual(wholeProof(m, ...parts), proveWhole(m, n, read), `${m} to ${n}`)
    }
  }
  assert.deepEqual(wholeProof(4, [], []), [])
})

test('an empty log proves nothing against a longer one', () => {
  const origin = logOrigin(mesh, atlas.identity.did, 1)
  const empty = textOf(signCheckpoint({ origin, size: 0, rootHash: mth(leavesOf(1)) }, atlas.log))
  assert.equal(draft([empty, honest.note(3)], honest.proof(1, 3)), null)
})
