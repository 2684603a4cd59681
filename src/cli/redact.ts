/** `meshd audit redact`: what records commit to is disclosed no more; records and proofs stay. */
import type { RedactionView } from '../client/search-types.ts'
import type { View } from '../client/types.ts'
import { REDACTABLE } from '../core/disclosure.ts'
import { MeshError } from '../core/problems.ts'
import { recordNamed } from './audit.ts'
import type { Context } from './context.ts'
import { messageOf } from './govern.ts'
import { printItem } from './output.ts'
import { timeOf } from './parse.ts'
import { resolvePrincipal } from './principals.ts'
import { type Command, listOption, type Options, textOption } from './spec.ts'
import { plural } from './text.ts'

export const auditRedact: Command = {
  name: 'audit redact',
  group: 'PROVE',
  args: ['[record]'],
  says: 'give up values that records only commit to: what asked and answered stays proven',
  examples: [
    'meshd audit redact dec_5f0c1a7e -m "erasure request 12"',
    'meshd audit redact --principal planner --field args -m "CHG-901"',
    'meshd audit redact --before 90d -m "retention of contents"',
  ],
  options: [
    { flags: '--principal <principal>', says: 'records of whoever acted, or issued' },
    { flags: '--before <time>', says: 'records older than that: RFC 3339, or 90d' },
    { flags: '--field <list>', says: `only these: ${REDACTABLE.join(', ')}` },
  ],
  dryRun: true,
  run: async (context, [record], options) => {
    const wanted = await wantedOf(context, record ?? null, options)
    const message = messageOf(context)
    if (message === null && !context.globals.dryRun)
      throw new MeshError('USAGE', 'the log will say why', { hint: 'add -m "…"' })
    const plan = await ask(context, { ...wanted, message: null })
    if (context.globals.dryRun || plan.item.records === 0) return show(context, plan)
    context.say(extent(plan.item))
    if (!(await context.confirm('Give them up? It cannot be undone.')))
      throw new MeshError('USAGE', 'not confirmed, so nothing was redacted', { hint: '--yes' })
    return show(context, await ask(context, { ...wanted, message }))
  },
}

async function wantedOf(context: Context, record: string | null, options: Options) {
  const [principal, before] = [textOption(options, 'principal'), textOption(options, 'before')]
  if (record === null && principal === null && before === null)
    throw new MeshError('USAGE', 'nothing is named to redact', {
      hint: 'name a record, --principal or --before',
    })
  const fields = listOption(options, 'field')
  const unknown = fields.find((field) => !REDACTABLE.some((each) => each === field))
  if (unknown !== undefined)
    throw new MeshError('USAGE', `\`${unknown}\` is no field that can be redacted`, {
      hint: REDACTABLE.join(', '),
    })
  const beforeMs = before === null ? null : timeOf(before, '--before', context.now().getTime())
  return {
    record: record === null ? null : await recordNamed(context, record),
    principal: principal === null ? null : (await resolvePrincipal(context, principal)).did,
    before: beforeMs === null ? null : new Date(beforeMs).toISOString(),
    fields,
  }
}

function ask(context: Context, body: object): Promise<View<'Redaction', RedactionView>> {
  return context.client('admin').post('/v1/log/redact', body, { timeoutMs: 0 })
}

function show(context: Context, { item, seenFrom }: View<'Redaction', RedactionView>): number {
  printItem(context, {
    kind: 'Redaction',
    ...{ seenFrom, item },
    id: String(item.values),
    lines: () => [extent(item)],
  })
  return 0
}

function extent({ records, values, done }: RedactionView): string {
  if (records === 0) return 'nothing of it is disclosed here'
  const what = `${plural(values, 'value')} of ${plural(records, 'record')}`
  return done
    ? `${what}: redacted, and the log says so; records, tree and proofs are what they were`
    : `${what} would be redacted: nobody can show them any more (exports that were made before still do)`
}
