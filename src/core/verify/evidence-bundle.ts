/**
 * An evidence bundle, verified by whoever holds a trust root. Every file is
 * accounted for; every hash of the tree is computed anew from what is below
 * it; every record hashes to its leaf, and stands where it says.
 *
 *     files ─ manifest      nothing is missing, changed or added
 *     statements ─ trust    who may sign what
 *     checkpoint ─ tree     the log's key and a quorum of witnesses signed this very tree
 *     records ─ leaves      these are its records
 */
import { textOf } from '../bytes.ts'
import { parseEnvelope, statementIdOf } from '../dsse.ts'
import {
  CHECKPOINT,
  type Files,
  formatPolicy,
  MANIFEST,
  type Manifest,
  POLICY,
  parseManifest,
  statementName,
  tokenOf,
  WITNESSED,
} from '../evidence-bundle.ts'
import { type Cid, cidOf, sha256Hex } from '../id.ts'
import { Malformed } from '../malformed.ts'
import { type Authority, authorityOf } from './authority.ts'
import { type Head, missingQuorum, openHead } from './head.ts'
import { checkRecords, type RecordSummary } from './records.ts'
import { checkTree } from './tree.ts'
import type { TrustRoot } from './trust.ts'

export interface EvidenceBundle {
  readonly authority: Authority
  /** The newest checkpoint of the log. */
  readonly head: Head
  /** The newest that a quorum cosigned; its records are witnessed. */
  readonly witnessed: Head
  readonly manifest: Manifest
  readonly records: RecordSummary
  readonly tokens: ReadonlySet<Cid>
}

/** @throws Malformed with the reason why it proves nothing */
export function verifyBundle(files: Files, trust: TrustRoot): EvidenceBundle {
  const manifest = parseManifest(files.read(MANIFEST))
  checkFiles(files, manifest)
  const authority = authorityOf(trust, statementsIn(files))
  const head = headIn(files, CHECKPOINT, manifest, authority)
  const witnessed = files.names.includes(WITNESSED)
    ? headIn(files, WITNESSED, manifest, authority)
    : head
  if (!witnessed.witnessed) throw new Malformed(missingQuorum(witnessed))
  if (witnessed.checkpoint.size > head.checkpoint.size)
    throw new Malformed('the witnessed checkpoint is of a longer log')
  checkPolicy(files, head, authority)
  checkTree(files, [head.checkpoint, witnessed.checkpoint])
  const { node, epoch, checkpoint } = head
  const records = checkRecords(files, { node, epoch, size: checkpoint.size }, manifest)
  return { authority, head, witnessed, manifest, records, tokens: tokensIn(files) }
}

/** All that are listed and no others, with the hashes that are listed. */
function checkFiles(files: Files, manifest: Manifest): void {
  for (const name of files.names)
    if (name !== MANIFEST && !manifest.files.has(name))
      throw new Malformed(`${name} is not in the manifest`)
  const present = new Set(files.names)
  for (const [name, hash] of manifest.files) {
    if (!present.has(name)) throw new Malformed(`${name} is missing`)
    if (sha256Hex(files.read(name)) !== hash)
      throw new Malformed(`${name} is not what the manifest says`)
    if (!isKnown(name)) throw new Malformed(`${name} has no place in evidence`)
  }
}

const PLACES = /^(?:tile|records|statements|tokens|receipts|disclosures)\//
const FIXED: readonly string[] = [CHECKPOINT, WITNESSED, POLICY]

function isKnown(name: string): boolean {
  return FIXED.includes(name) || PLACES.test(name)
}

function statementsIn(files: Files): readonly Uint8Array[] {
  return files.names
    .filter((name) => name.startsWith('statements/'))
    .map((name) => {
      const bytes = files.read(name)
      if (statementName(statementIdOf(parseEnvelope(bytes))) !== name)
        throw new Malformed(`${name} holds another statement`)
      return bytes
    })
}

function headIn(files: Files, name: string, { origin }: Manifest, authority: Authority): Head {
  const head = openHead(files.read(name), authority)
  if (head.checkpoint.origin !== origin)
    throw new Malformed(`${name} is of another log than the manifest says`)
  return head
}

/** Other programs would believe it, so it must say what the root says. */
function checkPolicy(files: Files, { checkpoint, logKey }: Head, authority: Authority): void {
  const expected = policyOf(checkpoint.origin, logKey, authority)
  if (textOf(files.read(POLICY)) !== expected)
    throw new Malformed('the policy is not what the newest root says')
}

export function policyOf(origin: string, key: Head['logKey'], authority: Authority): string {
  const { root, memberships } = authority
  const witnesses = root.witnesses.flatMap((node) => {
    const [member] = memberships(node)
    return member === undefined ? [] : { node, key: member.witness }
  })
  return formatPolicy({ origin, key }, root, witnesses)
}

function tokensIn(files: Files): ReadonlySet<Cid> {
  const tokens = new Set<Cid>()
  for (const name of files.names.filter((each) => each.startsWith('tokens/'))) {
    const cid = tokenOf(name)
    if (cid === null || cidOf(files.read(name)) !== cid)
      throw new Malformed(`${name} holds another token`)
    tokens.add(cid)
  }
  return tokens
}
