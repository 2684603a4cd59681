/** One event as server-sent events have it (WHATWG HTML, 9.2): a field a line, the data on one of them, an empty line. */
import { type EventPlace, formatEventPlace } from '../core/event-place.ts'
import { jsonText } from '../core/text.ts'

/** @param place of a record; null for what is none. No text in the data ends its line. */
export function formatEvent(type: string, data: object, place: EventPlace | null): string {
  const id = place === null ? '' : `id: ${formatEventPlace(place)}\n`
  return `${id}event: ${type}\ndata: ${jsonText(data)}\n\n`
}
