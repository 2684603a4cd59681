/**
 * What a simulated disk holds of logs: a node's own, as the history has it, and the heads of its peers.
 * Of what a flipped bit damaged, what was written: a leaf keeps its hash, and what is done with the damage is for S6.
 */
import { textOf, toHex } from '../../src/core/bytes.ts'
import { parseCheckpoint } from '../../src/core/checkpoint.ts'
import type { RecordId } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { Memo } from '../../src/core/memo.ts'
import { openNote, splitNote } from '../../src/core/note.ts'
import type { Disk } from './disk.ts'
import { idIn, shadowOf } from './disk-state.ts'
import type { HeadOf, Leaves } from './history.ts'

interface Record {
  readonly bytes: Uint8Array
  readonly was?: Uint8Array
}

/** The whole log. */
export function logOf({ state: { epoch, records } }: Disk): Leaves {
  const ids = records.map((record) => readOf(record).id)
  return { epoch, first: 0, ids, outcomes: outcomesIn(records) }
}

/** The executions whose end these records tell. */
export function outcomesIn(records: readonly Record[]): readonly RecordId[] {
  return records.map((record) => readOf(record).ended).filter((each) => each !== null)
}

/** The heads of peers. */
export function witnessedOn({ state }: Disk): { readonly of: Did; readonly head: HeadOf }[] {
  return [...state.kept].flatMap(([name, value]) => {
    const [space, did] = name.split('/')
    return space === 'witness' ? [{ of: did as Did, head: headOf(textOf(shadowOf(value))) }] : []
  })
}

interface Read {
  readonly id: RecordId
  /** The execution whose outcome it is. */
  readonly ended: RecordId | null
}

const reads = new WeakMap<Record, Read>()

function readOf(record: Record): Read {
  const known = reads.get(record)
  if (known !== undefined) return known
  const bytes = record.was ?? record.bytes
  // Most are no outcomes, and need not be parsed to see it.
  const outcome = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(OUTCOME)
  const read = { id: idIn(record), ended: outcome ? endedBy(bytes) : null }
  reads.set(record, read)
  return read
}

const OUTCOME = '"type":"outcome"'

function endedBy(bytes: Uint8Array): RecordId | null {
  const record = JSON.parse(textOf(bytes))
  return record.type === 'outcome' ? record.execution : null
}

const heads = new Memo<string, HeadOf>(1_000)

export function headOf(note: string): HeadOf {
  const known = heads.get(note) ?? readHead(note)
  heads.set(note, known)
  return known
}

function readHead(note: string): HeadOf {
  const { origin, size, rootHash } = parseCheckpoint(openNote(note, []).body)
  return { epoch: Number(origin.split('/').at(-1)), size, root: toHex(rootHash) }
}

/** By the names on the lines: all but the log's own. */
export function witnessesOn(note: string): string[] {
  const { lines } = splitNote(note)
  return lines.filter(({ name }) => name.startsWith('z6Mk')).map(({ name }) => `did:key:${name}`)
}
