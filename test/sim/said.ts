/** What nodes sign, as they printed it: the product has read it strictly, and here it is not judged. */
import { textOf } from '../../src/core/bytes.ts'

export interface Said {
  readonly digest: string
  readonly root: number
  readonly checked: boolean
  readonly opened: number
  readonly checkpoint: string | null
  readonly time: string
}

export function saidIn(bytes: Uint8Array, name: 'answer' | 'announcement'): Said {
  return JSON.parse(textOf(bytes))[name]
}

/** null where a hostile peer answered what nobody can read. */
export function answerIn(bytes: Uint8Array): Said | null {
  try {
    return saidIn(bytes, 'answer') ?? null
  } catch {
    return null
  }
}
