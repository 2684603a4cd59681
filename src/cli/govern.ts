/**
 * How a person governs: a statement is made here, shown, signed with a key of
 * the operator's own store, and handed to the daemon as a finished envelope.
 * The daemon never holds a role key, but for the admitter's where invites are made.
 */
import type { RootView, StatementView, View } from '../client/types.ts'
import { textOf, utf8 } from '../core/bytes.ts'
import {
  addSignature,
  type Envelope,
  formatEnvelope,
  parseEnvelope,
  type StatementType,
  signEnvelope,
} from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import { shortId, type Tag } from '../core/id.ts'
import type { Signer } from '../core/keys.ts'
import { MESSAGE_BYTES_MAX, STATEMENT_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { type Draft, formatStatement } from '../core/statement/statement.ts'
import { stripControls } from '../core/text.ts'
import type { Context } from './context.ts'
import { terminal } from './context.ts'
import { printItem } from './output.ts'
import { type Options, textOption } from './spec.ts'

export const KEY_OPTIONS = [
  { flags: '--as <key>', says: 'sign with this key of the key store' },
  { flags: '--passphrase-file <file>', says: 'its passphrase' },
] as const

export const TAGS: Record<StatementType, Tag> = {
  root: 'root',
  member: 'mem',
  policy: 'pol',
  revocation: 'rev',
  freeze: 'frz',
  epoch: 'epo',
  evidence: 'evd',
}

/** What every statement but a root carries. */
export interface Common {
  readonly mesh: StatementId
  readonly root: number
  readonly issuedMs: number
  readonly message: string | null
}

export async function newestRoot(context: Context): Promise<RootView> {
  return (await context.client('read').get<View<'Root', RootView>>('/v1/root')).item
}

export async function commonOf(context: Context): Promise<Common> {
  const { mesh, version } = await newestRoot(context)
  return {
    mesh: mesh as StatementId,
    root: version,
    issuedMs: context.now().getTime(),
    message: messageOf(context),
  }
}

export function messageOf({ globals }: Context): string | null {
  if (globals.message !== null && utf8(globals.message).length > MESSAGE_BYTES_MAX)
    throw new MeshError('TOO_LARGE', `the message is longer than ${MESSAGE_BYTES_MAX} bytes`)
  return globals.message
}

/** What was typed as a statement; what its strict form refuses was typed wrong. @throws MeshError USAGE */
export function payloadOf(draft: Draft): Uint8Array {
  try {
    return formatStatement(draft)
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause
    throw new MeshError('USAGE', cause.message, { cause })
  }
}

export interface RoleSigner {
  readonly name: string
  readonly signer: Signer
}

/** Of one statement: keys that count beside those in role, and those that signed it already. */
interface Signing {
  readonly also: readonly string[]
  readonly signed: readonly string[]
}

/** A key of the store in one of the roles: the one named by --as, else the first that has not signed. @throws MeshError ROLE_MISSING */
export async function signerFor(
  context: Context,
  roles: readonly string[],
  options: Options,
  { also, signed }: Signing = { also: [], signed: [] },
): Promise<RoleSigner> {
  const { KeyStore } = await import('../daemon/key-store.ts')
  const store = new KeyStore(context.io.env)
  const root = await newestRoot(context)
  const inRole = (did: string) =>
    also.includes(did) || roles.some((role) => root.roles[role]?.keys.includes(did) === true)
  const wanted = textOption(options, 'as')
  const own = store.list().filter((key) => key.own && (wanted === null || key.name === wanted))
  if (wanted !== null && own.length === 0)
    throw new MeshError('KEY_UNAVAILABLE', `no key \`${wanted}\` in ${store.dir}`)
  const inRoles = own.filter(({ did }) => inRole(did))
  const key = inRoles.find(({ did }) => !signed.includes(did))
  if (key === undefined) throw roleMissing(inRoles.length > 0, wanted, store.dir, roles, root)
  return { name: key.name, signer: store.signer(key.name, passphraseOf(context, options)) }
}

function roleMissing(
  signed: boolean,
  wanted: string | null,
  dir: string,
  roles: readonly string[],
  { version }: RootView,
): MeshError {
  const role = `role ${roles.join(' or ')} of root v${version}`
  if (signed)
    return new MeshError(
      'ROLE_MISSING',
      `${wanted === null ? `every key in ${dir} that is in ${role}` : `\`${wanted}\``} has signed it already`,
      { hint: 'meshd sign, by somebody else' },
    )
  const who = wanted === null ? `no key in ${dir} is` : `\`${wanted}\` is not`
  return new MeshError('ROLE_MISSING', `${who} in ${role}`)
}

export function passphraseOf(context: Context, options: Options): string | null {
  const file = textOption(options, 'passphraseFile')
  return file === null ? null : textOf(context.read(file, MESSAGE_BYTES_MAX)).replace(/\r?\n$/, '')
}

/** Asks before what cannot be undone; without a terminal it takes --yes or full ids for consent. */
export async function consent(context: Context, question: string): Promise<void> {
  if (context.globals.dryRun || !terminal(context.io, context.globals)) return
  if (!(await context.confirm(question)))
    throw new MeshError('USAGE', 'nothing was signed', { hint: 'answer y to sign' })
}

export async function signNew(
  type: StatementType,
  payload: Uint8Array,
  { signer }: RoleSigner,
): Promise<Envelope> {
  return signEnvelope(type, payload, [signer])
}

export async function addOwnSignature(
  view: StatementView,
  { signer }: RoleSigner,
): Promise<Envelope> {
  return addSignature(parseEnvelope(utf8(view.envelope)), signer)
}

/** Hands it to the daemon, or with --dry-run prints it. */
export async function submit(context: Context, envelope: Envelope): Promise<StatementView | null> {
  const text = textOf(formatEnvelope(envelope))
  if (utf8(text).length > STATEMENT_BYTES_MAX)
    throw new MeshError('TOO_LARGE', `the statement is larger than ${STATEMENT_BYTES_MAX} bytes`)
  if (context.globals.dryRun) {
    context.data(text)
    return null
  }
  return (
    await context.client('admin').postText<View<'Statement', StatementView>>('/v1/statements', text)
  ).item
}

/** `rev_0a77e4c1   effective, 1 of 1 signatures`, or what is missing and who can add it. */
export function printSubmitted(context: Context, view: StatementView, what: string): void {
  const short = shortId(TAGS[view.type], view.id)
  const state = view.state === 'pending' ? 'PENDING' : view.state.toUpperCase()
  printItem(context, {
    kind: 'Statement',
    seenFrom: '',
    item: view,
    id: view.id,
    lines: () => [
      `${short}  ${what}  ${state}  ${signaturesText(view.needs)}`.replace('   ', '  '),
      ...(view.state === 'pending' ? [waitText(view)] : []),
    ],
  })
}

/** `1 of 2 signatures`; for a root that lacks them by other keys than its last one `1 of 1 by root v1, 0 of 2 by root v2`. */
export function signaturesText({ threshold, missing, each }: StatementView['needs']): string {
  if (each.some((one) => one.threshold !== threshold || one.missing !== missing))
    return each
      .map((one) => `${one.threshold - one.missing} of ${one.threshold} by root v${one.root}`)
      .join(', ')
  return `${threshold - missing} of ${threshold} ${threshold === 1 ? 'signature' : 'signatures'}`
}

function waitText({ id, type, needs }: StatementView): string {
  if (needs.missing > 0) return `another ${needs.role} signer: meshd sign ${id}`
  return type === 'root'
    ? 'all signatures are there: it waits for the version before it, or for a witness to become a member'
    : 'all signatures are there: it waits for the root under which it was signed'
}

export function safe(text: unknown): string {
  return stripControls(String(text))
}
