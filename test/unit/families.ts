/**
 * Parents to descend from: bob ran something at borealis, its record is in the
 * log of borealis, atlas and borealis cosigned that log. carol, to whom bob
 * handed on, asks atlas and names it as her cause.
 */
import { ARGS, atlas, borealis, close, link, person } from '../../scripts/vectors/tokens.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { cosign, withCosignatures } from '../../src/core/cosignature.ts'
import { decisionDraft } from '../../src/core/decision-record.ts'
import { idOf, type RecordId } from '../../src/core/id.ts'
import { recordLink } from '../../src/core/ipld.ts'
import { formatJson, type Json, type JsonObject } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import type { JudgeInput } from '../../src/core/judgement.ts'
import type { Did, Signer } from '../../src/core/keys.ts'
import { leafHash } from '../../src/core/merkle.ts'
import type { Governed } from '../../src/core/presented.ts'
import { proveInclusion } from '../../src/core/proof.ts'
import { formatReceipt } from '../../src/core/receipt.ts'
import { formatTime } from '../../src/core/shape.ts'
import {
  facts,
  type GovernanceFields,
  governance,
  input,
  MESH,
  NOW_MS,
  presentedOf,
  request,
} from './judgements.ts'
import { mth, nodesOf } from './merkle-model.ts'

/** Three keys of each node: its log's and its witness's are its own. */
const KEYS = new Map<Did, { readonly log: Signer; readonly witness: Signer }>([
  [atlas.did, { log: person(5), witness: person(6) }],
  [borealis.did, { log: person(7), witness: person(8) }],
])

/** A mesh in which two witnesses cosign, each with a key of its own. */
export function familyGovernance(fields: GovernanceFields = {}): Governed {
  const given = governance(fields)
  const members = new Map(
    [...given.members].map(([did, member]) => {
      const keys = KEYS.get(did)
      if (keys === undefined) return [did, member]
      return [did, { ...member, log: keys.log.did, witness: keys.witness.did }]
    }),
  )
  return { ...given, members }
}

export interface Birth {
  readonly governance?: Governed
  readonly presented?: JudgeInput['presented']
  readonly parent?: JudgeInput['parent']
  /** What it names as its own cause. */
  readonly cause?: RecordId
  readonly timeMs?: number
  readonly index?: number
  /** Fields of the leaf to replace. */
  readonly leaf?: JsonObject
}

/** The leaf of bob's allow at borealis. */
export function birth(of: Birth = {}): Uint8Array {
  const links = [link(0)]
  const cause = of.cause === undefined ? {} : { cause: recordLink(of.cause) }
  const given = input({
    request: request({}, of.cause ?? null),
    presented: of.presented ?? presentedOf(links, close(links, { aud: borealis.did, ...cause })),
    parent: of.parent ?? null,
    governance: of.governance ?? familyGovernance(),
    facts: { ...facts(), node: { id: borealis.did, name: 'borealis', labels: new Map() } },
  })
  const judgement = judge(given)
  const draft = decisionDraft({
    ...{ input: given, judgement, denial: judgement.denial, supersedes: null, unrecorded: 0 },
    ...{ gateway: null, durationUs: 410 },
  })
  const head: Record<string, Json> = {
    index: of.index ?? 2,
    time: formatTime(of.timeMs ?? NOW_MS - 5000),
    node: borealis.did,
    epoch: 1,
  }
  return utf8(formatJson({ ...draft, ...head, ...of.leaf }))
}

export interface Proof {
  /** Records of the log; the one that is proven stands at its place. */
  readonly size?: number
  readonly index?: number
  readonly log?: Signer
  /** Who cosigns. */
  readonly by?: readonly { readonly node: Did; readonly key: Signer }[]
  readonly origin?: string
}

export const WITNESSES = [atlas.did, borealis.did].map((node) => {
  const key = KEYS.get(node)?.witness
  if (key === undefined) throw new Error('a witness has a key')
  return { node, key }
})

/** Its receipt, from the log of borealis. */
export function receiptOf(record: Uint8Array, of: Proof = {}): Uint8Array {
  const { size = 5, index = 2, by = WITNESSES, log = person(7) } = of
  const records = Array.from({ length: size }, (_, i) =>
    i === index ? record : utf8(`{"index":${i}}`),
  )
  const leaves = records.map(leafHash)
  const origin = of.origin ?? logOrigin(MESH, borealis.did, 1)
  const note = textOf(signCheckpoint({ origin, size, rootHash: mth(leaves) }, log))
  const lines = by.map(({ node, key }) => cosign(note, NOW_MS - 3000, node, key))
  return formatReceipt({
    record,
    statements: [],
    index,
    proof: proveInclusion(index, size, nodesOf(leaves)),
    checkpoint: utf8(withCosignatures(note, lines)),
  })
}

/** What carol, or whoever, asks of atlas, with that cause and that proof of it. */
export function descendant(
  record: Uint8Array,
  receipt: Uint8Array | null,
  over: Partial<JudgeInput> = {},
): JudgeInput {
  const cause = idOf(record)
  const links = [link(0), link(1)]
  return input({
    request: request({ resource: ARGS.resource }, cause),
    presented: presentedOf(links, close(links, { cause: recordLink(cause) })),
    parent:
      receipt === null ? { kind: 'none', detail: 'nobody has it' } : { kind: 'receipt', receipt },
    governance: familyGovernance(),
    ...over,
  })
}
