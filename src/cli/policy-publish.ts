/** `meshd policy publish|rollback`: the next version of a bundle, checked, signed and spread. */
import type { ListView, PolicyCheckView, StatementView } from '../client/types.ts'
import type { StatementId } from '../core/id.ts'
import { objectOf } from '../core/ipld.ts'
import type { Json } from '../core/json.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import {
  commonOf,
  consent,
  KEY_OPTIONS,
  payloadOf,
  safe,
  signerFor,
  signNew,
  submit,
} from './govern.ts'
import { policyNamed } from './policy.ts'
import { type BundleContent, readBundleDir } from './policy-check.ts'
import { follow, WAIT_OPTION, waitOf } from './revoke.ts'
import { type Command, type Options, textOption } from './spec.ts'
import { plural } from './text.ts'

export const policyPublish: Command = {
  name: 'policy publish',
  dryRun: true,
  group: 'GOVERN',
  args: ['<directory>'],
  says: 'sign and spread the next version of a bundle',
  examples: [
    'meshd policy publish policies/ci -m "CHG-812 forks may not deploy"',
    'meshd policy publish policies/ci --mode observe',
  ],
  options: [
    { flags: '--mode <mode>', says: 'enforce or observe; default: what bundle.yaml says' },
    WAIT_OPTION,
    ...KEY_OPTIONS,
  ],
  run: async (context, [directory = ''], options) => {
    const content = await readBundleDir(directory)
    const mode = modeOf(textOption(options, 'mode')) ?? content.mode
    return publish(context, { ...content, mode }, options)
  },
}

export const policyRollback: Command = {
  name: 'policy rollback',
  dryRun: true,
  group: 'GOVERN',
  args: ['<version>'],
  says: 'publish a new version with the content of an old one',
  examples: ['meshd policy rollback agents@7 -m "reverts CHG-812"'],
  options: [WAIT_OPTION, ...KEY_OPTIONS],
  run: async (context, [text = ''], options) => {
    const { payload } = await policyNamed(context, text)
    return publish(context, contentOf(payload), options)
  },
}

/** The content of a signed version, as a directory would hold it. */
export function contentOf(payload: StatementView['payload']): BundleContent {
  const policies = payload['policies']
  if (typeof policies !== 'object' || policies === null)
    throw new MeshError('INVALID_ANSWER', 'the policy statement has no policies')
  return {
    bundle: String(payload['bundle']),
    mode: payload['mode'] === 'observe' ? 'observe' : 'enforce',
    policies: new Map(Object.entries(policies).map(([file, text]) => [file, String(text)])),
    schema: String(payload['schema']),
    entities: payload['entities'] as Json,
    tests: payload['tests'] as BundleContent['tests'],
  }
}

function modeOf(text: string | null): BundleContent['mode'] | null {
  if (text === null || text === 'enforce' || text === 'observe') return text
  throw new MeshError('USAGE', `--mode: \`${text}\` is none of enforce, observe`)
}

async function publish(
  context: Context,
  content: BundleContent,
  options: Options,
): Promise<number> {
  const { version, previous, beside } = next(await versionsOf(context, content.bundle))
  const name = `${content.bundle}@${version}`
  await accepted(context, content, version)
  const role = await signerFor(context, ['policy'], options)
  for (const { id } of beside)
    context.say(
      `! ${id} waits for signatures as ${name} too: two effective ones would be a conflict`,
    )
  const says = `${plural(content.policies.size, 'file')}, tests ${content.tests.length} passed`
  context.say(`policy ${name}  ${content.mode}  ${says}`)
  await consent(context, `Sign as ${role.name} (policy)?`)
  const payload = payloadOf({
    type: 'policy',
    ...(await commonOf(context)),
    ...content,
    tests: [...content.tests],
    version,
    previous,
  })
  const view = await submit(context, await signNew('policy', payload, role))
  return view === null ? 0 : follow(context, view, name, waitOf(context, options))
}

async function versionsOf(context: Context, bundle: string): Promise<readonly StatementView[]> {
  const { items } = await context
    .client('read')
    .get<ListView<'StatementList', StatementView>>('/v1/statements?type=policy')
  return items.filter(({ payload }) => payload['bundle'] === bundle)
}

interface Next {
  readonly version: number
  /** The newest that was effective, all of them where two conflict. */
  readonly previous: readonly StatementId[]
  /** Pending ones of the same version. */
  readonly beside: readonly StatementView[]
}

/** Versions only move forward, also past a version that lost its signers. */
export function next(known: readonly StatementView[]): Next {
  const past = known.filter(({ state }) => state !== 'pending')
  const newest = Math.max(0, ...past.map(versionOf))
  return {
    version: newest + 1,
    previous: past
      .filter((view) => versionOf(view) === newest)
      .map(({ id }) => id as StatementId)
      .sort(),
    beside: known.filter((view) => view.state === 'pending' && versionOf(view) === newest + 1),
  }
}

function versionOf({ payload }: StatementView): number {
  return Number(payload['version'])
}

/** The daemon's own word on it, so that nothing is signed that it would refuse. @throws MeshError POLICY_INVALID */
async function accepted(context: Context, content: BundleContent, version: number): Promise<void> {
  const { bundle, mode, schema, entities, tests } = content
  const policies = objectOf([...content.policies])
  const found = await context.client('admin').post<PolicyCheckView>('/v1/policies/check', {
    ...{ bundle, version, mode, policies, schema, entities, tests },
  })
  const [first] = found.problems
  if (first !== undefined)
    throw new MeshError(
      'POLICY_INVALID',
      `${safe(first.where)}: ${safe(first.says)}${found.problems.length === 1 ? '' : `, and ${found.problems.length - 1} more`}`,
      { hint: 'meshd policy test <directory>' },
    )
}
