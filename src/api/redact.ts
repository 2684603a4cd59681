/** Giving up what is disclosed of records: how much that would be, and then that. */
import type { RedactionView } from '../client/search-types.ts'
import { REDACTABLE } from '../core/disclosure.ts'
import { MESSAGE_BYTES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import * as shape from '../core/shape.ts'
import { stripControls } from '../core/text.ts'
import { redactRecords } from '../mesh/redact.ts'
import { bodyOf } from './bodies.ts'
import { Gate } from './gate.ts'
import { ADMIN, type Ask, json, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView } from './view.ts'

const { did, id, list, literal, nullable, object, text, time } = shape

const redactBody = object({
  record: nullable(id),
  principal: nullable(did),
  before: nullable(time),
  fields: list(literal(...REDACTABLE), REDACTABLE.length),
  /** Why; null only counts. */
  message: nullable(text(MESSAGE_BYTES_MAX)),
})

export function redactRoutes(services: Services): readonly Route[] {
  // INVARIANT: one at a time, or what one gave up would be written again by another that read it before.
  const one = new Gate(1)
  return [
    {
      method: 'POST',
      path: '/v1/log/redact',
      roles: ADMIN,
      handle: async (ask) => {
        const view = await one.through(() => redacted(services, ask))
        return json(itemView('Redaction', view, services.seenFrom()))
      },
    },
  ]
}

/** @throws MeshError USAGE, NOT_FOUND, NOT_READY */
async function redacted({ node }: Services, ask: Ask): Promise<RedactionView> {
  const { record, principal, before, fields, message } = bodyOf(ask, redactBody)
  if (record === null && principal === null && before === null)
    throw new MeshError('USAGE', 'a redaction names a record, a principal or a time')
  if (record !== null && (await node.reader.find(record)) === null)
    throw new MeshError('NOT_FOUND', `no record has the id \`${record}\``)
  const { log, reader } = node
  const wanted = { record, principal, beforeMs: before, fields }
  const why = message === null ? null : `${whoOf(ask)}: ${stripControls(message)}`
  const sum = await redactRecords({ log, reader }, wanted, why)
  return { ...sum, done: message !== null }
}

/** Whom the kernel names. */
function whoOf({ caller: { name, uid } }: Ask): string {
  const user = uid === null ? 'an administrator' : `uid ${uid}`
  return name === null ? `by ${user}` : `by ${name}, ${user}`
}
