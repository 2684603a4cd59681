/** Records for other systems, one a line: as they are, or as OCSF. No proof goes along; each names its record, whose receipt is one. */
import { closeSync, writeSync } from 'node:fs'
import type { RecordListView } from '../client/search-types.ts'
import type { StatusView, View } from '../client/types.ts'
import { fromBase64 } from '../core/bytes.ts'
import { belongingTo, type Case, caseJson } from '../core/case.ts'
import { readCheckpoint } from '../core/checkpoint.ts'
import {
  committedIn,
  type Disclosed,
  NOTHING_DISCLOSED,
  parseDisclosure,
} from '../core/disclosure.ts'
import { readExhibit } from '../core/exhibit.ts'
import { type Json, parseCanonical } from '../core/json.ts'
import { RECORD_BYTES_MAX } from '../core/limits.ts'
import { type OcsfSource, ocsfEvent } from '../core/ocsf.ts'
import { leafOf } from '../core/terms.ts'
import { jsonText } from '../core/text.ts'
import { openRecord } from '../core/verify/records.ts'
import type { Client } from './connect.ts'
import type { Context } from './context.ts'
import { type Listed, pagesOf } from './log-pages.ts'
import { OWN, openNamed } from './named-file.ts'
import { plural } from './text.ts'

export type Format = 'ndjson' | 'ocsf'

export interface Lines {
  readonly format: Format
  /** null or `-` for stdout. */
  readonly file: string | null
  /** Whether values that records only commit to go along. */
  readonly disclosing: boolean
}

/** Up to what is published. */
export async function writeLines(
  context: Context,
  { format, file, disclosing }: Lines,
  wanted: Case,
): Promise<void> {
  const client = context.client('read')
  const { pruned } = await client.get<RecordListView>('/v1/records?limit=1')
  const { item } = await client.get<View<'Status', StatusView>>('/v1/status')
  const { version, name: nodeName } = item.node
  const { origin, size } = readCheckpoint(await client.bytes('/v1/log/checkpoint'))
  const source = { version, nodeName, log: origin }
  const whole = caseJson(wanted) === null
  const belongs = belongingTo(wanted)
  const out = opened(context, file)
  let lines = 0
  try {
    for await (const { listed } of pagesOf(client, pruned, size)) {
      const disclosed = disclosing ? await disclosedIn(client, listed) : NONE
      for (const each of listed) {
        if (!belongs(each.id, each.record) && !whole) continue
        const event = lineOf(each, disclosed.get(each.index) ?? NOTHING_DISCLOSED, format, source)
        if (event === null) continue
        out.write(`${jsonText(event)}\n`)
        lines += 1
      }
    }
  } finally {
    out.close()
  }
  context.say(`${file ?? '-'}   ${plural(lines, 'line')}`)
}

function lineOf(listed: Listed, disclosed: Disclosed, format: Format, source: OcsfSource): Json {
  const { id, bytes } = listed
  const record = disclosed.size === 0 ? listed.record : openRecord(bytes, disclosed)
  if (format === 'ocsf') return ocsfEvent(record, bytes, source)
  const line = { id, leaf: parseCanonical(bytes, RECORD_BYTES_MAX), log: source.log }
  return disclosed.size === 0 ? line : { ...line, disclosed: Object.fromEntries(disclosed) }
}

const NONE: ReadonlyMap<number, Disclosed> = new Map()

/** By index, each value checked against its record. */
async function disclosedIn(
  client: Client,
  listed: readonly Listed[],
): Promise<ReadonlyMap<number, Disclosed>> {
  const committing = listed.filter(({ bytes }) => committedIn(leafOf(bytes)).length > 0)
  const first = listed[0]?.index ?? 0
  if (committing.length === 0) return NONE
  const { items } = await client.get<{ items: readonly (string | null)[] }>(
    `/v1/log/exhibits?first=${first}`,
  )
  const found = new Map<number, Disclosed>()
  for (const { index, bytes } of committing) {
    const exhibit = items[index - first] ?? null
    const disclosure =
      exhibit === null ? undefined : readExhibit(fromBase64(exhibit)).get('disclosure')
    if (disclosure !== undefined) found.set(index, parseDisclosure(leafOf(bytes), disclosure))
  }
  return found
}

function opened(context: Context, file: string | null) {
  if (file === null || file === '-')
    return { write: (line: string) => void context.io.stdout.write(line), close: () => {} }
  const descriptor = openNamed(file, OWN)
  return {
    write: (line: string) => void writeSync(descriptor, line),
    close: () => closeSync(descriptor),
  }
}
