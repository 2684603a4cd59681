/** What records of decisions say of themselves, as the history has it. */
import { textOf } from '../../src/core/bytes.ts'
import type { RecordId } from '../../src/core/id.ts'
import type { RecordedDecision } from './history.ts'

export function decisionsIn(
  records: readonly { readonly id: RecordId; readonly bytes: Uint8Array }[],
): readonly RecordedDecision[] {
  return records.flatMap(({ id, bytes }) => {
    const text = textOf(bytes)
    if (!text.includes('"type":"decision"')) return []
    const { effect, unrecorded, request } = JSON.parse(text)
    const req = Number(request?.resource?.id?.slice(1) ?? -1)
    return [{ id, effect, unrecorded, req }]
  })
}
