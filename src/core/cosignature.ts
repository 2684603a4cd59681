/**
 * Cosignatures: a witness checked that a checkpoint continues the last one it
 * saw of that log, and says so with its time (C2SP tlog-cosignature,
 * cosignature/v1). A line more on the checkpoint's note:
 *
 *   — z6MkqT… <base64(key id ‖ time in s, 8 bytes, big-endian ‖ 64 bytes)>
 *
 *   cosignature/v1                           what is signed
 *   time 1764000190
 *   meshd/9f86d081884c7d65/z6Mkh…/1          the body, to its last line feed
 *   42
 *   47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
 *
 * The name is the witness's node, without `did:key:`. It is not signed, so it
 * says nothing: the key does. Each key counts once, and a log key never.
 */
import { assert } from './assert.ts'
import { concat, equalBytes, utf8 } from './bytes.ts'
import type { Governance } from './governance.ts'
import { type Did, type Signer, verifySignature } from './keys.ts'
import { TIME_S_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import {
  formatNoteLine,
  noteBody,
  noteKeyId,
  parseNoteLine,
  splitNote,
  TYPE_COSIGNATURE,
  vkey,
} from './note.ts'

export interface Cosignature {
  /** The node, by its principal. */
  readonly witness: Did
  /** By the witness's clock, whole seconds. */
  readonly timeMs: number
}

/** Of each witness, by its node's principal, the key it cosigns with. */
export type WitnessKeys = ReadonlyMap<Did, Did>

const TIME_BYTES = 8
const HEAD = 'did:key:'

/** The name on the lines of a node's cosignatures. */
export function witnessName(node: Did): string {
  return node.slice(HEAD.length)
}

/** The text of a witness's key for other programs. */
export function witnessVkey(node: Did, key: Did): string {
  return vkey(witnessName(node), key, TYPE_COSIGNATURE)
}

/**
 * The line that a witness adds, with its line feed. That the checkpoint
 * continues what the witness saw, and is durable with it, is the caller's word.
 * @param note a signed checkpoint that was verified
 */
export function cosign(note: string, timeMs: number, node: Did, key: Signer): string {
  const timeS = Math.floor(timeMs / 1000)
  assert(isTime(timeS), 'a cosignature has a time')
  const name = witnessName(node)
  const signature = key.sign(signedBytes(noteBody(note), timeS))
  const keyId = noteKeyId({ name, did: key.did }, TYPE_COSIGNATURE)
  return formatNoteLine({ name, keyId, signature: concat(timeBytes(timeS), signature) })
}

/** The note with these lines, each once, in one order: whoever adds the same ones has the same note. */
export function withCosignatures(note: string, lines: readonly string[]): string {
  return note + [...new Set(lines)].sort().join('')
}

/**
 * Which of these witnesses cosigned the note, each once, with the latest time
 * it gave. Lines of other keys and other types say nothing.
 *
 * @param logKey signs the log: it is nobody's witness, whatever a membership says; null for none
 * @throws Malformed for what is no note, and when a line of one of these witnesses does not hold
 */
export function cosignaturesOf(
  note: string,
  witnesses: WitnessKeys,
  logKey: Did | null,
): readonly Cosignature[] {
  const { body, lines } = splitNote(note)
  const known = knownKeys(witnesses, logKey)
  // By key: one that two memberships name is one witness.
  const found = new Map<Did, Cosignature>()
  for (const { name, keyId, signature } of lines) {
    const signer = known.find((k) => k.name === name && equalBytes(k.keyId, keyId))
    if (signer === undefined) continue
    const timeS = timeOf(signature)
    const signed = timeS !== null && isTime(timeS) && signedBytes(body, timeS)
    // A known key that fails rejects the note, and not just the line (signed-note, "Verifying").
    if (!signed || !verifySignature(signer.key, signed, signature.subarray(TIME_BYTES)))
      throw new Malformed('a cosignature of a note does not hold')
    const timeMs = timeS * 1000
    const before = found.get(signer.key)?.timeMs ?? 0
    if (timeMs > before) found.set(signer.key, { witness: signer.witness, timeMs })
  }
  return [...found.values()]
}

/** Whether the line is a cosignature of this note by that witness; false for whatever a peer may send. */
export function verifyCosignature(
  note: string,
  line: string,
  witness: { readonly node: Did; readonly key: Did },
): boolean {
  try {
    const lines = `${splitNote(note).body}\n${line}`
    if (parseNoteLine(line.slice(0, -1)).name !== witnessName(witness.node)) return false
    return cosignaturesOf(lines, new Map([[witness.node, witness.key]]), null).length === 1
  } catch (error) {
    // Whatever is wrong with it, this witness cosigned nothing here.
    if (error instanceof Malformed) return false
    throw error
  }
}

/** The keys of the newest root's witnesses, as their memberships name them; none of a node that equivocated (S4). */
export function witnessKeysOf({
  root,
  members,
  distrusted,
}: Pick<Governance, 'root' | 'members' | 'distrusted'>): WitnessKeys {
  const keys = new Map<Did, Did>()
  for (const node of root?.witnesses ?? []) {
    const key = members.get(node)?.witness
    if (key !== undefined && !distrusted.has(node)) keys.set(node, key)
  }
  return keys
}

/** Whether these are a quorum: `write` of the newest root's witnesses (design 5). */
export function witnessed(
  cosignatures: readonly Cosignature[],
  { root }: Pick<Governance, 'root'>,
): boolean {
  return root !== null && cosignatures.length >= root.lease.write
}

function knownKeys(witnesses: WitnessKeys, logKey: Did | null) {
  const known = []
  for (const [witness, key] of witnesses) {
    if (key === logKey) continue
    const name = witnessName(witness)
    known.push({ witness, key, name, keyId: noteKeyId({ name, did: key }, TYPE_COSIGNATURE) })
  }
  return known
}

function signedBytes(body: string, timeS: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeS}\n${body}`)
}

function timeBytes(timeS: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES)
  for (let [at, rest] = [TIME_BYTES - 1, timeS]; rest > 0; at -= 1) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}

/** null when it is too short; a time beyond what a number holds exactly is beyond TIME_S_MAX too. */
function timeOf(signature: Uint8Array): number | null {
  if (signature.length <= TIME_BYTES) return null
  const view = new DataView(signature.buffer, signature.byteOffset, TIME_BYTES)
  return Number(view.getBigUint64(0))
}

function isTime(timeS: number): boolean {
  return timeS > 0 && timeS <= TIME_S_MAX
}
