/** What a stranger takes away: the receipt of one record, and the trust root to verify it with. */
import type { ReceiptView, TrustView } from '../client/types.ts'
import { textOf, utf8 } from '../core/bytes.ts'
import { isSha256Id } from '../core/id.ts'
import { RECEIPT_WAIT_MS_MAX, RECEIPTS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { formatReceipt } from '../core/receipt.ts'
import { formatTime } from '../core/shape.ts'
import { formatTrust } from '../core/verify/trust.ts'
import type { CosignedCheckpoint } from '../mesh/cosigned.ts'
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
        const head = services.node.records.checkpoint
        if (head === null)
          throw new MeshError('NOT_READY', 'no checkpoint of this log is cosigned by a quorum yet')
        return { status: 200, type: 'text/plain; charset=utf-8', body: head.note }
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
  const { node } = services
  const id = parameter(ask, 'id')
  const record = isSha256Id(id) ? await node.reader.find(id) : null
  if (record === null) throw new MeshError('NOT_FOUND', `no record has the id \`${id}\``)
  const ms = integerQuery(ask, 'ms', 0, RECEIPT_WAIT_MS_MAX)
  await node.records.witnessed(record.index, ms, ask.signal)
  const head = node.records.checkpoint
  if (head !== null && head.checkpoint.size > record.index) return viewOf(services, record, head)
  throw new MeshError('TIMEOUT', howFar(services, record.index), {
    hint: 'meshd mesh status shows which witnesses are away',
  })
}

function howFar({ node }: Services, index: number): string {
  const standing = node.records.of(index)
  if (standing === null) return `record ${index} is not in the current log`
  const { state, cosigned, need, of } = standing
  return `record ${index} is ${state}: cosigned by ${cosigned} of ${of} witnesses, and ${need} are needed`
}

async function viewOf(
  { node }: Services,
  record: Durable,
  { note, checkpoint, cosignatures }: CosignedCheckpoint,
): Promise<ReceiptView> {
  const receipt = await makeReceipt(record, utf8(note), node)
  return {
    record: record.id,
    index: record.index,
    size: checkpoint.size,
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
