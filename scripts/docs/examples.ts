/**
 * The literal examples of docs/protocol.md: real statements, frames, records and
 * lines, printed by the product's own formatters from fixed keys and a fixed time.
 *
 *     <!-- example: invite -->          the block after it is what `examples` has under `invite`
 */
import { Buffer } from 'node:buffer'
import { formatAddCheckpoint } from '../../src/core/add-checkpoint.ts'
import { artifactOf, formatArtifact } from '../../src/core/artifact.ts'
import { textOf, toHex, utf8 } from '../../src/core/bytes.ts'
import { formatCheckpoint } from '../../src/core/checkpoint.ts'
import { cosign, withCosignatures } from '../../src/core/cosignature.ts'
import { formatEnvelope, signEnvelope, signedBytes } from '../../src/core/dsse.ts'
import { idOf, sha256Hex } from '../../src/core/id.ts'
import { formatInvite, inviteId } from '../../src/core/invite.ts'
import { formatRecord } from '../../src/core/record.ts'
import { signAddressRecord } from '../../src/mesh/address-record.ts'
import { signAnnouncement } from '../../src/mesh/announce.ts'
import { formatAnswer, formatHello, proveClaim, proveInvite } from '../../src/mesh/hello-frames.ts'
import { formatLogAnswer, formatLogRequest, type LogRequest } from '../../src/mesh/log-frames.ts'
import { formatStateQuestion, signStateAnswer } from '../../src/mesh/state-frames.ts'
import { formatSyncAnswer, formatSyncRequest } from '../../src/mesh/sync-frames.ts'
import {
  ADDRESS,
  atlas,
  borealis,
  epoch,
  evidence,
  founder,
  freeze,
  invited,
  invocation,
  link,
  member,
  mesh,
  NOW_MS,
  nonce,
  policy,
  revocation,
  root,
} from './cast.ts'
import {
  checkpoint,
  decision,
  digest,
  head,
  issued,
  learned,
  outcome,
  place,
  retired,
} from './leaves.ts'

const claim = { name: 'borealis', log: borealis.log.did, witness: borealis.witness.did, mesh }
const redeeming = {
  invite: inviteId(invited.did),
  mesh,
  joiner: borealis.node.did,
  log: borealis.log.did,
  witness: borealis.witness.did,
  redeemer: atlas.node.did,
}
const summary = {
  mesh,
  root: 1,
  digest,
  envelopes: sha256Hex(utf8('envelopes')),
  waiting: sha256Hex(utf8('node')),
  addresses: sha256Hex(utf8('addresses')),
}
const NONCE = Buffer.from(nonce).toString('base64')
const INCARNATION = Buffer.alloc(16, 5).toString('base64')
const envelope = formatEnvelope(signEnvelope('freeze', freeze, [founder]))

const examples: ReadonlyMap<string, string> = new Map([
  ['root', textOf(root)],
  ['member', textOf(member)],
  ['policy', textOf(policy)],
  ['revocation', textOf(revocation)],
  ['freeze', textOf(freeze)],
  ['epoch', textOf(epoch)],
  ['evidence', textOf(evidence)],
  ['envelope', textOf(envelope)],
  ['envelope-id', idOf(freeze)],
  ['signed', textOf(signedBytes('freeze', freeze).subarray(0, 60))],
  ['artifact', formatArtifact(artifactOf([link], null))],
  ['artifact-cid', link.cid],
  ['closed', formatArtifact(artifactOf([link], invocation))],
  ['invite', invite()],
  ['invite-json', textOf(new Uint8Array(Buffer.from(invite().split(':')[2] ?? '', 'base64url')))],
  [
    'address',
    textOf(
      signAddressRecord({ node: atlas.node.did, addresses: [ADDRESS], seq: NOW_MS }, atlas.node),
    ),
  ],
  ['announcement', textOf(announcement())],
  ['question', textOf(formatStateQuestion({ nonce: NONCE, ids: [idOf(revocation)], own: false }))],
  ['answer', textOf(stateAnswer())],
  ['hello', textOf(hello())],
  ['hello-member', textOf(welcome())],
  ['hello-refused', textOf(formatAnswer({ result: 'refused', code: 'WRONG_MESH' }))],
  ['compare', frame(formatSyncRequest({ ask: 'compare', summary }))],
  [
    'walk',
    frame(formatSyncRequest({ ask: 'walk', tree: 'envelopes', nodes: ['3'], lists: ['7f', 'a'] })),
  ],
  ['roots', frame(formatSyncRequest({ ask: 'roots', from: 2 }))],
  ['fetch', frame(formatSyncRequest({ ask: 'fetch', ids: [idOf(freeze)] }))],
  ['statements', frame(formatSyncAnswer({ say: 'statements', missing: [], blobs: [envelope] }))],
  ['proof', frame(formatSyncRequest({ ask: 'proof', of: summary.waiting, from: 0 }))],
  ['proof-said', frame(formatSyncAnswer({ say: 'proof', more: false, blobs: [envelope] }))],
  ['push', frame(formatSyncRequest({ ask: 'push', blobs: [envelope] }))],
  ['held', frame(formatSyncAnswer({ say: 'held', held: 1 }))],
  ['walked', frame(walked())],
  [
    'summary',
    frame(formatSyncAnswer({ say: 'summary', incarnation: INCARNATION, summary, tops: [] })),
  ],
  ['roots-said', frame(formatSyncAnswer({ say: 'roots', more: false, blobs: [] }))],
  ['addresses', frame(formatSyncRequest({ ask: 'addresses', have: [summary.waiting], blobs: [] }))],
  [
    'addresses-said',
    frame(formatSyncAnswer({ say: 'addresses', want: [summary.waiting], blobs: [] })),
  ],
  ['record', textOf(outcome)],
  ['decision', textOf(decision())],
  ['learned', textOf(learned())],
  ['started', textOf(formatRecord({ ...place(3), type: 'system', event: 'started', detail: '' }))],
  ['retired', textOf(retired())],
  ['issued', textOf(issued())],
  ['record-id', idOf(outcome)],
  ['checkpoint', textOf(checkpoint)],
  ['checkpoint-body', formatCheckpoint(head)],
  ['cosigned', cosigned()],
  ['cosign', frame(formatLogRequest({ ask: 'cosign', body: addCheckpoint() }))],
  ['cosign-said', frame(formatLogAnswer({ say: 'cosigned', line: cosignature() }))],
  ['cosign-size', frame(formatLogAnswer({ say: 'size', size: 40 }))],
  ['cosign-refused', frame(formatLogAnswer({ say: 'refused', why: 'proof' }))],
  ['mirror', frame(formatLogRequest(piece()))],
  ['mirror-holds', frame(formatLogAnswer({ say: 'holds', size: 1, rootHash: head.rootHash }))],
  ['log-questions', logQuestions()],
])

function cosignature(): string {
  const { node, witness } = borealis
  return cosign(textOf(checkpoint), NOW_MS, node.did, witness)
}

function cosigned(): string {
  return withCosignatures(textOf(checkpoint), [cosignature()])
}

function addCheckpoint(): string {
  return formatAddCheckpoint({ old: 0, proof: [], note: textOf(checkpoint) })
}

function piece(): LogRequest {
  const [first, least, note] = [0, 0, textOf(checkpoint)]
  const hashes = { peaks: [], proof: [] }
  return { ask: 'mirror', epoch: 1, first, least, ...hashes, note, records: [outcome] }
}

function logQuestions(): string {
  const questions: readonly LogRequest[] = [
    { ask: 'checkpoint', node: borealis.node.did },
    { ask: 'copy', epoch: 1, first: 40, count: 256 },
    { ask: 'consistency', epoch: 1, from: 40, to: 42 },
    { ask: 'heads', nodes: [borealis.node.did] },
    { ask: 'inclusion', epoch: 1, index: 7, size: 42 },
    { ask: 'records', epoch: 1, first: 40, count: 2 },
    { ask: 'tile', epoch: 1, level: 0, index: 0 },
  ]
  return questions.map((each) => frame(formatLogRequest(each))).join('\n')
}

function invite(): string {
  const secret = new Uint8Array(Buffer.from(sha256Hex(utf8('secret of an invite')), 'hex'))
  return formatInvite({ addresses: [ADDRESS], mesh, root: 1, secret })
}

function announcement(): Uint8Array {
  return signAnnouncement(
    {
      mesh,
      node: atlas.node.did,
      root: 1,
      digest,
      size: 3,
      checkpoint: textOf(checkpoint),
      cosigned: cosigned(),
      timeMs: NOW_MS,
    },
    atlas.witness,
  )
}

function stateAnswer(): Uint8Array {
  return signStateAnswer(
    {
      mesh,
      node: atlas.node.did,
      nonce: NONCE,
      incarnation: INCARNATION,
      checked: true,
      root: 1,
      digest,
      size: 3,
      opened: 1,
      closed: 0,
      checkpoint: null,
      timeMs: NOW_MS,
      held: [true],
      yours: null,
    },
    atlas.witness,
  )
}

function hello(): Uint8Array {
  return formatHello({
    ...claim,
    root: 0,
    proofs: proveClaim(claim, atlas.node.did, [borealis.node, borealis.log, borealis.witness]),
    member: null,
    address: null,
    redemption: { invite: redeeming.invite, signature: proveInvite(redeeming, invited) },
  })
}

function welcome(): Uint8Array {
  return formatAnswer({
    result: 'member',
    mesh,
    name: 'atlas',
    roots: [],
    more: false,
    members: [formatEnvelope(signEnvelope('member', member, [founder]))],
    addresses: [],
  })
}

function walked(): Uint8Array {
  const leaf = { key: idOf(freeze).slice('sha256:'.length), hash: sha256Hex(envelope) }
  const prefix = leaf.key.slice(0, 1)
  return formatSyncAnswer({ say: 'walk', parts: [{ as: 'list', prefix, leaves: [leaf] }] })
}

/** The header line as text; each blob as its length in hex, and what it begins with. */
function frame(bytes: Uint8Array): string {
  const end = bytes.indexOf(0x0a)
  const lines = [`${textOf(bytes.subarray(0, end))}⏎`]
  for (let at = end + 1; at < bytes.length; ) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0)
    const blob = bytes.subarray(at + 4, at + 4 + length)
    const text = blob[0] === 0x7b || /^(old |\u2014 |meshd\/)/.test(Buffer.from(blob).toString())
    const shown = text ? textOf(blob) : toHex(blob)
    lines.push(`${toHex(bytes.subarray(at, at + 4))}   ${shown}`)
    at += 4 + length
  }
  return lines.join('\n')
}

/** The page with each example in the block after its mark. @throws for a mark without an example */
export function filled(page: string, from = examples): string {
  return page.replaceAll(
    /<!-- example: ([a-z-]+) -->\n```text\n[\s\S]*?```/g,
    (_, name: string) => {
      const example = from.get(name)
      if (example === undefined) throw new Error(`there is no example \`${name}\``)
      return `<!-- example: ${name} -->\n\`\`\`text\n${example.replace(/\n$/, '')}\n\`\`\``
    },
  )
}
