/** `meshd audit prove`: the receipt of one record, in a file that needs no daemon to be verified. */
import type { ReceiptView, View } from '../client/types.ts'
import { RECEIPT_WAIT_MS_MAX } from '../core/limits.ts'
import { recordNamed } from './audit.ts'
import type { Context } from './context.ts'
import { ANYBODY, writeNamed } from './named-file.ts'
import { forPeople, printItem } from './output.ts'
import { nameIn, namesToShow } from './principals.ts'
import { type Command, textOption } from './spec.ts'
import { clockTime, count } from './text.ts'

/** For the answer itself, beside the wait. */
const ANSWER_MS = 2_000

export const auditProve: Command = {
  name: 'audit prove',
  group: 'PROVE',
  args: ['<record>'],
  says: 'the receipt of one record, to verify anywhere; waits until it is witnessed',
  examples: ['meshd audit prove dec_91ee07c2 -f denied.tlog-proof', 'meshd audit prove last -f -'],
  options: [{ flags: '-f, --file <file>', says: 'where to write it; - is stdout', required: true }],
  run: async (context, [text = ''], options) => {
    const file = textOption(options, 'file') ?? '-'
    const id = await recordNamed(context, text)
    const { item, seenFrom } = await fetchReceipt(context, id)
    writeOut(context, file, item.receipt)
    if (file === '-') return 0
    const known = forPeople(context) ? await namesToShow(context) : []
    const { receipt: _, ...rest } = item
    const names = item.cosigned.map(({ witness }) => nameIn(known, witness)).sort()
    const when = item.cosigned.map(({ time }) => clockTime(time, context.now())).at(-1) ?? '-'
    printItem(context, {
      kind: 'Receipt',
      seenFrom,
      item: { ...rest, file },
      id: item.record,
      lines: () => [
        context.style.symbols(
          `${file}   record ${count(item.index)} in a tree of ${count(item.size)} · cosigned by ${names.join(', ')} ${when}`,
        ),
      ],
    })
    return 0
  },
}

async function fetchReceipt(context: Context, id: string): Promise<View<'Receipt', ReceiptView>> {
  const { timeoutMs } = context.globals
  const waitMs = timeoutMs === 0 ? RECEIPT_WAIT_MS_MAX : Math.min(timeoutMs, RECEIPT_WAIT_MS_MAX)
  const path = `/v1/records/${encodeURIComponent(id)}/receipt?ms=${Math.floor(waitMs)}`
  return context.client('read').get(path, { timeoutMs: waitMs + ANSWER_MS })
}

/** Evidence is for others to read: no secret is in it but what the record shows. @throws MeshError NOT_FOUND */
export function writeOut(context: Context, file: string, content: string | Uint8Array): void {
  if (file === '-') return void context.io.stdout.write(content)
  writeNamed(file, content, ANYBODY)
}
