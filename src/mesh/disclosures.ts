/** What records of this node's log commit to, as far as it is still disclosed here: each value checked against its record. */
import {
  committedIn,
  type Disclosed,
  NOTHING_DISCLOSED,
  parseDisclosure,
} from '../core/disclosure.ts'
import { readExhibit } from '../core/exhibit.ts'
import type { JsonObject } from '../core/json.ts'
import { Malformed } from '../core/malformed.ts'
import type { LogReader } from './log-reader.ts'

/** @param leaf of a record of this log */
export async function disclosedOf(
  reader: Pick<LogReader, 'exhibits'>,
  leaf: JsonObject,
): Promise<Disclosed> {
  if (committedIn(leaf).length === 0) return NOTHING_DISCLOSED
  const [exhibit] = await reader.exhibits(Number(leaf['index']), 1)
  return exhibit == null ? NOTHING_DISCLOSED : disclosedIn(leaf, exhibit)
}

function disclosedIn(leaf: JsonObject, exhibit: Uint8Array): Disclosed {
  try {
    const disclosure = readExhibit(exhibit).get('disclosure')
    return disclosure === undefined ? NOTHING_DISCLOSED : parseDisclosure(leaf, disclosure)
  } catch (error) {
    // What the disk changed is not what was recorded: it is shown to nobody, like what was given up.
    if (error instanceof Malformed) return NOTHING_DISCLOSED
    throw error
  }
}
