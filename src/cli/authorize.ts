/** `meshd authorize`: one real decision, recorded; exit 0 for ALLOW, 2 for DENY. */
import type { DecisionView } from '../client/types.ts'
import { isSha256Id, shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { printItem } from './output.ts'
import { type Command, type OptionSpec, type Options, textOption } from './spec.ts'
import { clockTime } from './text.ts'

export const DENIED_EXIT = 2

export const ASK_OPTIONS: readonly OptionSpec[] = [
  { flags: '--action <action>', says: 'tool:read' },
  { flags: '--resource <resource>', says: 'repo:acme/docs' },
  { flags: '--arg <argument...>', says: 'name=value, or name:=json' },
  { flags: '--subject <subject>', says: 'user:alice, where this caller may assert it' },
  { flags: '--artifact <file>', says: 'explicit; else the wallet is searched' },
  { flags: '--cause <execution>', says: 'that this one descends from; else $MESHD_EXECUTION' },
  { flags: '--receipt <file>', says: 'that proves the cause; else it is fetched from the mesh' },
]

export const authorize: Command = {
  name: 'authorize',
  group: 'DECIDE',
  says: 'one real decision, recorded; exit 0 or 2',
  examples: [
    'meshd authorize --action tool:read --resource repo:acme/docs',
    'meshd authorize --artifact worker.ucan --action tool:read --resource repo:acme/docs',
  ],
  options: ASK_OPTIONS,
  run: async (context, _args, options) => {
    const { body, headers } = await askOf(context, options)
    const decision = await context
      .client('decide')
      .post<DecisionView>('/v1/decisions', body, { headers })
    printDecision(context, decision)
    return decision.decision === true ? 0 : DENIED_EXIT
  },
}

export interface Ask {
  readonly body: object
  readonly headers: Readonly<Record<string, string>>
}

/** The AuthZEN body of the flags; `--arg n:=3` is JSON, `--arg n=3` is text. */
export async function askOf(
  context: Context,
  options: Options,
  fallback: { action: string; resource: string; args: object } | null = null,
): Promise<Ask> {
  const action = textOption(options, 'action') ?? fallback?.action
  const resource = textOption(options, 'resource') ?? fallback?.resource
  if (action === undefined || resource === undefined)
    throw new MeshError('USAGE', '--action and --resource say what is asked')
  const subject = textOption(options, 'subject')
  const receipt = textOption(options, 'receipt')
  return {
    body: {
      ...(receipt === null
        ? {}
        : { receipt: (await import('./brought.ts')).receiptText(context, receipt) }),
      ...(subject === null ? {} : { subject: entity(subject, '--subject') }),
      action: { name: action, properties: { ...(fallback?.args ?? {}), ...argsOf(options) } },
      resource: entity(resource, '--resource'),
    },
    headers: await headersOf(context, options),
  }
}

/** What comes beside a question: an artifact, what it descends from, its trace. */
export async function headersOf(context: Context, options: Options): Promise<Ask['headers']> {
  const artifact = textOption(options, 'artifact')
  const cause = causeOf(context, options)
  return {
    ...(artifact === null ? {} : (await import('./brought.ts')).artifactOf(context, artifact)),
    ...(cause === null ? {} : { 'meshd-cause': cause }),
    ...traceOf(context),
  }
}

/** Of whoever started this, as OpenTelemetry passes it on in the environment; what is none the daemon drops. */
function traceOf({ io }: Context): Ask['headers'] {
  const trace = io.env['TRACEPARENT'] ?? ''
  return /^[!-~]{1,128}$/.test(trace) ? { traceparent: trace } : {}
}

/** What the environment names is never dropped in silence: who wants no cause takes it out of there. @throws MeshError USAGE */
function causeOf({ io }: Context, options: Options): string | null {
  const named = textOption(options, 'cause')
  const cause = named ?? io.env['MESHD_EXECUTION'] ?? ''
  if (cause === '') return null
  if (isSha256Id(cause)) return cause
  const from = named === null ? 'MESHD_EXECUTION' : '--cause'
  throw new MeshError('USAGE', `${from}: \`${cause}\` is no full id of an execution`, {
    hint: 'meshd explain last -o id',
  })
}

/** @param flag where it was typed. @throws MeshError USAGE */
export function entity(text: string, flag: string): { type: string; id: string } {
  const at = text.indexOf(':')
  if (at < 1) throw new MeshError('USAGE', `${flag}: \`${text}\` is no type:id`)
  return { type: text.slice(0, at), id: text.slice(at + 1) }
}

/** What `--arg` says. @throws MeshError USAGE */
export function argsOf(options: Options): object {
  const given = Array.isArray(options['arg']) ? options['arg'].map(String) : []
  return Object.fromEntries(
    given.map((text) => {
      const [, name, typed, value] = /^([^=:]+)(:?)=(.*)$/s.exec(text) ?? []
      if (name === undefined) throw new MeshError('USAGE', `--arg: \`${text}\` is no name=value`)
      return [name, typed === ':' ? parseArgument(value ?? '', name) : value]
    }),
  )
}

function parseArgument(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeshError('USAGE', `--arg: ${name} is no JSON`, { cause })
  }
}

export function printDecision(context: Context, decision: DecisionView): void {
  printItem(context, {
    kind: 'Decision',
    seenFrom: '',
    item: decision,
    id: decision.id ?? '',
    lines: () => decisionLines(context, decision),
  })
}

function decisionLines({ style, now }: Context, decision: DecisionView): string[] {
  const id = decision.id === null ? 'not recorded' : shortId('dec', decision.id)
  const took = `${decision.durationMs.toFixed(1)} ms`
  if (decision.decision === true) {
    const by = decision.policies
      .map(({ bundle, version, policy }) => `${bundle}@${version} "${policy}"`)
      .join(', ')
    const until = decision.leaseUntil === null ? '-' : clockTime(decision.leaseUntil, now())
    return [`${style.good('ALLOW')}  ${id}   ${took}   lease until ${until}   by policy ${by}`]
  }
  return [
    `${style.bad('DENY')}   ${id}   ${decision.code}   ${decision.detail}`,
    ...(decision.id === null ? [] : [`       why: meshd explain ${shortId('dec', decision.id)}`]),
  ]
}
