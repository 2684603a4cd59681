/** What a stranger takes away: the receipt of one record, and the trust root to verify it with. */
import type { ReceiptView, TrustView } from '../client/types.ts'
import { textOf, utf8 } from '../core/bytes.ts'
import { readCheckpoint } from '../core/checkpoint.ts'
import { cosignaturesOf, witnessKeysOf } from '../core/cosignature.ts'
import { isSha256Id } from '../core/id.ts'
import { RECEIPT_POLL_MS, RECEIPT_WAIT_MS_MAX, RECEIPTS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { formatReceipt } from '../core/receipt.ts'
import { formatTime } from '../core/shape.ts'
import { formatTrust } from '../core/verify/trust.ts'
import type { Durable } from '../mesh/log.ts'
import { keyStatements, makeReceipt } from '../mesh/receipts.ts'
import { Gate } from './gate.ts'
import { type Ask, integerQuery, json, parameter, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { itemView } from './view.ts'

export function receiptRoutes(services: Services): readonly Route[] {
  const receipts = new Gate(RECEIPTS_MAX)
  return [
    {
      method: 'GET',
      path: '/v1/records/{id}/receipt',
      roles: READ,
      handle: async (ask) => {
        const view = await receipts.through(() => receiptView(services, ask))
        return json(itemView('Receipt', view, services.seenFrom()))
      },
    },
    {
      method: 'GET',
      path: '/v1/log/checkpoint.witnessed',
      roles: READ,
      handle: () => {
        const note = witnessedNote(services)
        if (note === null)
          throw new MeshError('NOT_READY', 'no checkpoint of this log is cosigned by a quorum yet')
        return { status: 200, type: 'text/plain; charset=utf-8', body: textOf(note) }
      },
    },
    {
      method: 'GET',
      path: '/v1/trust',
      roles: READ,
      handle: () => json(itemView('Trust', trustView(services), services.seenFrom())),
    },
  ]
}

/** Waits until the record is under a checkpoint that a quorum cosigned. @throws MeshError NOT_FOUND, and TIMEOUT with how far it is */
async function receiptView(services: Services, ask: Ask): Promise<ReceiptView> {
  const { node, clock } = services
  const id = parameter(ask, 'id')
  const record = isSha256Id(id) ? await node.reader.find(id) : null
  if (record === null) throw new MeshError('NOT_FOUND', `no record has the id \`${id}\``)
  const untilMs = clock.monotonicMs() + integerQuery(ask, 'ms', 0, RECEIPT_WAIT_MS_MAX)
  for (;;) {
    const checkpoint = witnessedOver(services, record.index)
    if (checkpoint !== null) return viewOf(services, record, checkpoint)
    if (clock.monotonicMs() >= untilMs || ask.signal.aborted)
      throw new MeshError('TIMEOUT', howFar(services, record.index), {
        hint: 'meshd mesh status shows which witnesses are away',
      })
    await clock.sleep(RECEIPT_POLL_MS, ask.signal)
  }
}

/** The newest checkpoint that a quorum cosigned, if the record is under it. */
function witnessedOver(services: Services, index: number): Uint8Array | null {
  const note = witnessedNote(services)
  return note !== null && readCheckpoint(note).size > index ? note : null
}

function witnessedNote({ node }: Services): Uint8Array | null {
  const newest = node.records.checkpoint
  return newest === null ? null : utf8(newest.note)
}

function howFar({ node }: Services, index: number): string {
  if (index >= node.publisher.size) return `record ${index} is durable and not yet published`
  return `record ${index} is published and not yet cosigned by a quorum of witnesses`
}

async function viewOf(
  { node }: Services,
  record: Durable,
  checkpoint: Uint8Array,
): Promise<ReceiptView> {
  const receipt = await makeReceipt(record, checkpoint, node)
  const { governance } = node.statements
  const cosignatures = cosignaturesOf(textOf(checkpoint), witnessKeysOf(governance), null)
  return {
    record: record.id,
    index: record.index,
    size: readCheckpoint(checkpoint).size,
    cosigned: cosignatures.map(({ witness, timeMs }) => ({ witness, time: formatTime(timeMs) })),
    receipt: textOf(formatReceipt(receipt)),
  }
}

function trustView({ node }: Services): TrustView {
  const statements = keyStatements(node.statements.all(), [])
  if (statements.length === 0)
    throw new MeshError('NOT_FOUND', 'this node belongs to no mesh yet', {
      hint: 'meshd init --mesh <name>, or meshd peer join <multiaddr>',
    })
  return { trust: textOf(formatTrust(statements)) }
}
