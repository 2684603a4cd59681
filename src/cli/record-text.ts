/** A record of the log in a few words: who, what, why. The names of its fields are those of core/record.ts. */
import type { RecordView } from '../client/types.ts'
import { isCommitment } from '../core/commitment.ts'
import { discloseLeaf } from '../core/disclosure.ts'
import { shortId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import { safe, TAGS } from './govern.ts'
import { type Named, nameIn } from './principals.ts'

export type Fields = { readonly [field: string]: unknown }

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

/** The leaf with what is disclosed in it; what only a commitment stands for stays one. */
export function shownLeaf({ leaf, committed }: RecordView): Fields {
  if (committed === undefined) return leaf
  return discloseLeaf(
    leaf as JsonObject,
    new Map(Object.entries(committed.disclosed as JsonObject)),
  )
}

/** For a value that was given up, or is disclosed on another node. */
export const REDACTED = 'redacted'

/** The caller's name as it was recorded, else the name this machine has for its key, else the key. */
export function whoOf(record: RecordView, known: readonly Named[]): string {
  const leaf = shownLeaf(record)
  const caller = fieldsOf(leaf['caller'])
  if (typeof caller['name'] === 'string') return safe(caller['name'])
  const did = leaf['principal'] ?? caller['principal'] ?? leaf['from']
  if (typeof did === 'string') return safe(nameIn(known, did))
  if (isCommitment(leaf['caller'])) return REDACTED
  return leaf['type'] === 'decision' ? 'unknown caller' : 'this node'
}

/** `tool:read  repo:acme/docs`, or what was learned or ended. */
export function askedOf(record: RecordView): string {
  const leaf = shownLeaf(record)
  const request = fieldsOf(leaf['request'])
  const thing = leaf['request'] == null ? '-' : resourceText(request['resource'])
  return safe(`${request['action'] ?? '-'}  ${thing}`)
}

function resourceText(resource: unknown): string {
  if (isCommitment(resource)) return REDACTED
  const { type, id } = fieldsOf(resource)
  return `${type}:${id}`
}

export function whatOf(record: RecordView): string {
  const { leaf } = record
  switch (record.type) {
    case 'decision':
      return askedOf(record)
    case 'statement':
      return safe(`${statementText(leaf)}  ${leaf['summary'] ?? leaf['kind'] ?? ''}`.trimEnd())
    case 'outcome':
      return safe(`outcome of ${shortId('dec', String(leaf['execution']))}`)
    case 'artifact':
      return safe(
        `artifact ${leaf['event']} ${shortId('art', String(leaf['artifact']))}  ${leaf['summary'] ?? ''}`.trimEnd(),
      )
    case 'system':
      return safe(`${leaf['event']}  ${leaf['detail'] ?? ''}`)
    case 'epoch':
      return safe(`log epoch opened after ${leaf['previousSize']} records`)
  }
}

function statementText(leaf: Fields): string {
  const kind = Object.keys(TAGS).find((each) => each === leaf['kind']) as keyof typeof TAGS
  return shortId(TAGS[kind] ?? 'rec', String(leaf['statement']))
}

/** The reason code, the policies that allowed, the state of a statement, how a child ended. */
export function whyOf({ leaf }: RecordView): string {
  if (typeof leaf['code'] === 'string') return safe(leaf['code'])
  const [first] = Array.isArray(leaf['policies']) ? leaf['policies'] : []
  return safe(fieldsOf(first)['policy'] ?? leaf['state'] ?? leaf['outcome'] ?? '-')
}

/** How far it is: `durable · published · witnessed 2 of 3 · mirrored 1 of 1`. */
export function stateOf({ state, witnesses, mirrors }: RecordView): string {
  const all = ['durable', 'published', 'witnessed']
  const mirrored = state === 'mirrored'
  const witnessed = mirrored || state === 'witnessed'
  const reached = all.slice(0, witnessed ? all.length : all.indexOf(state) + 1).join(' · ')
  const copies = mirrors === null ? '' : `${mirrors.holding} of ${mirrors.wanted}`
  const held = mirrored ? ` · mirrored ${copies}` : copies === '' ? '' : ` · copies ${copies}`
  if (witnesses === null || witnesses.cosigned === 0) return `${reached}${held}`
  const voices = `${witnesses.cosigned} of ${witnesses.of}`
  return `${reached}${witnessed ? ` ${voices}` : ` · cosigned by ${voices}`}${held}`
}

/** ✓ an allow, ✗ a deny; nothing for what decides nothing. */
export function markOf({ leaf }: RecordView): string {
  if (leaf['type'] !== 'decision') return ' '
  return leaf['effect'] === 'allow' ? '✓' : '✗'
}
