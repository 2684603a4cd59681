/** One leaf of each type, and the head of a log that holds one of them. */
import { utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { CHECK_NAMES } from '../../src/core/checks/check.ts'
import { idOf, sha256Hex } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { append, EMPTY, leafHash, rootHash } from '../../src/core/merkle.ts'
import { formatRecord } from '../../src/core/record.ts'
import {
  atlas,
  borealis,
  deployer,
  epoch,
  expS,
  founder,
  freeze,
  invocation,
  link,
  mesh,
  NOW_MS,
  policy,
} from './cast.ts'

export const outcome = formatRecord({
  index: 0,
  time: NOW_MS,
  node: atlas.node.did,
  epoch: 1,
  type: 'outcome',
  execution: idOf(utf8('the record of its allow')),
  outcome: 'ok',
  status: 0,
  stop: null,
})
export const head = {
  origin: logOrigin(mesh, atlas.node.did, 1),
  size: 1,
  rootHash: rootHash(append(EMPTY, leafHash(outcome))),
}
export const checkpoint = signCheckpoint(head, atlas.log)

export const digest = sha256Hex(utf8('a governance digest'))

export function place(index: number) {
  return { index, time: NOW_MS, node: atlas.node.did, epoch: 1 }
}

const caller = {
  ...{ principal: deployer.did, name: 'deployer', uid: 1001, gid: 1001, pid: 4242 },
  ...{ socket: '/run/meshd/meshd.sock', identified: true },
}
const committed = (value: JsonObject) => ({ digest: sha256Hex(utf8(formatJson(value))), value })

/** An allow. */
export function decision(): Uint8Array {
  const policies = [{ bundle: 'ci', version: 1, policy: 'granted' }]
  return formatRecord({
    ...place(4),
    ...{ type: 'decision', effect: 'allow', code: null, detail: null, hint: null },
    checks: CHECK_NAMES.map((name, at) => ({ n: at + 1, name, ok: true, code: null, detail: '…' })),
    request: {
      ...{ digest: sha256Hex(utf8('the request')), subject: null, action: 'job:deploy' },
      ...{ resource: { type: 'env', id: 'staging' }, args: committed({}), claims: committed({}) },
      ...{ cause: null, traceparent: null },
    },
    ...{ artifact: link.cid, invocation: invocation.cid, links: [link.cid] },
    ...{ principal: deployer.did, principals: [founder.did, deployer.did] },
    ...{ policies, bundles: [{ bundle: 'ci', version: 1, id: idOf(policy) }] },
    policyDigest: sha256Hex(utf8('the bundles in force')),
    observed: null,
    governance: { mesh, root: 1, digest },
    lease: {
      ...{ held: true, witnesses: [atlas.node.did], need: 1, of: 1, remainingMs: 60_000 },
      ...{ stalenessMs: null, clockOffsetMs: null, clockTrusted: true, why: null },
    },
    caller,
    facts: committed({ meshd: { runtime: { uid: 1001 } } }),
    ...{ gateway: null, supersedes: null, unrecorded: 0, durationUs: 812 },
  })
}

export function learned(): Uint8Array {
  return formatRecord({
    ...place(5),
    ...{ type: 'statement', statement: idOf(freeze), kind: 'freeze', state: 'effective' },
    ...{ from: borealis.node.did, changed: [], digest, summary: 'principal frozen' },
  })
}

export function issued(): Uint8Array {
  return formatRecord({
    ...place(6),
    ...{ type: 'artifact', event: 'issued', artifact: link.cid, links: [link.cid] },
    ...{ issuer: founder.did, audience: deployer.did, summary: 'job:deploy on env:staging' },
    ...{ expires: expS * 1000, caller },
  })
}

/** The first record of a log that follows another. */
export function retired(): Uint8Array {
  return formatRecord({
    ...{ ...place(0), epoch: 2, type: 'epoch', statement: idOf(epoch), previousSize: 9 },
    ...{ previousRootHash: sha256Hex(utf8('the retired log')), overruled: false },
  })
}
