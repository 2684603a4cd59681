/**
 * What a member brings that is not so (FAULTS 60 to 63, 117, 127, 129, 135,
 * 136), pushed by hand to a real daemon: old things again, versions from the
 * future, things of other meshes, other people's names, evidence against the
 * innocent. Governance stays what the honest made it.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { StatusView } from '../../src/client/types.ts'
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { type Envelope, formatEnvelope, parseEnvelope } from '../../src/core/dsse.ts'
import { idOf, type StatementId } from '../../src/core/id.ts'
import { formatJson } from '../../src/core/json.ts'
import { type Did, type Signer, signerOf } from '../../src/core/keys.ts'
import { ISSUER_REVOCATIONS_MAX } from '../../src/core/limits.ts'
import { readPolicy } from '../../src/core/statement/policy.ts'
import { parseStatement } from '../../src/core/statement/statement.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { formatSyncRequest, parseSyncAnswer } from '../../src/mesh/sync-frames.ts'
import { authorize, eventually, grant, status } from '../e2e/lab.ts'
import { bodyOf, raw, request, socketOf } from '../e2e/raw.ts'
import { forkedHeads, framing, revokedLink, rootLink, signed, signedFreeze } from './artisan.ts'
import { Attacker } from './attacker.ts'
import { rssOf } from './gauges.ts'
import { message } from './raw-gossip.ts'
import { row } from './row.ts'
import { LONG } from './shim.ts'
import { pause, Siege } from './siege.ts'

/** Of the million that the row names, as many in each order as a daemon is asked in the time; link-flood.test.ts has the rest. */
const REVOKED = LONG ? 50_000 : 1_200
const BATCH = 50

let siege: Siege
/** The founder's key, in every role: what a thief of it could sign. */
let me: Signer

before(async () => {
  siege = await Siege.begin('cygnus')
  me = new KeyStore(siege.atlas.env).signer('founder', null)
})

after(() => siege[Symbol.asyncDispose]())

const push = (blobs: readonly Uint8Array[], by = siege.mallory) => siege.push(blobs, by)
const bytesOf = (envelope: Envelope) => formatEnvelope(envelope)
const common = () => ({ mesh: siege.mesh, root: 1, issuedMs: Date.now(), message: null })

/** The envelopes of that type that the node serves, oldest first. */
async function served(type: string): Promise<readonly Envelope[]> {
  const ids = await listed(type)
  const connection = await siege.greeted()
  const answer = await siege.mallory.ask(
    connection,
    'sync',
    formatSyncRequest({ ask: 'fetch', ids: ids as readonly StatementId[] }),
  )
  assert.ok(answer !== null)
  // 00 in front: answered.
  const said = parseSyncAnswer(answer.subarray(1))
  assert.ok(said.say === 'statements')
  return said.blobs.map(parseEnvelope)
}

async function listed(type: string): Promise<readonly string[]> {
  const path = `/v1/statements?type=${type}`
  const body = bodyOf(await raw(socketOf(siege.atlas, 'read'), request('GET', path)))
  return (JSON.parse(body) as { items: readonly { id: string }[] }).items.map(({ id }) => id)
}

async function bundle(): Promise<StatusView['governance']['bundles'][number] | undefined> {
  return (await status(siege.atlas)).governance.bundles[0]
}

test('what was superseded comes again and changes nothing: roots, policies, a part of everything', async (t) => {
  const { atlas } = siege
  const [policy] = await served('policy')
  assert.ok(policy !== undefined)
  const first = readPolicy(idOf(policy.payload), JSON.parse(Buffer.from(policy.payload).toString()))
  const next = signed(
    { ...first, ...common(), version: first.version + 1, previous: [first.id], message: 'next' },
    [me],
  )
  await push([bytesOf(next)])
  await eventually('version 2', bundle, (now) => now?.version === 2)
  const before = await siege.digest(atlas)
  const old = [...(await served('root')), policy, ...(await served('member'))]
  await push(old.map(bytesOf))
  await push(old.toReversed().map(bytesOf))
  assert.deepEqual([await siege.digest(atlas), (await bundle())?.version], [before, 2])
  row(
    t,
    61,
    `${2 * old.length} older statements pushed by a member: 0 accepted, bundle still at version 2`,
  )
})

test('a version from the future, signed with a stolen key, is not in force', async (t) => {
  const policies = await served('policy')
  const last = policies
    .map((each) => parseStatement('policy', each.payload))
    .find((each) => each.type === 'policy' && each.version === 2)
  assert.ok(last?.type === 'policy')
  const before = await siege.digest()
  const jumps = [3 + 1, 1_000_000, Number.MAX_SAFE_INTEGER].map((version) =>
    signed({ ...last, ...common(), version, previous: [last.id] }, [me]),
  )
  const orphan = signed(
    { ...last, ...common(), version: 3, previous: [`sha256:${'ab'.repeat(32)}`] },
    [me],
  )
  await push([...jumps, orphan].map(bytesOf))
  assert.deepEqual([await siege.digest(), (await bundle())?.version], [before, 2])
  row(t, 62, `${jumps.length + 1} versions up to 2^53 - 1 by the real policy key: 0 in force`)
})

test('parts of other meshes and other times do not mix with this one', async (t) => {
  const [root] = (await served('root')).map((each) => parseStatement('root', each.payload))
  assert.ok(root?.type === 'root')
  const before = await siege.digest()
  const other = `sha256:${'cd'.repeat(32)}` as StatementId
  const until = Date.now() + 86_400_000
  const target = { kind: 'principal', did: siege.mallory.did } as const
  const mixed = [
    signedFreeze(other, 'mixed', 1, [me]),
    signed({ type: 'revocation', ...common(), mesh: other, target, untilMs: until, chain: [] }, [
      me,
    ]),
    // Of a root that nobody has, of the version after the next one, and of one that follows another.
    signed({ type: 'revocation', ...common(), root: 9, target, untilMs: until, chain: [] }, [me]),
    signed({ ...root, version: root.version + 2, previous: root.id }, [me]),
    signed({ ...root, version: root.version + 1, previous: other }, [me]),
    signed({ ...root, version: root.version + 1, previous: root.id }, [signerOf(randomBytes(32))]),
  ]
  for (const each of mixed) await push([bytesOf(each)])
  assert.equal(await siege.digest(), before)
  row(t, 63, `${mixed.length} parts of other meshes, roots and versions: 0 accepted`)
})

test('old announcements, again and again, hold no lease', async (t) => {
  const { lab, atlas, mallory, mesh } = siege
  await grant(atlas)
  const connection = await siege.greeted()
  const gossip = await mallory.gossip(connection)
  await siege.freezeFor(3_000)
  const heard = [...mallory.heard]
  assert.ok(heard.length > 0, 'it heard nothing')
  assert.equal((await authorize(atlas)).code, null)
  // Of three two are needed: with the others frozen no lease can be renewed.
  const others = lab.hosts.filter((host) => host !== atlas)
  for (const { pid } of others) process.kill(pid, 'SIGSTOP')
  try {
    let replayed = 0
    const states = [`/meshd/${mesh}/state/1`, siege.topic]
    const deny = await eventually(
      'it denies',
      async () => {
        for (const chunk of heard) gossip.sendRaw(chunk)
        for (const topic of states) gossip.send(message(topic, randomBytes(64)))
        replayed += heard.length
        return (await authorize(atlas)).code
      },
      (code) => code === 'GOVERNANCE_STALE',
      15_000,
    )
    assert.equal(deny, 'GOVERNANCE_STALE')
    let allows = 0
    for (let i = 0; i < 20; i += 1) {
      for (const chunk of heard) gossip.sendRaw(chunk)
      replayed += heard.length
      if ((await authorize(atlas)).decision) allows += 1
      await pause(50)
    }
    assert.equal(allows, 0)
    row(t, 60, `${allows} allows after the lease ended, with ${replayed} old frames replayed`)
    row(t, 117, `${allows} allows after the lease ended, with ${replayed} old frames replayed`)
  } finally {
    for (const { pid } of others) process.kill(pid, 'SIGCONT')
  }
  await eventually(
    'it allows again',
    async () => (await authorize(atlas)).code,
    (code) => code === null,
    20_000,
  )
})

test('a member without a role fills nothing, and garbage on a real statement does not harm it', async (t) => {
  const { atlas } = siege
  const before = await status(atlas)
  const nobody = signerOf(randomBytes(32))
  const flood = Array.from({ length: 500 }, (_, n) =>
    bytesOf(signedFreeze(siege.mesh, `pending-${n}`, 1, [nobody, siege.mallory.identity])),
  )
  for (const each of flood) await push([each])
  const after = await status(atlas)
  assert.equal(after.governance.pending, before.governance.pending)
  // The real one, first with a signature of the real key that is none, and a dozen of strangers.
  const real = signedFreeze(siege.mesh, 'real', 1, [me])
  const sig = (signer: Signer) => ({ keyid: signer.did, sig: toBase64(randomBytes(64)) })
  const strangers = Array.from({ length: 12 }, () => signerOf(randomBytes(32)))
  const spoiled = JSON.parse(Buffer.from(bytesOf(real)).toString()) as { signatures: object[] }
  const garbage = strangers.map(sig)
  const sorted = (list: readonly { keyid: string }[]) =>
    list.toSorted((a, b) => (a.keyid < b.keyid ? -1 : 1))
  await push([utf8(formatJson({ ...spoiled, signatures: sorted([sig(me)]) } as never))])
  const mixed = sorted([...garbage, ...(spoiled.signatures as { keyid: string }[])])
  // Whoever cost so much for nothing is not listened to for a while.
  await eventually(
    'it is in force',
    async () => {
      await push([utf8(formatJson({ ...spoiled, signatures: mixed } as never))])
      return listed('freeze')
    },
    (ids) => ids.includes(idOf(real.payload)),
    60_000,
  )
  const [kept] = (await served('freeze')).filter(
    ({ payload }) => idOf(payload) === idOf(real.payload),
  )
  assert.deepEqual(
    kept?.signatures.map(({ key }) => key),
    [me.did],
  )
  row(
    t,
    127,
    `${flood.length} statements of no role: ${after.governance.pending - before.governance.pending} pending; a real one with 12 bad signatures is in force with its own alone`,
  )
})

/** Takes back that many links below one of his own: as they come, or each with a smaller id than all before it. */
async function takeBack(count: number, falling: boolean): Promise<number> {
  const { mallory, mesh } = siege
  const above = rootLink(me, mallory.did)
  const made = Array.from({ length: count }, () => {
    const envelope = revokedLink(mesh, above, mallory.identity)
    return { id: idOf(envelope.payload), bytes: bytesOf(envelope) }
  })
  if (falling) made.sort((one, other) => (one.id < other.id ? 1 : -1))
  for (let at = 0; at < made.length; at += BATCH)
    await push(made.slice(at, at + BATCH).map(({ bytes }) => bytes))
  return made.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

for (const falling of [false, true])
  test(`who holds a link may take back a thousand below it, and not one more${falling ? ', also by falling ids' : ''}`, async (t) => {
    const { atlas } = siege
    const rssBefore = rssOf(atlas)
    const before = await status(atlas)
    const beganMs = performance.now()
    const bytes = await takeBack(REVOKED, falling)
    const tookS = ((performance.now() - beganMs) / 1000).toFixed(0)
    const after = await status(atlas)
    const held = after.governance.revocations - before.governance.revocations
    assert.ok(held <= ISSUER_REVOCATIONS_MAX + 1, `${held} are held`)
    assert.ok(held > 100, `only ${held} were taken: nothing was tried`)
    const grown = after.governance.size - before.governance.size
    assert.ok(grown <= ISSUER_REVOCATIONS_MAX + 1, `the set grew by ${grown}`)
    const told = after.log.size - before.log.size
    // A record for each that is held; beside them whatever else the daemon did meanwhile.
    assert.ok(told <= ISSUER_REVOCATIONS_MAX + 50, `the log grew by ${told} records`)
    row(
      t,
      129,
      `${REVOKED} revocations of links below one${falling ? ', each with a smaller id' : ''} (${Math.round(bytes / 1024)} KiB in ${tookS} s): ${held} are held, under ${grown} of the digest; the log grew by ${told}; RSS ${rssBefore} to ${rssOf(atlas)} MiB`,
    )
  })

test('evidence against the innocent is refused; of the guilty one is kept', async (t) => {
  const { atlas, mallory } = siege
  const innocent = (await status(atlas)).node.did as Did
  const whose = { mesh: siege.mesh, node: mallory.did, log: mallory.log }
  const known = (await served('member'))
    .map(({ payload }) => parseStatement('member', payload))
    .find((each) => each.type === 'member' && each.principal === innocent)
  assert.ok(known?.type === 'member')
  const lies = framing(whose, innocent, known.log)
  for (const each of lies) await push([each])
  assert.equal((await status(atlas)).governance.evidence, 0)
  row(t, 135, `${lies.length} lies about an honest log: 0 framed`)

  await using eve = await Attacker.start()
  await siege.admit(eve, 'eve')
  const pairs = Array.from({ length: 300 }, (_, n) => forkedHeads(whose, n + 1))
  await push([pairs[0] as Uint8Array], eve)
  await eventually(
    'it is believed',
    async () => (await status(atlas)).governance.evidence,
    (count) => count === 1,
  )
  for (let at = 1; at < pairs.length; at += 50) await push(pairs.slice(at, at + 50), eve)
  assert.equal((await listed('evidence')).length, 1)
  row(
    t,
    136,
    `${pairs.length} true pairs of one equivocator: ${(await listed('evidence')).length} kept`,
  )
})

test('no daemon told of a bug', () => {
  assert.deepEqual(siege.bugs(), [])
})
