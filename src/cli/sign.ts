/** `meshd sign [<id>]`: what waits for signatures, or one more signature after showing what it means. */
import type { ListView, StatementView, View } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import {
  addOwnSignature,
  consent,
  KEY_OPTIONS,
  printSubmitted,
  safe,
  signaturesText,
  signerFor,
  submit,
  TAGS,
} from './govern.ts'
import { printList } from './output.ts'
import { resolveId } from './short-ids.ts'
import type { Command, Options } from './spec.ts'

export const sign: Command = {
  name: 'sign',
  dryRun: true,
  group: 'GOVERN',
  args: ['[id]'],
  says: 'list what waits for signatures, or sign one pending statement',
  examples: ['meshd sign', 'meshd sign pol_c0de51ff'],
  options: KEY_OPTIONS,
  run: async (context, [id], options) =>
    id === undefined ? listPending(context) : signOne(context, id, options),
}

export const rootSign: Command = {
  ...sign,
  name: 'root sign',
  group: 'MESH',
  args: ['<id>'],
  says: 'add a signature to a pending root',
  examples: ['meshd root sign root_0a77e4c1'],
}
export const policySign: Command = {
  ...sign,
  name: 'policy sign',
  args: ['<id>'],
  says: 'add a signature to a pending policy',
  examples: ['meshd policy sign pol_c0de51ff'],
}

async function pending(context: Context): Promise<ListView<'StatementList', StatementView>> {
  return context.client('read').get('/v1/statements?state=pending')
}

async function listPending(context: Context): Promise<number> {
  const view = await pending(context)
  printList(context, {
    kind: 'StatementList',
    seenFrom: view.seenFrom,
    items: view.items,
    id: ({ id }) => id,
    empty: 'nothing waits for signatures',
    columns: [
      { head: 'STATEMENT', cell: ({ type, id }) => shortId(TAGS[type], id) },
      { head: 'TYPE', cell: ({ type }) => type },
      { head: 'WHAT', cut: true, cell: describe },
      {
        head: 'SIGNATURES',
        cell: ({ needs }) => signaturesText(needs).replace(/ signatures?$/, ` ${needs.role}`),
      },
    ],
  })
  return 0
}

async function signOne(context: Context, text: string, options: Options): Promise<number> {
  const { items } = await pending(context)
  const id = resolveId(
    context,
    text,
    items.map((item) => item.id),
    true,
  )
  const { item } = await context
    .client('read')
    .get<View<'Statement', StatementView>>(`/v1/statements/${encodeURIComponent(id)}`)
  context.say(
    `${item.type} ${describe(item)}${item.payload['message'] === undefined ? '' : `  "${safe(item.payload['message'])}"`}`,
  )
  await checkPlace(context, item)
  const role = await signerFor(context, [item.needs.role], options, {
    also: ownRootKeys(item),
    signed: item.signatures.map(({ key }) => key),
  })
  await consent(context, `Sign as ${role.name} (${item.needs.role})?`)
  const signed = await submit(context, await addOwnSignature(item, role))
  if (signed !== null) printSubmitted(context, signed, describe(signed))
  return 0
}

/** What one more signature may do when its place is taken: stop the mesh, or a bundle. @throws MeshError CONFLICT */
async function checkPlace(context: Context, { type, payload }: StatementView): Promise<void> {
  if (type !== 'root' && type !== 'policy') return
  const { items } = await context
    .client('read')
    .get<ListView<'StatementList', StatementView>>(`/v1/statements?type=${type}&state=effective`)
  const taken = items.find(
    (other) =>
      other.payload['version'] === payload['version'] &&
      other.payload['bundle'] === payload['bundle'],
  )
  if (taken === undefined) return
  const [what, stops] =
    type === 'root'
      ? [`root v${safe(payload['version'])}`, 'the mesh']
      : [safe(`${payload['bundle']}@${payload['version']}`), 'the bundle']
  throw new MeshError(
    'CONFLICT',
    `another ${what} is in force: two of one version would stop ${stops}`,
    { hint: `leave it unsigned: it has no force. In force is ${shortId(TAGS[type], taken.id)}` },
  )
}

/** A root is signed by the keys that it names itself, too. */
function ownRootKeys({ type, payload }: StatementView): readonly string[] {
  if (type !== 'root') return []
  const { root } = payload['roles'] as Readonly<Record<string, { keys: readonly string[] }>>
  return root?.keys ?? []
}

/** What a statement is about, in one line. */
export function describe({ type, payload }: StatementView): string {
  switch (type) {
    case 'policy':
      return safe(`${payload['bundle']}@${payload['version']} ${payload['mode']}`)
    case 'root':
      return `v${safe(payload['version'])}`
    case 'member':
      return safe(payload['name'] ?? payload['principal'])
    case 'epoch':
      return safe(`${payload['node']} epoch ${payload['epoch']}`)
    case 'evidence':
      return safe(`against ${payload['node']}`)
    case 'revocation':
      return safe(targetText(payload['target']))
    case 'freeze':
      return safe(
        `${targetText(payload['scope'])} ${payload['frozen'] === true ? 'frozen' : 'unfrozen'}`,
      )
  }
}

function targetText(target: unknown): string {
  return typeof target === 'object' && target !== null
    ? Object.values(target).join(' ')
    : String(target)
}
