/** What an evidence bundle says to whoever holds a trust root: what is witnessed and what is not, what is missing, what was retired. */
import type { Files } from '../core/evidence-bundle.ts'
import { shortId } from '../core/id.ts'
import type { PolicyEngine } from '../core/policy.ts'
import { jsonText } from '../core/text.ts'
import { type EvidenceBundle, verifyBundle } from '../core/verify/evidence-bundle.ts'
import { UNJUDGEABLE } from '../core/verify/rejudge.ts'
import { type Replay, replay } from '../core/verify/replay.ts'
import type { TrustRoot } from '../core/verify/trust.ts'
import { safe } from './govern.ts'
import { count, plural } from './text.ts'
import type { Verified } from './verify.ts'
import { doubtsOf, headChecks, nodeName, timesOf } from './verify-one.ts'

/** @throws Malformed */
export function verifiedBundle(
  files: Files,
  trust: TrustRoot,
  engine: PolicyEngine | null,
): Verified {
  const evidence = verifyBundle(files, trust)
  const replayed = engine === null ? null : replay(files, evidence, engine)
  const { authority, witnessed, manifest, records } = evidence
  const node = nodeName(witnessed, authority)
  return {
    kind: 'evidence',
    // Another answer to the same question: the record, or what decided, is not what it says.
    exit: replayed === null || replayed.same === replayed.judged ? 0 : 3,
    checks: [
      `${plural(manifest.files.size, 'file')}, each as the manifest says`,
      `${plural(authority.statements.size, 'statement')}, each signed as its type needs, down from root v1 to v${authority.root.version}`,
      ...headChecks(witnessed, authority),
      `${plural(records.count, 'record')} of ${node}, each in the tree of ${count(evidence.head.checkpoint.size)}`,
    ],
    report: [...reportOf(evidence), ...(replayed === null ? [] : replayText(replayed))],
    proven: [provenText(evidence, node)],
    notProven: notProven(evidence, node),
    details: {
      ...detailsOf(evidence),
      ...(replayed === null ? {} : { replay: replayJson(replayed) }),
    },
  }
}

function reportOf(evidence: EvidenceBundle): readonly string[] {
  const { head, witnessed, manifest, records } = evidence
  const { first } = manifest
  const [size, sure] = [head.checkpoint.size, witnessed.checkpoint.size]
  const gaps = gapsOf(evidence)
  return [
    [
      `records ${range(first, size)}`,
      `witnessed ${range(first, sure)}`,
      `unwitnessed ${range(sure, size)}`,
      `gaps ${gaps.length}`,
      `withheld values ${count(records.withheld)} (their digests hold)`,
      ...committedText(records),
    ].join('   '),
    ...gaps.map((gap) => `! ${gap}`),
  ]
}

/** Of what records only commit to: each disclosed value was checked, and a redacted one is in the tree by its commitment. */
function committedText({ disclosed, redacted }: EvidenceBundle['records']): readonly string[] {
  if (disclosed + redacted === 0) return []
  return [
    `disclosed fields ${count(disclosed)}`,
    `redacted fields ${count(redacted)} (commitments hold)`,
  ]
}

function replayText({ judged, same, differing, notJudged }: Replay): readonly string[] {
  const others = judged - same
  const named = differing.map(
    ({ index, id, detail }) => `✗ ${shortId('dec', id)} record ${count(index)}: ${safe(detail)}`,
  )
  return [
    `replayed ${plural(judged, 'decision')}: ${count(same)} same${others > 0 ? `   ${count(others)} otherwise` : ''}`,
    ...named,
    ...[...notJudged].map(
      ([why, many]) => `! ${plural(many, 'decision')} not replayed: ${UNJUDGEABLE[why]}`,
    ),
  ]
}

function replayJson({ judged, same, differing, notJudged }: Replay): object {
  return { judged, same, differing, notJudged: Object.fromEntries(notJudged) }
}

/** What is known to be missing. */
function gapsOf({ manifest, head, records, authority }: EvidenceBundle): readonly string[] {
  const { first, of } = manifest
  const left = head.checkpoint.size - first - records.count
  const lost = [...records.learned].filter((id) => !authority.statements.has(id)).length
  const [, , , epoch] = head.checkpoint.origin.split('/')
  return [
    ...(first > 0 ? [`records ${range(0, first)} were pruned: only their hashes are here`] : []),
    ...(of !== null && left > 0
      ? [
          `${plural(left, 'record')} outside of the case ${safe(jsonText(of))}: only their hashes are here`,
        ]
      : []),
    ...(lost > 0 ? [`${plural(lost, 'statement')} that records name are not here`] : []),
    ...(epoch === '1' ? [] : [`the logs of epochs before ${epoch} are not here`]),
  ]
}

function provenText({ head, witnessed, manifest, records }: EvidenceBundle, node: string): string {
  const what =
    manifest.of === null
      ? `that these are all records of ${node}, in this order`
      : `that these ${count(records.count)} are records of ${node}`
  const sure = range(manifest.first, witnessed.checkpoint.size)
  const upTo = witnessed.checkpoint.size < head.checkpoint.size ? `, up to record ${sure}` : ''
  return `${what}, as the witnesses saw them at ${timesOf(witnessed)}${upTo}`
}

function notProven(bundle: EvidenceBundle, node: string): readonly string[] {
  const { head, witnessed, manifest, authority } = bundle
  const [size, sure] = [head.checkpoint.size, witnessed.checkpoint.size]
  return [
    ...doubtsOf(head, authority),
    ...(manifest.of === null ? [] : ['that no other record belongs to the case']),
    ...(sure < size
      ? [`records ${range(sure, size)}, which rest on the word of ${node} alone`]
      : []),
    'what was recorded afterwards',
    `that ${node} measured its facts truly`,
  ]
}

function detailsOf({ head, witnessed, manifest, records }: EvidenceBundle): object {
  return {
    origin: head.checkpoint.origin,
    case: manifest.of,
    first: manifest.first,
    size: head.checkpoint.size,
    witnessed: witnessed.checkpoint.size,
    records: records.count,
    decisions: records.decisions,
    withheld: records.withheld,
    disclosed: records.disclosed,
    redacted: records.redacted,
    keyRetired: head.keyRetired,
  }
}

/** `0 – 12 103`: the last one is named. */
function range(from: number, to: number): string {
  return from < to ? `${count(from)} – ${count(to - 1)}` : 'none'
}
