/**
 * Proof that a log has two histories: two checkpoints that its key signed and
 * that cannot both be true (design 5; FACTS 11).
 *
 *   {"first":"meshd/9f86…/z6Mkh…/1\n7\nW1yD…\n\n— meshd/… …\n","log":"did:key:z6Mk…",
 *    "mesh":"sha256:…","node":"did:key:z6Mk…","proof":["5c1e…"],
 *    "second":"meshd/9f86…/z6Mkh…/1\n9\nvLx0…\n\n— meshd/… …\n"}
 *
 *   7  W1yD…                two root hashes of one size: no proof
 *   7  vLx0…
 *
 *   7  W1yD… ── not ── 5c1e…, what the proof leads to at 7
 *   9  vLx0… ──────── vLx0…, what it leads to at 9
 *
 * The proof is a whole one (core/proof.ts): the ordinary one takes the old root
 * from the checkpoint where its size is a power of two, and would show nothing.
 * It reaches the newer root, so it is of that log; a proof that fails is no
 * evidence, it may be damaged (FACTS 11).
 *
 * Nobody's word is in it: no time, no root version, no signature but the log
 * key's. Whoever meets the same two checkpoints makes the same statement.
 */
import { equalBytes, fromHex, toHex } from '../bytes.ts'
import {
  type Checkpoint,
  epochOf,
  logOrigin,
  openCheckpoint,
  readCheckpoint,
} from '../checkpoint.ts'
import type { StatementId } from '../id.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Did } from '../keys.ts'
import { CHECKPOINT_BYTES_MAX, WHOLE_PROOF_HASHES_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import type { Hash } from '../merkle.ts'
import { bareNote } from '../note.ts'
import { rootsOfProof } from '../proof.ts'
import { did, hash, id as idReader, list, object, text } from '../shape.ts'

export interface Evidence {
  readonly type: 'evidence'
  readonly id: StatementId
  readonly mesh: StatementId
  /** Whose log it is. */
  readonly node: Did
  /** The key that signed both. */
  readonly log: Did
  /** The name of the log; of one log one statement counts. */
  readonly origin: string
  readonly epoch: number
  /** The smaller one, a signed note; of one size the one whose text is smaller. */
  readonly first: string
  readonly second: string
  readonly firstSize: number
  readonly secondSize: number
  /** 64 hex digits each. */
  readonly proof: readonly string[]
}

const fields = object({
  mesh: idReader,
  node: did,
  log: did,
  first: text(CHECKPOINT_BYTES_MAX),
  second: text(CHECKPOINT_BYTES_MAX),
  proof: list(hash, WHOLE_PROOF_HASHES_MAX),
})

/** Checks everything but the two signatures, for which see signedByLog. @throws Malformed */
export function readEvidence(of: StatementId, json: Json): Evidence {
  const { mesh, node, log, first, second, proof } = fields(json, 'evidence')
  const epoch = epochOf(first)
  if (epoch === null) throw new Malformed('evidence is about a log')
  const origin = logOrigin(mesh, node, epoch)
  const [one, other] = [first, second].map((note) => checkpointIn(note, origin, log))
  if (one === undefined || other === undefined) throw new Malformed('evidence is of two')
  const ordered = one.size === other.size ? first < second : one.size < other.size
  if (!ordered) throw new Malformed('the smaller checkpoint of evidence stands first')
  if (!contradict(one, other, proof.map(fromHex)))
    throw new Malformed('the checkpoints of evidence do not contradict each other')
  const [firstSize, secondSize] = [one.size, other.size]
  const whose = { mesh, node, log, origin, epoch }
  return { type: 'evidence', id: of, ...whose, first, second, firstSize, secondSize, proof }
}

export function evidenceJson(draft: Omit<Evidence, 'id'>): JsonObject {
  const { mesh, node, log, first, second, proof } = draft
  return { mesh, node, log, first, second, proof }
}

/**
 * What two checkpoints of one log prove, with the proof between their sizes;
 * null when that is nothing. Who co-signed them does not matter.
 */
export function draftEvidence(
  whose: Pick<Evidence, 'mesh' | 'node' | 'log' | 'epoch'>,
  notes: readonly [string, string],
  proof: readonly Hash[],
): Omit<Evidence, 'id'> | null {
  const { mesh, node, log, epoch } = whose
  const origin = logOrigin(mesh, node, epoch)
  const [a, b] = notes.map((note) => {
    const bare = bareNote(note, { name: origin, did: log })
    const checkpoint = bare === null ? null : openCheckpoint(bare, origin, log)
    return bare === null || checkpoint === null ? null : { note: bare, ...checkpoint }
  })
  if (a == null || b == null) return null
  const ordered = a.size === b.size ? a.note < b.note : a.size < b.size
  const [one, other] = ordered ? [a, b] : [b, a]
  if (!contradict(one, other, proof)) return null
  const sizes = { firstSize: one.size, secondSize: other.size }
  const said = { first: one.note, second: other.note, ...sizes, proof: proof.map(toHex) }
  return { type: 'evidence', ...{ mesh, node, log, epoch, origin }, ...said }
}

/** Whether the log key signed both: the rest was read. */
export function signedByLog({ first, second, origin, log }: Evidence): boolean {
  return [first, second].every((note) => openCheckpoint(note, origin, log) !== null)
}

/** With one signature, by that key: else one checkpoint would make as many statements as it has cosigners. */
function checkpointIn(note: string, origin: string, log: Did): Checkpoint {
  if (bareNote(note, { name: origin, did: log }) !== note)
    throw new Malformed('a checkpoint of evidence bears the signature of the log key alone')
  const checkpoint = readCheckpoint(note)
  if (checkpoint.origin !== origin) throw new Malformed('both checkpoints are of one log')
  return checkpoint
}

function contradict(one: Checkpoint, other: Checkpoint, proof: readonly Hash[]): boolean {
  if (one.size === other.size)
    return proof.length === 0 && !equalBytes(one.rootHash, other.rootHash)
  const roots = rootsOfProof(one.size, other.size, proof)
  if (roots === null || !equalBytes(roots.new, other.rootHash)) return false
  return !equalBytes(roots.old, one.rootHash)
}
