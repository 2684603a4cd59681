/** The next root: what it takes over, what it refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signaturesText } from '../../src/cli/govern.ts'
import { type Changes, nextRoot } from '../../src/cli/root-draft.ts'
import { handoverStuck, unreadyFor } from '../../src/cli/root-rotate.ts'
import type { PeerView } from '../../src/client/peer-types.ts'
import { type Did, signerOf } from '../../src/core/keys.ts'
import { MeshError } from '../../src/core/problems.ts'
import { formatStatement, parseStatement } from '../../src/core/statement/statement.ts'
import { ALICE, PEERS, ROOT, SEED, STATUS } from '../golden/story.ts'

const NONE: Changes = {
  ...{ addKeys: [], dropKeys: [], thresholds: [], witnesses: null, lease: [] },
  lifts: [],
}
const CARRIED = { keeps: [], floors: new Map() }
const TIMES = {
  issuedMs: Date.parse('2026-11-23T14:00:00Z'),
  expiresMs: Date.parse('2027-11-23T14:00:00Z'),
}
const BOB = signerOf(SEED(40)).did
const draft = (changes: Partial<Changes>) =>
  nextRoot(ROOT, { ...NONE, ...changes }, CARRIED, TIMES, null)
const refused = (changes: Partial<Changes>, why: RegExp) =>
  assert.throws(
    () => draft(changes),
    (error) => error instanceof MeshError && error.code === 'USAGE' && why.test(error.message),
  )

test('what a root lacks is said of the last version and of its own; of all else in one number', () => {
  const needs = (...each: { root: number; threshold: number; missing: number }[]) => {
    const [most] = each.toSorted((a, b) => b.missing - a.missing)
    return signaturesText({ role: 'root', threshold: 1, missing: 0, ...most, each })
  }
  const done = { root: 1, threshold: 1, missing: 0 }
  assert.equal(
    needs(done, { root: 2, threshold: 2, missing: 2 }),
    '1 of 1 by root v1, 0 of 2 by root v2',
  )
  assert.equal(needs(done, { root: 2, threshold: 1, missing: 0 }), '1 of 1 signature')
  assert.equal(needs({ root: 3, threshold: 2, missing: 1 }), '1 of 2 signatures')
})

test('without changes everything is taken over, one version later', () => {
  const { version, previous, mesh, lease, limits, witnesses } = draft({})
  assert.deepEqual([version, previous, mesh], [4, ROOT.id, 'prod'])
  assert.deepEqual([lease, limits], [ROOT.lease, ROOT.limits])
  assert.deepEqual(witnesses, ROOT.witnesses.toSorted())
})

test('a draft is a statement that reads back as itself', () => {
  const next = draft({ addKeys: [`policy=${BOB}`], thresholds: ['policy=2'] })
  const read = parseStatement('root', formatStatement(next))
  assert.deepEqual({ ...read }, { ...next, id: read.id })
})

test('keys come and go by role and by key', () => {
  const roles = ['root', 'policy', 'issuer', 'revoker', 'breakglass']
  const next = draft({ addKeys: roles.map((role) => `${role}=${BOB}`), dropKeys: [ALICE] })
  assert.deepEqual(next.roles.policy.keys, [BOB])
  assert.ok(next.roles.root.keys.includes(BOB) && !next.roles.root.keys.includes(ALICE as Did))
  assert.deepEqual(next.roles.root.threshold, 2)
})

test('a root that nobody could follow, or with more signatures than keys, is refused', () => {
  refused({ dropKeys: ROOT.roles['root']?.keys ?? [] }, /would have no key/)
  refused({ dropKeys: [ALICE], thresholds: ['root=1'] }, /--add-key policy=/)
  refused({ thresholds: ['policy=2'] }, /2 of 1 keys/)
  refused({ thresholds: ['policy=0'] }, /0 of 1 keys/)
  refused({ dropKeys: [BOB] }, /in no role/)
  refused({ addKeys: ['boss=did:key:z6Mk'] }, /none of root, policy/)
  refused({ addKeys: ['policy=did:key:zNo'] }, /no did:key/)
})

test('quorums that do not meet are refused, whoever asks for them', () => {
  refused({ lease: ['write=1'] }, /must exceed/)
  refused({ lease: ['faults=1'] }, /must exceed/)
  refused({ lease: ['read=0', 'write=3'] }, /must exceed/)
  refused({ lease: ['read=4'] }, /must exceed/)
  refused({ lease: ['staleness=1ms'] }, /between/)
  refused({ lease: ['skew=2m'] }, /skew/)
  refused({ lease: ['luck=1'] }, /none of read/)
})

test('another number of witnesses brings its default quorums', () => {
  const two = draft({ witnesses: (ROOT.witnesses as readonly Did[]).slice(0, 2) })
  assert.deepEqual([two.lease.read, two.lease.write, two.lease.stalenessMs], [1, 2, 60_000])
  refused({ witnesses: [] }, /1 to/)
  refused({ witnesses: [BOB, BOB] }, /twice/)
})

test('no root is signed without a lease, or past a witness that is away or behind', () => {
  const ready = PEERS.map((peer) => ({
    ...peer,
    link: { address: '', direction: 'out' as const },
    heard: peer.heard && { ...peer.heard, digest: STATUS.governance.digest },
  }))
  assert.equal(unreadyFor({ ...STATUS, peers: ready }, null), null)
  assert.match(unreadyFor(STATUS, null) ?? '', /cygnus is not in sync/)
  const gone = ready.map((peer) => (peer.name === 'borealis' ? { ...peer, link: null } : peer))
  assert.match(unreadyFor({ ...STATUS, peers: gone }, null) ?? '', /borealis is not connected/)
  const lost = { ...STATUS, peers: ready, lease: { ...STATUS.lease, held: false } }
  assert.match(unreadyFor(lost, null) ?? '', /no lease/)
  assert.match(unreadyFor({ ...STATUS, peers: ready }, [BOB]) ?? '', /not known here/)
})

test('no root is signed after which the old witnesses could not hand over', () => {
  const [self, other] = PEERS.filter(({ name }) => ['atlas', 'borealis'].includes(name ?? ''))
  assert.ok(self !== undefined && other !== undefined)
  const link = { address: '', direction: 'out' as const }
  const lease = { read: 1, write: 2, faults: 0, stalenessMs: 60_000, skewMs: 2_000 }
  const old = { witnesses: [self.did, other.did], lease }
  const alone = { witnesses: [self.did], lease: { ...lease, write: 1 } }
  const stuck = (over: Partial<PeerView>, next = alone) =>
    handoverStuck({ ...STATUS, peers: [self, { ...other, link, ...over }] }, old, next)
  assert.equal(stuck({ state: 'member' }), null)
  assert.match(stuck({ state: 'member', link: null }) ?? '', /^1 of 2 old witnesses .* and 2 must/)
  assert.match(stuck({ state: 'revoked' }) ?? '', /^1 of 2 old witnesses/)
  // What changes neither witnesses nor terms hands nothing over.
  assert.equal(stuck({ state: 'revoked' }, { ...old, witnesses: [other.did, self.did] }), null)
})
