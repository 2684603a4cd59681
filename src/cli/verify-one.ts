/** What one receipt, checkpoint or artifact says to whoever holds a trust root. */
import type { RecordView } from '../client/types.ts'
import { parseArtifact } from '../core/artifact.ts'
import { toHex } from '../core/bytes.ts'
import { checkContinuity, checkForm, checkNarrowing, checkSignatures } from '../core/chain.ts'
import { idOf, shortId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import { parseCanonical } from '../core/json.ts'
import { RECORD_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { describe, expiresS, formatScope } from '../core/scope.ts'
import { formatTime } from '../core/shape.ts'
import { type Authority, authorityOf } from '../core/verify/authority.ts'
import { type Head, missingQuorum, openHead } from '../core/verify/head.ts'
import { verifyReceipt } from '../core/verify/receipt.ts'
import type { TrustRoot } from '../core/verify/trust.ts'
import { safe } from './govern.ts'
import { askedOf, whatOf, whoOf } from './record-text.ts'
import { count, shortDid } from './text.ts'
import type { Verified } from './verify.ts'

/** @throws Malformed */
export function verifiedReceipt(bytes: Uint8Array, trust: TrustRoot): Verified {
  const { authority, head, index, record, bytes: leaf, hashes } = verifyReceipt(bytes, trust)
  const id = idOf(leaf)
  const view: RecordView = {
    ...{ id, index, epoch: record.epoch, type: record.type, state: 'published' },
    ...{ witnesses: null, mirrors: null },
    time: formatTime(record.time),
    leaf: parseCanonical(leaf, RECORD_BYTES_MAX) as JsonObject,
  }
  const node = nodeName(head, authority)
  return {
    kind: 'receipt',
    exit: 0,
    checks: [
      `record ${count(index)} hashes into its tree: ${hashes} hashes to the root of ${count(head.checkpoint.size)} records`,
      ...headChecks(head, authority),
    ],
    report: [],
    proven: [sentenceOf(view, node)],
    notProven: [
      ...doubtsOf(head, authority),
      `that ${node} measured its facts truly`,
      `that its clock was right beyond the witnesses' cosignatures (${timesOf(head)})`,
    ],
    details: { record: id, index, leaf: view.leaf },
  }
}

/** @throws Malformed */
export function verifiedCheckpoint(note: Uint8Array, trust: TrustRoot): Verified {
  const authority = authorityOf(trust, [])
  const head = openHead(note, authority)
  if (!head.witnessed) throw new Malformed(missingQuorum(head))
  const { size, rootHash, origin } = head.checkpoint
  return {
    kind: 'checkpoint',
    exit: 0,
    checks: headChecks(head, authority),
    report: [],
    proven: [
      `that the log of ${nodeName(head, authority)} had ${count(size)} records, with root hash ${toHex(rootHash)}, at ${timesOf(head)}`,
    ],
    notProven: ['anything about a record: that takes its receipt'],
    details: { origin, size, rootHash: toHex(rootHash) },
  }
}

/** By the newest root that is known; only revocations that are shown could be known. @throws Malformed */
export function verifiedArtifact(line: Uint8Array, trust: TrustRoot, now: Date): Verified {
  const { links, invocation, cid } = parseArtifact(line)
  const { root } = authorityOf(trust, [])
  const denial =
    checkForm(links) ??
    checkSignatures(links, invocation, (key) => root.roles.issuer.keys.includes(key)) ??
    checkContinuity(links, invocation) ??
    checkNarrowing(links)
  if (denial !== null) throw new Malformed(denial.detail)
  const scope = describe(links)
  const endsMs = expiresS(links) * 1000
  const over = endsMs <= now.getTime()
  const holder = shortDid(links.at(-1)?.aud ?? '')
  return {
    kind: 'artifact',
    exit: over ? 2 : 0,
    checks: [
      `${links.length} of ${links.length} links signed, each narrower than the one above`,
      `${shortDid(links[0]?.iss ?? '')} is an issuer in root v${root.version}`,
    ],
    report: [],
    proven: [
      `that ${holder} ${over ? 'might' : 'may'} ${formatScope(scope)} until ${formatTime(endsMs)}${over ? ': EXPIRED' : ''}`,
    ],
    notProven: ['that nobody revoked it: ask a member with meshd artifact verify'],
    details: { artifact: cid, name: shortId('art', cid), expiresAt: formatTime(endsMs) },
  }
}

/** Who signed a checkpoint, and who cosigned it. */
export function headChecks(head: Head, authority: Authority): readonly string[] {
  const { cosignatures, under } = head
  const node = nodeName(head, authority)
  const retired = head.keyRetired ? ', by a log key that was retired since' : ''
  const former =
    under.version === authority.root.version ? '' : `, all under former root v${under.version}`
  const quorum = `${cosignatures.length} of ${under.witnesses.length} (${under.lease.write} needed)`
  return [
    `checkpoint signed by ${node}, a member under root v${authority.root.version}${retired}`,
    ...(head.witnessed ? [`cosigned ${quorum}${former}`] : []),
  ]
}

/** Evidence against the log itself: it signed two histories, and this is one of them. */
export function doubtsOf({ node }: Pick<Head, 'node'>, authority: Authority): readonly string[] {
  const evidence = authority.governance.distrusted.get(node)
  if (evidence === undefined) return []
  const short = shortId('evd', evidence.id)
  return [
    `that this is the only history of ${nodeName({ node }, authority)}: it signed two (${short})`,
  ]
}

export function nodeName({ node }: Pick<Head, 'node'>, authority: Authority): string {
  return safe(authority.nameOf(node) ?? shortDid(node))
}

/** When the witnesses saw it, by their own clocks. */
export function timesOf({ cosignatures }: Head): string {
  const times = cosignatures.map(({ timeMs }) => timeText(timeMs))
  return [...new Set(times)].sort().join(', ')
}

/** `2026-11-23 14:15:12 UTC`: evidence is read elsewhere, and later. */
function timeText(ms: number): string {
  return `${formatTime(ms).slice(0, 19).replace('T', ' ')} UTC`
}

function sentenceOf(record: RecordView, node: string): string {
  const { leaf } = record
  const when = `On ${timeText(Date.parse(record.time))} ${node}`
  if (record.type !== 'decision') return `${when} recorded: ${whatOf(record)}`
  const did = leaf['effect'] === 'allow' ? 'allowed' : 'denied'
  const words = leaf['detail'] === null ? '' : ` ${safe(leaf['detail'])}`
  const why = leaf['code'] === null ? '' : `: ${safe(leaf['code'])}${words}`
  return `${when} ${did} ${whoOf(record, [])} ${askedOf(record).replace('  ', ' ')}${why}`
}
