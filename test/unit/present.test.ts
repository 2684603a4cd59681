/** Which artifact a request is judged by, and who closes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS, atlas, close, line, link } from '../../scripts/vectors/tokens.ts'
import { parseArtifact } from '../../src/core/artifact.ts'
import { type Invocation, parseInvocation } from '../../src/core/invocation.ts'
import { signerOf, verifySignature } from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import type { Presented } from '../../src/core/presented.ts'
import { verifyToken } from '../../src/core/ucan.ts'
import { type Asking, present } from '../../src/daemon/present.ts'
import { signingAside } from '../../src/daemon/signing.ts'
import { BEGINNING_MS } from '../sim/clock.ts'
import { BOB_UID, CAROL_UID, caller, governed, granted, type World, world } from './deciding.ts'
import { request } from './judgements.ts'

const EXP_S = Math.floor(BEGINNING_MS / 1000)

async function ask(of: World, uid: number | null, over: Partial<Asking> = {}): Promise<Presented> {
  const asking: Asking = {
    request: request(),
    caller: caller(of, uid),
    artifact: null,
    governance: of.governance,
    nowMs: of.clock.wallMs(),
    ...over,
  }
  const { wallet, clock, node } = of
  return present(asking, {
    self: atlas.did,
    wallet,
    random: clock.dice,
    nameOf: node.nameOf,
    seen: node.seen,
  })
}

function found(presented: Presented): Extract<Presented, { kind: 'artifact' }> {
  return presented.kind === 'artifact' ? presented : assert.fail(presented.detail)
}

async function hold(of: World, name: string, text: string): Promise<string> {
  const artifact = parseArtifact(text)
  await of.wallet.hold(name, artifact)
  return artifact.cid
}

test('what a caller closed itself is taken as it came', async () => {
  const of = await world()
  const links = [link(0)]
  const text = line([...links, close(links)])
  const { invocation, source } = found(await ask(of, null, { artifact: text }))
  assert.equal(source, 'explicit')
  assert.deepEqual(invocation, parseArtifact(text).invocation)
})

test('delegations to the caller are closed with its key, for this node, this request, a short while', async () => {
  const of = await world()
  const { invocation, source } = found(await ask(of, BOB_UID, { artifact: granted(of, 'bob') }))
  assert.equal(source, 'explicit')
  assert.equal(invocation.iss, of.wallet.key('bob')?.signer.did)
  assert.equal(invocation.aud, atlas.did)
  assert.equal(invocation.asked.action, ARGS.action)
  assert.ok(invocation.expS * 1000 - BEGINNING_MS <= 11_000)
  assert.ok(verifyToken(invocation, invocation.iss))
  const again = found(await ask(of, BOB_UID, { artifact: granted(of, 'bob') }))
  assert.notEqual(again.invocation.cid, invocation.cid, 'each has a nonce of its own')
})

test('asked again, everything but the nonce is as if it were asked for the first time', async () => {
  const of = await world()
  const wanted = request()
  const closing = async (over: Partial<Asking> = {}) =>
    found(await ask(of, BOB_UID, { request: wanted, ...over })).invocation
  const readBack = (invocation: Invocation) => {
    assert.deepEqual(parseInvocation(invocation.bytes).nonce, invocation.nonce)
    const { aud, iss, expS, prf, asked } = parseInvocation(invocation.bytes)
    return JSON.stringify({ aud, iss, expS, prf, action: asked.action })
  }
  await hold(of, 'bob', granted(of, 'bob'))
  const first = await closing()
  const again = await closing()
  assert.equal(readBack(again), readBack(first))
  assert.notEqual(again.cid, first.cid)
  const later = await closing({ nowMs: of.clock.wallMs() + 1000 })
  assert.equal(later.expS, first.expS + 1)
  const other = granted(of, 'bob', { exp: EXP_S + 4000 })
  const elsewhere = await closing({ artifact: other })
  assert.deepEqual(elsewhere.prf, [parseArtifact(other).cid])
  const { prf } = await closing()
  assert.deepEqual(prf, first.prf)
  const carol = await closing({
    caller: caller(of, CAROL_UID),
    artifact: granted(of, 'carol'),
  })
  assert.equal(carol.iss, of.wallet.key('carol')?.signer.did)
  for (const each of [first, again, later, elsewhere, carol]) {
    readBack(each)
    assert.ok(verifySignature(each.iss, each.bytes.subarray(67), each.bytes.subarray(3, 67)))
  }
})

test('a key signs the same on another thread', async () => {
  const seed = new Uint8Array(32).fill(7)
  const message = new Uint8Array(100).fill(1)
  assert.deepEqual(new Uint8Array(await signingAside(seed)(message)), signerOf(seed).sign(message))
})

test('nobody closes delegations to somebody else', async () => {
  const of = await world()
  for (const uid of [CAROL_UID, 5, null]) {
    const presented = await ask(of, uid, { artifact: granted(of, 'bob') })
    assert.equal(presented.kind, 'malformed', `uid ${uid}`)
  }
})

test('a caller whose connection was named before its key changed hands gets no signature', async () => {
  const of = await world()
  const bob = caller(of, BOB_UID)
  const stale = { ...bob, principal: of.wallet.key('carol')?.signer.did ?? null }
  assert.equal(
    (await ask(of, BOB_UID, { caller: stale, artifact: granted(of, 'bob') })).kind,
    'malformed',
  )
  await hold(of, 'bob', granted(of, 'bob'))
  assert.equal((await ask(of, BOB_UID, { caller: stale })).kind, 'missing')
})

test('what is no artifact, or too long for a header, is malformed', async () => {
  const of = await world()
  for (const artifact of ['', 'x', `C${'A'.repeat(20_000)}`, 'C\u00ff']) {
    assert.equal((await ask(of, BOB_UID, { artifact })).kind, 'malformed')
  }
})

test('nothing is held for another, and nothing is offered to a request that cannot be read', async () => {
  const of = await world()
  await hold(of, 'bob', granted(of, 'bob'))
  assert.equal(found(await ask(of, BOB_UID)).source, 'held')
  assert.equal((await ask(of, CAROL_UID)).kind, 'missing')
  assert.equal((await ask(of, null)).kind, 'missing')
  assert.equal((await ask(of, BOB_UID, { request: new Malformed('no') })).kind, 'missing')
})

test('the latest to expire is taken first, and passed over when it is revoked, spent or not yet valid', async () => {
  const of = await world()
  const wanted = request()
  const chosen = async (over: Partial<Asking> = {}) =>
    found(await ask(of, BOB_UID, { request: wanted, ...over })).links.at(-1)?.cid
  const early = await hold(of, 'bob', granted(of, 'bob', { exp: EXP_S + 100 }))
  const late = await hold(of, 'bob', granted(of, 'bob', { exp: EXP_S + 5000 }))
  assert.equal(await chosen(), late)
  const revoked = governed({ revoked: [{ kind: 'link', cid: late }] })
  assert.equal(await chosen({ governance: revoked }), early)
  const future = await hold(of, 'bob', granted(of, 'bob', { nbf: EXP_S + 1000, exp: EXP_S + 9000 }))
  assert.equal(await chosen(), late)
  assert.equal(await chosen({ nowMs: (EXP_S + 1000) * 1000 }), future)
  const pol = [['==', '.meshd.node.id', atlas.did]]
  const once = await hold(
    of,
    'bob',
    granted(of, 'bob', { pol, meta: { once: true }, exp: EXP_S + 9500 }),
  )
  assert.equal(await chosen(), once)
  of.nonces.reserve([{ cid: once, expiresMs: BEGINNING_MS * 2 }])
  assert.equal(await chosen(), late)
})

test('what was found to fit a request is found again, and nothing else is taken for it', async () => {
  const of = await world()
  const asBob = request({ subject: { type: 'principal', id: 'bob' } })
  const chosen = async (over: Partial<Asking> = {}) =>
    found(await ask(of, BOB_UID, { request: asBob, ...over })).links.at(-1)?.cid
  const any = await hold(of, 'bob', granted(of, 'bob', { exp: EXP_S + 100 }))
  const pol = [['==', '.subject.id', of.wallet.key('bob')?.signer.did]]
  const own = await hold(of, 'bob', granted(of, 'bob', { pol, exp: EXP_S + 200 }))
  for (let i = 0; i < 3; i += 1) assert.equal(await chosen(), own)
  // Called by another name, the caller speaks for somebody else.
  Object.assign(of.node, { nameOf: () => 'robert' })
  assert.equal(await chosen(), any)
  await of.wallet.drop('bob', any)
  assert.equal(await chosen(), own)
  await of.wallet.drop('bob', own)
  assert.equal((await ask(of, BOB_UID, { request: asBob })).kind, 'missing')
})

test('none that passes: the one that fits best is judged, so that its true reason shows', async () => {
  const of = await world()
  const wanted = request()
  const elsewhere = await hold(of, 'bob', granted(of, 'bob', { cmd: '/job', exp: EXP_S + 9000 }))
  const chosen = async (over: Partial<Asking> = {}) =>
    found(await ask(of, BOB_UID, { request: wanted, ...over })).links.at(-1)?.cid
  assert.equal(await chosen(), elsewhere)
  const pol = [['==', '.resource.id', 'other']]
  const near = await hold(of, 'bob', granted(of, 'bob', { pol, exp: EXP_S + 8000 }))
  assert.equal(await chosen(), near)
  const fits = await hold(of, 'bob', granted(of, 'bob', { exp: EXP_S + 100 }))
  assert.equal(await chosen({ nowMs: (EXP_S + 200) * 1000 }), fits)
  assert.equal(
    await chosen({ governance: governed({ revoked: [{ kind: 'link', cid: fits }] }) }),
    fits,
  )
})

test('an issuer that was dropped leaves nothing that passes', async () => {
  const of = await world()
  const cid = await hold(of, 'bob', granted(of, 'bob'))
  const presented = found(await ask(of, BOB_UID, { governance: governed({ root: null }) }))
  assert.equal(presented.links.at(-1)?.cid, cid)
})
