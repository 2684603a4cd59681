/**
 * What a token says beside its authority, signed with it:
 *
 *   {"once": true, "depth": 2, "gov": {"ticket": "CHG-790"}, "by": {"person": "alice"}}
 *
 * `once` and `depth` are enforced; `gov` and `by` are shown and recorded, no more.
 */
import type { Json, JsonObject } from './json.ts'
import { LINKS_MAX, MESSAGE_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { isMap } from './selector.ts'

export interface Meta {
  /** Good for one allow. */
  readonly once: boolean
  /** How many further delegations may follow; null leaves it to the links above. */
  readonly depth: number | null
  /** The same as it was signed. */
  readonly json: JsonObject
}

type Check = (value: Json) => boolean

const isText: Check = (value) =>
  typeof value === 'string' && value.length > 0 && value.length <= MESSAGE_BYTES_MAX
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0

/** Under which governance it was made, and what for. */
const GOV = new Map([
  ['mesh', isText],
  ['root', isCount],
  ['ticket', isText],
  ['purpose', isText],
])
/** Who made it. */
const BY = new Map([
  ['person', isText],
  ['team', isText],
])
const INVOCATION = new Map<string, Check>([
  ['gov', (value) => conforms(value, GOV)],
  ['by', (value) => conforms(value, BY)],
])
const DELEGATION = new Map<string, Check>([
  ...INVOCATION,
  // The one way not to be single-use is to leave it out.
  ['once', (value) => value === true],
  ['depth', (value) => isCount(value) && Number(value) < LINKS_MAX],
])

function conforms(value: Json, fields: ReadonlyMap<string, Check>): boolean {
  if (!isMap(value)) return false
  return Object.entries(value).every(([key, each]) => fields.get(key)?.(each) === true)
}

/** @throws Malformed for whatever is not known: the profile has no room for private fields */
export function readMeta(value: Json, kind: 'dlg' | 'inv'): Meta {
  if (!isMap(value) || !conforms(value, kind === 'dlg' ? DELEGATION : INVOCATION)) {
    throw new Malformed('meta holds what is not known')
  }
  const depth = value['depth']
  return {
    once: value['once'] === true,
    depth: typeof depth === 'number' ? depth : null,
    json: value,
  }
}
