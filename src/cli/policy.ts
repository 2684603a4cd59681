/** `meshd policy list|show`: versions, and where they are in force. */
import type { GovernanceView, ListView, StatementView, View } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { printItem, printList } from './output.ts'
import { resolveId } from './short-ids.ts'
import type { Command } from './spec.ts'
import { clockTime } from './text.ts'

export const policyList: Command = {
  name: 'policy list',
  watch: true,
  group: 'GOVERN',
  aliases: ['ls'],
  says: 'versions of every bundle, and which are in force',
  examples: ['meshd policy list'],
  run: async (context) => {
    const client = context.client('read')
    const [view, governance] = await Promise.all([
      policies(context),
      client.get<View<'Governance', GovernanceView>>('/v1/governance'),
    ])
    const now = context.now()
    const issued = ({ payload }: StatementView) => String(payload['issued'])
    printList(context, {
      kind: 'PolicyList',
      seenFrom: view.seenFrom,
      items: sorted(view.items),
      id: ({ id }) => id,
      empty: 'no policy yet, and so nothing is allowed: meshd policy publish <directory>',
      columns: [
        { head: 'POLICY', cell: versionText },
        { head: 'MODE', cell: ({ payload }) => String(payload['mode']) },
        { head: 'STATE', cell: (item) => stateText(item, governance.item) },
        { head: 'ID', cell: ({ id }) => shortId('pol', id) },
        { head: 'ISSUED', cell: (item) => clockTime(issued(item), now), drop: 2 },
        { head: 'MESSAGE', cell: ({ payload }) => String(payload['message'] ?? '-'), drop: 1 },
        { head: 'FULL ID', cell: ({ id }) => id, wide: true },
      ],
    })
    for (const { bundle, conflict } of governance.item.bundles)
      if (conflict !== null) context.say(`! bundle ${bundle} denies everything: ${safe(conflict)}`)
    for (const { bundle, version, revoked } of governance.item.bundles)
      if (revoked !== null)
        context.say(
          `! ${bundle}@${version} is revoked by ${shortId('rev', revoked)}: nothing that it permits is allowed`,
        )
    return 0
  },
}

function sorted(items: readonly StatementView[]): readonly StatementView[] {
  const key = ({ payload }: StatementView) => String(payload['bundle'])
  return items.toSorted(
    (a, b) =>
      key(a).localeCompare(key(b)) || Number(b.payload['version']) - Number(a.payload['version']),
  )
}

function versionText({ payload }: StatementView): string {
  return `${payload['bundle']}@${payload['version']}`
}

function stateText({ id, state, needs, payload }: StatementView, { bundles }: GovernanceView) {
  const inForce = bundles.find((bundle) => bundle.id === id)
  // It denies what it would permit, and no older version takes its place.
  if (inForce !== undefined) return inForce.revoked === null ? 'in force' : 'revoked'
  const observes = ({ bundle, observing }: GovernanceView['bundles'][number]) =>
    bundle === payload['bundle'] && observing === payload['version']
  if (state === 'effective') return bundles.some(observes) ? 'observing' : 'superseded'
  if (state === 'pending')
    return `pending, ${needs.threshold - needs.missing} of ${needs.threshold}`
  return state
}

function policies(context: Context): Promise<ListView<'StatementList', StatementView>> {
  return context.client('read').get('/v1/statements?type=policy')
}

/** All of one version: several when they contradict each other. @throws MeshError NOT_FOUND */
export async function policiesOf(
  context: Context,
  text: string,
): Promise<readonly [StatementView, ...StatementView[]]> {
  const { items } = await policies(context)
  const [first, ...others] = items.filter(
    (item) => versionText(item) === text && item.state !== 'pending',
  )
  if (first === undefined)
    throw new MeshError('NOT_FOUND', `there is no ${text} here`, { hint: 'meshd policy list' })
  return [first, ...others]
}

/** `agents@7`, `pol_c0de51ff` or a full id. @throws MeshError NOT_FOUND, AMBIGUOUS */
export async function policyNamed(context: Context, text: string): Promise<StatementView> {
  if (text.includes('@')) {
    const [first, ...others] = await policiesOf(context, text)
    if (others.length > 0)
      throw new MeshError(
        'AMBIGUOUS',
        `${text} is ${[first, ...others].map(({ id }) => id).join(' or ')}`,
      )
    return first
  }
  const { items } = await policies(context)
  const ids = items.map(({ id }) => id)
  const id = resolveId(context, text, ids, false)
  const found = items.find((item) => item.id === id)
  if (found === undefined)
    throw new MeshError('NOT_FOUND', `${id} is no policy`, { hint: 'meshd policy list' })
  return found
}

export const policyShow: Command = {
  name: 'policy show',
  group: 'GOVERN',
  args: ['<version>'],
  says: 'one version: who signed it, and its text',
  examples: ['meshd policy show agents@7'],
  run: async (context, [text = '']) => {
    const item = await policyNamed(context, text)
    const { id, state, payload, signatures } = item
    printItem(context, {
      kind: 'Policy',
      seenFrom: '',
      item,
      id,
      lines: () => [
        safe(`${versionText(item)}   ${payload['mode']}   ${state}   ${id}`),
        safe(
          `  issued     ${clockTime(String(payload['issued']), context.now())}   ${payload['message'] ?? ''}`.trimEnd(),
        ),
        `  signed by  ${signatures.map(({ key }) => key).join(', ')}`,
        ...Object.entries(payload['policies'] ?? {}).flatMap(([file, source]) => [
          '',
          safe(`-- ${file} --`),
          ...String(source).trimEnd().split('\n').map(safe),
        ]),
      ],
    })
    return 0
  },
}
