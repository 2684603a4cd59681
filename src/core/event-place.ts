/**
 * Where in which log of a node an event stands: the `id:` of /v1/events, and
 * what `Last-Event-ID` says after it.
 *
 *     1.88105     record 88105 of epoch 1
 *
 * The epoch is in it because a log that was retired is followed by one whose
 * numbers begin again.
 */
import { LOG_EPOCH_MAX, LOG_RECORDS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'

export interface EventPlace {
  readonly epoch: number
  readonly index: number
}

const PLACE = /^([1-9]\d{0,9})\.(0|[1-9]\d{0,9})$/

export function formatEventPlace({ epoch, index }: EventPlace): string {
  return `${epoch}.${index}`
}

/** @throws Malformed */
export function parseEventPlace(text: string): EventPlace {
  const [, epoch, index] = PLACE.exec(text)?.map(Number) ?? []
  if (
    epoch === undefined ||
    index === undefined ||
    epoch > LOG_EPOCH_MAX ||
    index >= LOG_RECORDS_MAX
  )
    throw new Malformed('an event is named by its epoch and index, such as `1.88105`')
  return { epoch, index }
}
