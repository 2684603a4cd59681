/**
 * What an evidence bundle is made of, as a tar or as a folder. The log stands
 * in it as C2SP tlog-tiles has it; the rest is what its reader needs:
 *
 *   manifest                 the hash of every other file; `sha256sum -c manifest` reads it
 *   checkpoint               the log's newest, as its key signed it
 *   checkpoint.witnessed     the newest that a quorum cosigned, where that is another one
 *   policy                   who signs the log and who must cosign, as C2SP tlog-policy has it
 *   tile/<L>/<N>[.p/<W>]     hashes, all of them
 *   tile/entries/<N>[.p/<W>] records: of a whole log
 *   records/<index>          records: of a case; the others are there by their hashes alone
 *   statements/<id>.json     envelopes: every root, membership, policy, revocation, freeze
 *   tokens/<cid>             links and invocations that decisions were asked with
 *   receipts/<id>.tlog-proof receipts that proved their causes
 *   receipts/<id>-<index>.tlog-proof  what one record had instead, or what did not prove it
 *   disclosures/<index>      what a record commits to without saying it, as far as it may be known
 */
import { textOf, utf8 } from './bytes.ts'
import { witnessName, witnessVkey } from './cosignature.ts'
import { type Cid, isCid, type RecordId, type StatementId, sha256Hex } from './id.ts'
import { formatJson, type Json, parseCanonical } from './json.ts'
import type { Did } from './keys.ts'
import { LOG_RECORDS_MAX, MANIFEST_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { vkey } from './note.ts'
import type { Root } from './statement/root.ts'
import { isTarName } from './tar.ts'

export const MANIFEST = 'manifest'
export const CHECKPOINT = 'checkpoint'
export const WITNESSED = 'checkpoint.witnessed'
export const POLICY = 'policy'

/** Files by their names; reading one waits for nothing. */
export interface Files {
  readonly names: readonly string[]
  /** @throws Malformed when there is none */
  read(name: string): Uint8Array
}

export interface Manifest {
  readonly origin: string
  /** Records from here on are in it; the ones before were pruned. A multiple of 256. */
  readonly first: number
  /** What was asked for; null for the whole log. */
  readonly of: Json
  /** Name → sha256 (hex), sorted by name. */
  readonly files: ReadonlyMap<string, string>
}

/** Comments are no lines of `sha256sum`; the last of them holds the hash of everything above it. */
export function formatManifest({ origin, first, of, files }: Manifest): Uint8Array {
  const names = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = names.map(([name, hash]) => `${hash}  ${name}\n`)
  const head = `${HEAD}# log ${origin}\n# first ${first}\n# case ${formatJson(of)}\n`
  const text = head + lines.join('')
  return utf8(`${text}# sha256 ${sha256Hex(utf8(text))}\n`)
}

const HEAD = '# meshd evidence v1\n'

/** The exact inverse of formatManifest. @throws Malformed */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_BYTES_MAX) throw new Malformed('the manifest is too long')
  const text = textOf(bytes)
  const match = /^# meshd evidence v1\n# log (.+)\n# first ([0-9]+)\n# case (.+)\n/.exec(text)
  if (match === null) throw new Malformed('the manifest does not begin as one')
  const [head, origin = '', first, of = ''] = match
  const files = new Map<string, string>()
  for (const line of text.slice(head.length).split('\n').slice(0, -2)) {
    const [, hash, name] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? []
    if (hash === undefined || name === undefined || !isTarName(name))
      throw new Malformed('a line of the manifest is no hash of a file')
    files.set(name, hash)
  }
  const manifest = {
    origin,
    first: Number(first),
    of: parseCanonical(utf8(of), MANIFEST_BYTES_MAX),
    files,
  }
  if (manifest.first > LOG_RECORDS_MAX || textOf(formatManifest(manifest)) !== text)
    throw new Malformed('the manifest is not what its last line says')
  return manifest
}

export function recordName(index: number): string {
  return `records/${index}`
}

export function statementName(id: StatementId): string {
  return `statements/${id.slice('sha256:'.length)}.json`
}

export const DISCLOSURES = 'disclosures/'

/** Of one record. */
export function disclosureName(index: number): string {
  return `${DISCLOSURES}${index}`
}

/** Of an execution that was a cause. @param index of the record that alone had this one */
export function receiptName(execution: RecordId, index: number | null = null): string {
  const own = index === null ? '' : `-${index}`
  return `receipts/${execution.slice('sha256:'.length)}${own}.tlog-proof`
}

export function tokenName(cid: Cid): string {
  return `tokens/${cid}`
}

/** null for every other name. */
export function tokenOf(name: string): Cid | null {
  const cid = name.slice('tokens/'.length)
  return name.startsWith('tokens/') && isCid(cid) ? cid : null
}

/**
 * Who signs a log and who must cosign it, for other programs (C2SP tlog-policy):
 *
 *   log meshd/9f86…/1+<id>+<key>
 *   witness z6Mk… z6Mk…+<id>+<key>
 *   group witnesses 2 z6Mk… z6Mk… z6Mk…
 *   quorum witnesses
 */
export function formatPolicy(
  log: { readonly origin: string; readonly key: Did },
  root: Pick<Root, 'lease'>,
  witnesses: readonly { readonly node: Did; readonly key: Did }[],
): string {
  const names = witnesses.map(({ node }) => witnessName(node))
  return [
    `log ${vkey(log.origin, log.key)}`,
    ...witnesses.map(({ node, key }) => `witness ${witnessName(node)} ${witnessVkey(node, key)}`),
    `group witnesses ${root.lease.write} ${names.join(' ')}`,
    'quorum witnesses',
    '',
  ].join('\n')
}
