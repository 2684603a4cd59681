/** Who and what the examples of docs/protocol.md are about: two nodes, one founder, one mesh, from fixed keys and a fixed time. */
import { Buffer } from 'node:buffer'
import { assert } from '../../src/core/assert.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { closeWith } from '../../src/core/closing.ts'
import { parseDelegation, signDelegation } from '../../src/core/delegation.ts'
import { compileGrant } from '../../src/core/grant.ts'
import { idOf, sha256, sha256Hex } from '../../src/core/id.ts'
import { inviteId } from '../../src/core/invite.ts'
import { objectOf } from '../../src/core/ipld.ts'
import { signerOf } from '../../src/core/keys.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { draftEvidence } from '../../src/core/statement/evidence.ts'
import type { Root } from '../../src/core/statement/root.ts'
import { formatStatement } from '../../src/core/statement/statement.ts'

export const NOW_MS = Date.UTC(2026, 10, 24, 14, 3, 10)
const DAY_MS = 86_400_000
const key = (name: string) => signerOf(new Uint8Array(Buffer.from(sha256Hex(utf8(name)), 'hex')))

export const founder = key('founder')
export const atlas = { node: key('atlas'), log: key('atlas log'), witness: key('atlas witness') }
export const borealis = {
  node: key('borealis'),
  log: key('borealis log'),
  witness: key('borealis witness'),
}
export const deployer = key('deployer')
export const invited = key('secret of an invite')

const role = { keys: [founder.did], threshold: 1 }
export const ROOT: Omit<Root, 'id'> = {
  type: 'root',
  mesh: 'prod',
  version: 1,
  previous: null,
  issuedMs: NOW_MS,
  expiresMs: NOW_MS + 365 * DAY_MS,
  roles: {
    root: role,
    policy: role,
    issuer: role,
    revoker: role,
    admitter: role,
    breakglass: role,
  },
  witnesses: [atlas.node.did],
  lease: { read: 1, write: 1, faults: 0, stalenessMs: 60_000, skewMs: 2_000 },
  limits: { artifactTtlMs: 30 * DAY_MS },
  keeps: [],
  lifts: [],
  floors: new Map(),
  message: null,
}
export const root = formatStatement(ROOT)
export const mesh = idOf(root)
const common = { mesh, root: 1, issuedMs: NOW_MS, message: 'INC-9' }
export const ADDRESS = `/ip4/10.0.0.4/tcp/4717/p2p/${formatPeerId(atlas.node.did)}`

export const member = formatStatement({
  type: 'member',
  ...common,
  message: `invite ${inviteId(invited.did)}`,
  version: 1,
  principal: borealis.node.did,
  log: borealis.log.did,
  witness: borealis.witness.did,
  name: 'borealis',
  labels: new Map([['env', 'staging']]),
  expiresMs: NOW_MS + 365 * DAY_MS,
  witnessEligible: false,
})
export const policy = formatStatement({
  type: 'policy',
  ...common,
  bundle: 'ci',
  version: 1,
  previous: [],
  mode: 'enforce',
  policies: new Map([['ci.cedar', '@id("granted")\npermit (principal, action, resource);']]),
  schema:
    'entity principal; entity Any; action "*" appliesTo { principal: [principal, Any], resource: [principal, Any] };',
  entities: [],
  tests: [],
})

const { cmd, pol, meta } = compileGrant(
  {
    actions: ['job:deploy'],
    resource: 'env:staging',
    subject: null,
    bind: new Map([['uid', '1001']]),
    node: null,
    env: new Map([['label.env', 'staging']]),
    require: [],
    depth: null,
    once: false,
    gov: null,
    by: null,
  },
  [],
)
export const nonce = new Uint8Array(16).fill(7)
export const expS = (NOW_MS + 3_600_000) / 1000
export const link = parseDelegation(
  signDelegation(
    { aud: deployer.did, sub: founder.did, cmd, pol, nonce, expS, nbfS: null, meta },
    founder,
  ),
)
export const invocation = closeWith(
  {
    aud: atlas.node.did,
    sub: founder.did,
    asked: {
      action: 'job:deploy',
      resource: { type: 'env', id: 'staging' },
      subject: null,
      args: objectOf([]),
    },
    prf: [link.cid],
    nonce,
    expS: NOW_MS / 1000 + 10,
    iatS: NOW_MS / 1000,
    cause: null,
    meta: objectOf([]),
  },
  deployer,
)

export const revocation = formatStatement({
  type: 'revocation',
  ...common,
  message: 'key leaked',
  target: { kind: 'link', cid: link.cid },
  untilMs: NOW_MS + 30 * DAY_MS,
  chain: [],
})
export const freeze = formatStatement({
  type: 'freeze',
  ...common,
  scope: { kind: 'principal', did: deployer.did },
  version: 1,
  frozen: true,
})
/** Two heads of one size. */
export const evidence = formatStatement(contradiction())

function contradiction() {
  const whose = { mesh, node: borealis.node.did, log: borealis.log.did, epoch: 1 }
  const origin = logOrigin(mesh, whose.node, 1)
  const note = (of: string) =>
    textOf(signCheckpoint({ origin, size: 7, rootHash: sha256(utf8(of)) }, borealis.log))
  const draft = draftEvidence(whose, [note('one history'), note('another')], [])
  assert(draft !== null, 'two root hashes of one size are evidence')
  return draft
}

export const epoch = formatStatement({
  type: 'epoch',
  ...common,
  message: 'disk replaced',
  node: borealis.node.did,
  epoch: 2,
  previousSize: null,
  previousRootHash: null,
  overrules: false,
})
