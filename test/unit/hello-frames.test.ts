/** The frames of the hello: exact inverses, versions refused, proofs bound to who says what to whom. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { signAddressRecord } from '../../src/mesh/address-record.ts'
import {
  type Answer,
  formatAnswer,
  formatHello,
  type Hello,
  parseAnswer,
  parseHello,
  proveClaim,
  proveInvite,
  REFUSALS,
  verifyClaim,
  verifyInvite,
} from '../../src/mesh/hello-frames.ts'
import { atlas, borealis, corvus, keyOf, World } from './statements.ts'

const world = new World()
const KEYS = [atlas.identity, atlas.log, atlas.witness] as const
const [FROM, TO] = [atlas.identity.did, borealis.identity.did]
const claim = {
  name: 'atlas',
  log: atlas.log.did,
  witness: atlas.witness.did,
  mesh: world.mesh,
}
const address = signAddressRecord({ node: FROM, addresses: [], seq: 5 }, atlas.identity)
const HELLO: Hello = {
  ...claim,
  root: 2,
  proofs: proveClaim(claim, TO, KEYS),
  member: world.member(atlas).bytes,
  address,
  redemption: { invite: '0a77e4c1', signature: new Uint8Array(64) },
}
const SHOWN: Answer = {
  result: 'member',
  mesh: world.mesh,
  name: 'borealis',
  roots: [world.first.bytes],
  more: false,
  members: [world.member(atlas).bytes, world.member(borealis).bytes],
  addresses: [address],
}

test('a hello is read as what was printed, with everything and with nothing optional', () => {
  const bare = { ...HELLO, mesh: null, root: 0, member: null, address: null, redemption: null }
  for (const hello of [HELLO, bare]) {
    const bytes = formatHello(hello)
    assert.deepEqual(parseHello(bytes), hello)
    assert.deepEqual(formatHello(parseHello(bytes)), bytes)
  }
})

test('an answer is read as what was printed, and a refusal carries nothing else', () => {
  const refusals = REFUSALS.map((code): Answer => ({ result: 'refused', code }))
  const pending: Answer = { ...SHOWN, result: 'pending', members: [], addresses: [] }
  for (const answer of [SHOWN, pending, ...refusals])
    assert.deepEqual(parseAnswer(formatAnswer(answer)), answer)
  assert.deepEqual(textOf(formatAnswer({ result: 'refused', code: 'WRONG_MESH' })), REFUSED)
})

const REFUSED = '{"code":"WRONG_MESH","result":"refused","version":1}'

test('frames of another version, with unknown fields, or not canonical are refused', () => {
  const hello = textOf(formatHello(HELLO))
  const bad = [
    hello.replace('"version":1,"witness"', '"version":2,"witness"'),
    hello.replace('{"address"', '{"aa":1,"address"'),
    hello.replace('{"address"', '{ "address"'),
    hello.replace('"name":"atlas"', '"name":"at\\u001blas"'),
    hello.replace('"name":"atlas"', '"name":"аtlas"'),
    hello.replace(/"proofs":\["[^"]*",/, '"proofs":['),
    '[]',
    'null',
    '',
  ]
  for (const each of bad) {
    assert.notEqual(each, hello)
    assert.throws(() => parseHello(utf8(each)), Malformed, each.slice(0, 60))
  }
  const more = REFUSED.replace('{', '{"members":[],')
  assert.throws(() => parseAnswer(utf8(more)), Malformed)
  assert.throws(() => parseAnswer(utf8(REFUSED.replace('WRONG_MESH', 'ALLOWED'))), Malformed)
})

test('an answer that brings members to who is none is refused', () => {
  for (const result of ['pending', 'shown'] as const) {
    const bytes = formatAnswer({ ...SHOWN, result })
    assert.throws(() => parseAnswer(bytes), Malformed)
  }
})

test('proofs hold for this dialler, this listener and these words alone', () => {
  const read = parseHello(formatHello(HELLO))
  assert.ok(verifyClaim(read, FROM, TO))
  assert.ok(!verifyClaim(read, corvus.identity.did, TO), 'another dialler')
  assert.ok(!verifyClaim(read, FROM, corvus.identity.did), 'another listener')
  assert.ok(!verifyClaim({ ...read, name: 'borealis' }, FROM, TO))
  assert.ok(!verifyClaim({ ...read, mesh: null }, FROM, TO))
  assert.ok(!verifyClaim({ ...read, log: corvus.log.did }, FROM, TO))
  assert.ok(!verifyClaim({ ...read, witness: corvus.witness.did }, FROM, TO))
})

test('keys that a node does not have, or one key for two duties, are no claim', () => {
  const foreign = { ...claim, log: borealis.log.did }
  const proofs = proveClaim(foreign, TO, KEYS)
  assert.ok(!verifyClaim({ ...HELLO, ...foreign, proofs }, FROM, TO))
  const doubled = { ...claim, witness: atlas.log.did }
  const twice = proveClaim(doubled, TO, [atlas.identity, atlas.log, atlas.log])
  assert.ok(!verifyClaim({ ...HELLO, ...doubled, proofs: twice }, FROM, TO))
})

test('a redemption holds for one joiner with its keys, one node, one mesh and one invite', () => {
  const secret = keyOf('secret')
  const redeeming = {
    invite: '0a77e4c1',
    mesh: world.mesh,
    joiner: FROM,
    log: atlas.log.did,
    witness: atlas.witness.did,
    redeemer: TO,
  }
  const signature = proveInvite(redeeming, secret)
  assert.ok(verifyInvite(redeeming, secret.did, signature))
  const other = new World(world.first)
  assert.equal(other.mesh, world.mesh)
  const changes = [
    { invite: '0a77e4c2' },
    { mesh: world.member(atlas).id },
    { joiner: corvus.identity.did },
    { log: corvus.log.did },
    { witness: corvus.witness.did },
    { redeemer: corvus.identity.did },
  ]
  for (const change of changes)
    assert.ok(!verifyInvite({ ...redeeming, ...change }, secret.did, signature))
  assert.ok(!verifyInvite(redeeming, keyOf('guess').did, signature))
})
