/** Records for other systems, one a line: as they are, or as OCSF. No proof goes along; each names its record, whose receipt is one. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { RecordListView } from '../client/search-types.ts'
import type { StatusView, View } from '../client/types.ts'
import { belongingTo, type Case, caseJson } from '../core/case.ts'
import { readCheckpoint } from '../core/checkpoint.ts'
import { type Json, parseCanonical } from '../core/json.ts'
import { RECORD_BYTES_MAX } from '../core/limits.ts'
import { type OcsfSource, ocsfEvent } from '../core/ocsf.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { type Listed, pagesOf } from './log-pages.ts'
import { jsonText } from './output.ts'
import { plural } from './text.ts'

export type Format = 'ndjson' | 'ocsf'

/** Up to what is published. @param file null or `-` for stdout */
export async function writeLines(
  context: Context,
  format: Format,
  file: string | null,
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
    for await (const { listed } of pagesOf(client, pruned, size))
      for (const each of listed) {
        const event = belongs(each.id, each.record) || whole ? lineOf(each, format, source) : null
        if (event === null) continue
        out.write(`${jsonText(event)}\n`)
        lines += 1
      }
  } finally {
    out.close()
  }
  context.say(`${file ?? '-'}   ${plural(lines, 'line')}`)
}

function lineOf(listed: Listed, format: Format, source: OcsfSource): Json {
  const { id, bytes, record } = listed
  if (format === 'ocsf') return ocsfEvent(record, bytes, source)
  return { id, leaf: parseCanonical(bytes, RECORD_BYTES_MAX), log: source.log }
}

function opened(context: Context, file: string | null) {
  if (file === null || file === '-')
    return { write: (line: string) => void context.io.stdout.write(line), close: () => {} }
  try {
    const descriptor = openSync(file, 'w')
    return {
      write: (line: string) => void writeSync(descriptor, line),
      close: () => closeSync(descriptor),
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'cannot be written'
    throw new MeshError('NOT_FOUND', `${file}: ${code}`, { hint: 'name another file', cause })
  }
}
