/** `meshd audit prune`: old records go, the tree and its proofs stay. */
import type { PruneView } from '../client/search-types.ts'
import type { View } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { printItem } from './output.ts'
import { timeOf } from './parse.ts'
import { type Command, textOption } from './spec.ts'
import { clockTime, count, exactly } from './text.ts'

export const auditPrune: Command = {
  name: 'audit prune',
  group: 'PROVE',
  says: 'give up old witnessed records of this node: bodies go, tree and proofs stay',
  examples: ['meshd audit prune --before 400d --dry-run', 'meshd audit prune --before 400d'],
  options: [{ flags: '--before <time>', says: 'RFC 3339, or 400d', required: true }],
  dryRun: true,
  run: async (context, _args, options) => {
    const text = textOption(options, 'before') ?? ''
    const before = new Date(timeOf(text, '--before', context.now().getTime())).toISOString()
    const plan = await ask(context, { before, to: null })
    const { from, to } = plan.item
    if (context.globals.dryRun || to === from) return show(context, plan, before)
    context.say(extent(context, plan.item, before))
    if (!(await context.confirm('Give them up? It cannot be undone.')))
      throw new MeshError('USAGE', 'not confirmed, so nothing was pruned', { hint: '--yes' })
    return show(context, await ask(context, { before, to }), before)
  },
}

function ask(context: Context, body: object): Promise<View<'Prune', PruneView>> {
  return context.client('admin').post('/v1/log/prune', body, { timeoutMs: 0 })
}

function show(context: Context, { item, seenFrom }: View<'Prune', PruneView>, before: string) {
  printItem(context, {
    kind: 'Prune',
    ...{ seenFrom, item },
    id: String(item.to),
    lines: () => [extent(context, item, before)],
  })
  return 0
}

function extent(context: Context, item: PruneView, before: string): string {
  const { from, to, witnessed, retentionMs, done } = item
  const kept = `audit.retention ${exactly(retentionMs)}, witnessed below ${count(witnessed)}`
  const older = `older than ${clockTime(before, context.now())}`
  if (to === from)
    return `no whole chunk of records is ${older} and witnessed (${kept}); records below ${count(from)} were pruned before`
  const what = `${count(to - from)} records, ${count(from)} to ${count(to - 1)}, ${older}`
  return done
    ? `${what}: pruned, and the log says so; their tiles stay`
    : `${what} would go: what was asked and answered in them cannot be shown here any more (${kept})`
}
